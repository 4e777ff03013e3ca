import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestEvent } from '../cpu/exit-hook.ts';
import type { VectoredEvent } from '../cpu/processor.ts';
import {
  guestLinearOf,
  idtVectoringInformation,
  instructionInformationOf,
  instructionLengthOf,
  interruptionInformation,
  qualificationOf,
  reasonOf,
} from './exit-information.ts';

type Io = Extract<GuestEvent, { kind: 'io' }>;
const io = (changes: Partial<Io>): Io => ({
  kind: 'io',
  port: 0x3f8,
  size: 1,
  direction: 'out',
  string: false,
  repeat: false,
  immediate: false,
  value: 0x41,
  linear: 0,
  ...changes,
});

test('the exit qualification of I/O instructions is that of SDM vol. 3, table 28-5', () => {
  // out dx, al with dx 0x3f8; in eax, 0xcf8 cannot be immediate: in al, 0x71 is
  assert.equal(qualificationOf(io({})), 0x03f80000);
  assert.equal(qualificationOf(io({ port: 0x71, direction: 'in', immediate: true })), 0x00710048);
  assert.equal(qualificationOf(io({ port: 0xcf8, size: 4 })), 0x0cf80003);
  assert.equal(qualificationOf(io({ port: 0xfffe, size: 2, direction: 'in' })), 0xfffe0009);
  // rep outsw, insb
  assert.equal(
    qualificationOf(io({ port: 0x1f0, size: 2, string: true, repeat: true })),
    0x01f00031,
  );
  assert.equal(qualificationOf(io({ port: 0x60, direction: 'in', string: true })), 0x00600018);
});

test('INS and OUTS have linear address and instruction information, table 28-8', () => {
  const outs = io({ string: true, linear: 0xc0001000, addressSize: 4, segment: 3 });
  assert.equal(guestLinearOf(outs), 0xc0001000);
  assert.equal(instructionInformationOf(outs), (3 << 15) | (1 << 7));
  const ins = io({ direction: 'in', string: true, addressSize: 2, segment: 3 });
  assert.equal(instructionInformationOf(ins), 0);
  assert.equal(instructionInformationOf(io({})), 0);
});

test('the exit qualification of control-register accesses is that of table 28-3', () => {
  const access = { kind: 'cr-access', value: 0, linear: -1 } as const;
  // mov cr3, ebx; mov esi, cr3; mov cr0, eax
  assert.equal(qualificationOf({ ...access, register: 3, access: 'mov-to-cr', gpr: 3 }), 0x303);
  assert.equal(qualificationOf({ ...access, register: 3, access: 'mov-from-cr', gpr: 6 }), 0x613);
  assert.equal(qualificationOf({ ...access, register: 0, access: 'mov-to-cr', gpr: 0 }), 0);
  assert.equal(qualificationOf({ ...access, register: 0, access: 'clts', gpr: 0 }), 0x20);
  const lmsw = { ...access, register: 0, access: 'lmsw', gpr: 0, value: 0x8001 } as const;
  assert.equal(qualificationOf(lmsw), 0x80010030);
  assert.equal(qualificationOf({ ...lmsw, linear: 0x500 }), 0x80010070);
  assert.equal(guestLinearOf({ ...lmsw, linear: 0x500 }), 0x500);
  assert.equal(guestLinearOf(lmsw), 0);
});

test('the exit qualification of debug-register accesses is that of table 28-4', () => {
  assert.equal(
    qualificationOf({ kind: 'dr-access', register: 7, access: 'mov-to-dr', gpr: 1 }),
    0x107,
  );
  assert.equal(
    qualificationOf({ kind: 'dr-access', register: 6, access: 'mov-from-dr', gpr: 0 }),
    0x16,
  );
});

test('the exit qualification of task switches is that of table 28-2', () => {
  const expected = { call: 0x28, iret: 0x40000028, jmp: 0x80000028, gate: 0xc0000028 } as const;
  for (const source of ['call', 'iret', 'jmp', 'gate'] as const) {
    assert.equal(
      qualificationOf({ kind: 'task-switch', selector: 0x28, source }),
      expected[source],
    );
  }
});

test('the exit qualification of EPT violations is that of table 28-7', () => {
  const violation = {
    kind: 'second-stage',
    guestPhysical: 0xfee00020,
    linear: 0xffffb020,
    size: 4,
  } as const;
  assert.equal(qualificationOf({ ...violation, access: 'read', final: true }), 0x181);
  assert.equal(qualificationOf({ ...violation, access: 'write', final: true }), 0x182);
  assert.equal(qualificationOf({ ...violation, access: 'fetch', final: true }), 0x184);
  assert.equal(qualificationOf({ ...violation, access: 'read', final: false }), 0x81);
  assert.equal(guestLinearOf({ ...violation, access: 'read', final: true }), 0xffffb020);
});

type Exception = Extract<GuestEvent, { kind: 'exception' }>;
const exception = (
  vector: number,
  type: Exception['type'],
  errorCode: number | null = null,
  qualification = 0,
): Exception => ({ kind: 'exception', vector, type, errorCode, qualification });

test('exceptions have interruption information by SDM vol. 3, 25.9.2', () => {
  // bits 7:0 vector, 10:8 type, 11 error code valid, 31 valid
  assert.equal(interruptionInformation(exception(14, 'fault', 2)), 0x80000b0e);
  assert.equal(interruptionInformation(exception(6, 'fault')), 0x80000306);
  assert.equal(interruptionInformation(exception(1, 'trap')), 0x80000301);
  assert.equal(interruptionInformation(exception(3, 'software')), 0x80000603);
  assert.equal(interruptionInformation(exception(1, 'privileged')), 0x80000501);
  assert.equal(interruptionInformation(exception(2, 'nmi')), 0x80000202);
  assert.equal(interruptionInformation({ kind: 'external-interrupt' }), 0);
});

test('the exit qualification of #PF is its address, that of #DB table 28-1', () => {
  assert.equal(qualificationOf(exception(14, 'fault', 2, 0xc0000000)), 0xc0000000);
  // BS and B0; reserved bits of DR6 do not come along
  assert.equal(qualificationOf(exception(1, 'trap', null, 0xffff4ff1)), 0x4001);
  assert.equal(qualificationOf(exception(13, 'fault', 0x10)), 0);
});

test('an interrupted delivery is told by IDT-vectoring information, 25.9.3', () => {
  const event = (type: VectoredEvent['type'], vector: number, errorCode: number | null = null) =>
    idtVectoringInformation({ vector, type, errorCode, length: 0 });
  assert.equal(idtVectoringInformation(null), 0);
  assert.equal(event('external', 0x20), 0x80000020);
  assert.equal(event('nmi', 2), 0x80000202);
  assert.equal(event('exception', 14, 4), 0x80000b0e);
  assert.equal(event('software', 0x80), 0x80000480);
  assert.equal(event('privileged-software', 1), 0x80000501);
  assert.equal(event('software-exception', 3), 0x80000603);
});

test('the instruction length is defined for what SDM vol. 3, 28.2.5 lists', () => {
  const length = (event: GuestEvent, vectoring: VectoredEvent | null = null): number =>
    instructionLengthOf(event, 2, vectoring);
  assert.equal(length({ kind: 'cpuid' }), 2);
  assert.equal(length(io({})), 2);
  assert.equal(length({ kind: 'task-switch', selector: 0, source: 'jmp' }), 2);
  assert.equal(length({ kind: 'task-switch', selector: 0, source: 'gate' }), 0);
  assert.equal(length(exception(3, 'software')), 2);
  assert.equal(length(exception(6, 'fault')), 0);
  assert.equal(length({ kind: 'external-interrupt' }), 0);
  assert.equal(length({ kind: 'triple-fault' }), 0);
  // int 0x80 through a task gate
  const software = { vector: 0x80, type: 'software', errorCode: null, length: 2 } as const;
  assert.equal(length({ kind: 'task-switch', selector: 0, source: 'gate' }, software), 2);
});

test('instructions have the reasons of SDM vol. 3, appendix C', () => {
  assert.equal(reasonOf({ kind: 'vmmcall' }), 18);
  assert.equal(reasonOf({ kind: 'vmx-instruction', mnemonic: 'vmxon' }), 27);
  assert.equal(reasonOf({ kind: 'vmx-instruction', mnemonic: 'invvpid' }), 53);
  assert.equal(reasonOf({ kind: 'vmx-instruction', mnemonic: 'nonsense' }), null);
  assert.equal(reasonOf({ kind: 'descriptor-table', mnemonic: 'lidt' }), 46);
  assert.equal(reasonOf({ kind: 'descriptor-table', mnemonic: 'ltr' }), 47);
  // table 28-10: 3 is LIDT; table 28-11: 3 is LTR, 1 STR
  assert.equal(instructionInformationOf({ kind: 'descriptor-table', mnemonic: 'lidt' }), 3 << 28);
  assert.equal(instructionInformationOf({ kind: 'descriptor-table', mnemonic: 'str' }), 1 << 28);
});
