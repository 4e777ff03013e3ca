/** Stops at VM exits: what is seen there, what a person may change, and how the guest goes on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExpressionError } from '../expressions/syntax.ts';
import type { ExitRecord, StopReason } from '../stop-reason.ts';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

const EXITS = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  b8 01 00 00 40            mov eax, 0x40000001
  leaf:
  10004a  0f a2                     cpuid
  after_leaf:
  10004c  89 de                     mov esi, ebx
  10004e  ba f8 03 00 00            mov edx, 0x3f8
  100053  b0 41                     mov al, 'A'
  send:
  100055  ee                        out dx, al
  after_send:
  100056  b8 63 00 00 00            mov eax, 99
  hypercall:
  10005b  0f 01 c1                  vmcall
  after_hypercall:
  10005e  b9 1b 00 00 00            mov ecx, 0x1b
  read_msr:
  100063  0f 32                     rdmsr
  after_msr:
  100065  bb 30 00 e0 fe            mov ebx, 0xfee00030
  device:
  10006a  8b 03                     mov eax, [ebx]
  after_device:
  10006c  bf 00 00 20 00            mov edi, 0x200000
  100071  b9 02 00 00 00            mov ecx, 2
  100076  89 de                     mov esi, ebx
  copy:
  100078  f3 a5                     rep movsd  # from the device
  after_copy:
  10007a  c6 05 14 00 05 00 c3      mov byte ptr [0x50014], 0xc3
  through_device:
  100081  ff 13                     call [ebx]  # the target is what the device's version reads as: RET
  end:
  100083  f4                        hlt
`);

const start = (): TestGuest => protectedGuest(EXITS, { interface: 'kvm' });

/** Runs to the next exit of a kind. */
function stopAt(guest: TestGuest, reason: string, condition?: string): ExitRecord {
  guest.port.setExitBreakpoints([{ id: 5, reason, ...(condition !== undefined && { condition }) }]);
  return exitOf(guest.go('continue'));
}
function exitOf(stop: StopReason): ExitRecord {
  assert.equal(stop.kind, 'exit');
  assert.deepEqual(stop.kind === 'exit' && stop.ids, [5]);
  return stop.kind === 'exit' ? stop.exit : assert.fail();
}

describe('a stop at an exit', () => {
  test('tells what the guest asked for, before it has it', () => {
    const guest = start();
    const exit = stopAt(guest, 'CPUID', 'leaf == 0x40000001');
    const { retired } = guest;
    assert.deepEqual(exit, {
      ordinal: 0,
      position: 2,
      reason: 10,
      name: 'CPUID',
      qualification: 0,
      detail: 'leaf 0x40000001 (KVM_CPUID_FEATURES)',
      fields: { leaf: 0x40000001, subleaf: 0 },
      rip: EXITS.at('leaf'),
      linearRip: EXITS.at('leaf'),
      instructionLength: 2,
      cpl: 0,
    });
    assert.equal(guest.eip, EXITS.at('leaf'));
    assert.equal(retired, 2);
    assert.equal(guest.register('eax'), 0x40000001);
    assert.equal(guest.register('leaf'), 0x40000001, 'its fields can be evaluated too');
    assert.deepEqual(guest.port.exitLog(0, 10), [exit]);
  });

  test('is over once the guest goes on, and resolved once', () => {
    const guest = start();
    stopAt(guest, 'CPUID');
    assert.equal(guest.step(), EXITS.at('after_leaf'));
    assert.equal(guest.retired, 3);
    assert.deepEqual(guest.port.exitCounts(), { CPUID: 1 });
    assert.throws(() => guest.register('leaf'), ExpressionError);
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
    assert.equal(guest.port.exitCounts()['CPUID'], 1);
  });

  test('uses a register that was changed there: CPUID', () => {
    const guest = start();
    stopAt(guest, 'CPUID');
    guest.port.writeRegister('eax', 0x40000000);
    guest.step();
    // EBX ECX EDX: "KVMKVMKVM", Linux Documentation/virt/kvm/x86/cpuid.rst
    assert.equal(guest.register('ebx'), 0x4b4d564b);
    assert.equal(guest.register('ecx'), 0x564b4d56);
  });

  test('uses a register that was changed there: OUT', () => {
    const guest = start();
    const exit = stopAt(guest, 'IO_INSTRUCTION');
    assert.equal(exit.fields['port'], 0x3f8);
    assert.equal(exit.fields['value'], 0x41);
    guest.port.writeRegister('al', 0x5a);
    guest.go('continue');
    assert.equal(guest.serial, 'Z');
  });

  test('uses a register that was changed there: VMCALL', () => {
    const guest = start();
    const exit = stopAt(guest, 'VMCALL', 'nr == 99');
    assert.equal(exit.fields['nr'], 99);
    guest.port.writeRegister('eax', 1);
    guest.step();
    // KVM_HC_VAPIC_POLL_IRQ returns 0, an unknown number -1000 (KVM_ENOSYS)
    assert.equal(guest.register('eax'), 0);
    const again = start();
    stopAt(again, 'VMCALL');
    again.step();
    assert.equal(again.register('eax'), -1000 >>> 0);
  });

  test('uses a register that was changed there: RDMSR and an address', () => {
    const guest = start();
    assert.equal(stopAt(guest, 'RDMSR').fields['msr'], 0x1b);
    guest.port.writeRegister('ecx', 0x174);
    guest.step();
    assert.equal(guest.register('eax'), 0, 'IA32_SYSENTER_CS instead of the APIC base');
    const exit = stopAt(guest, 'EPT_VIOLATION');
    assert.equal(exit.fields['gpa'], 0xfee00030);
    guest.port.writeMemory('physical', 0x3000, Uint8Array.of(1, 2, 3, 4));
    guest.port.writeRegister('ebx', 0x3000);
    guest.step();
    assert.equal(guest.register('eax'), 0x04030201);
  });

  test('is dropped when EIP is moved', () => {
    const guest = start();
    stopAt(guest, 'CPUID');
    guest.port.writeRegister('eip', EXITS.at('after_leaf'));
    guest.port.writeRegister('ebx', 77);
    assert.equal(guest.step(), EXITS.at('after_leaf') + 2);
    assert.equal(guest.register('esi'), 77, 'MOV ESI, EBX has been executed, CPUID has not');
    assert.equal(guest.register('eax'), 0x40000001);
    assert.equal(guest.retired, 3);
    assert.deepEqual(guest.port.exitCounts(), { CPUID: 1 }, 'the log keeps what has happened');
  });
});

test('a step passes any exit on its way and ends after one instruction', () => {
  const guest = start();
  for (const [from, next, reason, exits] of [
    ['leaf', 'after_leaf', 'CPUID', 1],
    ['send', 'after_send', 'IO_INSTRUCTION', 1],
    ['hypercall', 'after_hypercall', 'VMCALL', 1],
    ['read_msr', 'after_msr', 'RDMSR', 1],
    ['device', 'after_device', 'EPT_VIOLATION', 1],
    ['copy', 'after_copy', 'EPT_VIOLATION', 2],
  ] as const) {
    guest.runTo(from);
    const { retired } = guest;
    const before = guest.port.exitCounts()[reason] ?? 0;
    assert.equal(guest.step('stepOver'), EXITS.at(next), from);
    assert.equal(guest.retired, retired + 1, from);
    assert.ok((guest.port.exitCounts()[reason] ?? 0) - before >= 1, from);
    assert.ok((guest.port.exitCounts()[reason] ?? 0) - before <= exits, from);
  }
  // version register of the local APIC (SDM vol. 3, 11.4.8): version 14h, six local vectors
  assert.equal(guest.register('u32[0x200000]'), 0x50014);
});

describe('breakpoints on exits', () => {
  test('stop with the identifiers of all that match', () => {
    const guest = start();
    guest.port.setExitBreakpoints([
      { id: 1, reason: 'CPUID' },
      { id: 2, reason: '*', condition: 'reason == 10 && eax == 0x40000001' },
      { id: 3, reason: '10', condition: 'leaf == 0' },
      { id: 4, reason: 'EXIT_REASON_CPUID', hitCondition: '2' },
    ]);
    const stop = guest.go('continue');
    assert.deepEqual(stop.kind === 'exit' && stop.ids, [1, 2]);
  });

  test('end a step over a call in which they match', () => {
    const guest = start();
    guest.runTo('through_device');
    guest.port.setExitBreakpoints([{ id: 5, reason: 'EPT_VIOLATION' }]);
    exitOf(guest.go('stepOver'));
    assert.equal(guest.eip, EXITS.at('through_device'));
    assert.equal(guest.step('stepOver'), EXITS.at('end'), 'the call has still to be made');
    assert.equal(guest.register('esp'), 0x90000);
  });

  test('and on the place of the instruction stop one after the other', () => {
    const guest = start();
    guest.port.setInstructionBreakpoints([{ id: 9, address: EXITS.at('leaf') }]);
    guest.port.setExitBreakpoints([{ id: 5, reason: 'CPUID' }]);
    assert.deepEqual(guest.go('continue'), { kind: 'breakpoint', ids: [9] });
    exitOf(guest.go('continue'));
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
  });

  test('see a repeated string instruction on a device once a run', () => {
    const guest = start();
    guest.runTo('copy');
    const seen: number[] = [];
    guest.port.setExitBreakpoints([{ id: 5, reason: 'EPT_VIOLATION' }]);
    for (;;) {
      const stop = guest.go('stepOver');
      if (stop.kind !== 'exit') break;
      seen.push(guest.register('ecx'));
    }
    assert.deepEqual(seen, [2]);
    assert.equal(guest.eip, EXITS.at('after_copy'));
  });

  test('refuse what is no reason, or no condition, with a sentence, and keep the old ones', () => {
    const guest = start();
    guest.port.setExitBreakpoints([{ id: 5, reason: 'CPUID' }]);
    for (const [breakpoint, sentence] of [
      [{ reason: 'CPIUD' }, /^'CPIUD' is no VM-exit reason\. Did you mean .*CPUID.*\?$/],
      [{ reason: 'VMCALL', condition: 'nr = 5' }, /^Write '==' to compare\.$/],
      [{ reason: 'VMCALL', condition: 'leaf == 5' }, /^There is no name 'leaf' here\./],
      [{ reason: 'CPUID', condition: 'leef == 5' }, /Did you mean .*leaf/],
      [{ reason: 'CPUID', hitCondition: 'often' }, /^'often' is no hit condition/],
    ] as const) {
      assert.throws(
        () => guest.port.setExitBreakpoints([{ id: 1, ...breakpoint }]),
        (error: unknown) => error instanceof ExpressionError && sentence.test(error.message),
        JSON.stringify(breakpoint),
      );
    }
    exitOf(guest.go('continue'));
  });
});
