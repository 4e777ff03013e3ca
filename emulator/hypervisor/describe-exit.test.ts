import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestEvent } from '../cpu/exit-hook.ts';
import { describeExit, exitNames, exitValue } from './describe-exit.ts';
import { ExitWitness } from './exit-witness.ts';
import { ExitLog, LOG_CAPACITY } from './exit-log.ts';
import { EXIT_REASONS, exitReason } from './exit-reasons.ts';
import { Hypervisor } from './hypervisor.ts';
import { controlsFor } from './profiles.ts';
import { TestVcpu } from './test-vcpu.ts';
import type { VmExit } from './vm-exit.ts';

/** The exit of an event with these registers, everything switched on. */
function exitOf(event: GuestEvent, registers: readonly number[] = [], length = 2): VmExit {
  const all = ['exceptions', 'crAccess', 'rdtsc', 'invlpg', 'rdmsr', 'wrmsr', 'descriptorTables'];
  const exits = Object.fromEntries(all.map((name) => [name, true]));
  const result = controlsFor({ interface: 'bare', profile: 'kvm-ept', exits });
  if (!('controls' in result)) return assert.fail(result.problem.message);
  const vcpu = new TestVcpu();
  const [eax = 0, ecx = 0, edx = 0, ebx = 0, esi = 0] = registers;
  vcpu.setRegisters(eax, ecx, edx, ebx, esi);
  const hypervisor = new Hypervisor(result.controls, null);
  hypervisor.attach(vcpu);
  assert.equal(hypervisor.offer(event, length), true);
  return hypervisor.pending ?? assert.fail();
}

const io = { kind: 'io', port: 0x3f8, size: 1, direction: 'out', string: false, repeat: false, immediate: false, value: 0x41, linear: 0 } as const; // prettier-ignore
const cr = { kind: 'cr-access', register: 3, access: 'mov-to-cr', gpr: 0, value: 0x1000, linear: -1 } as const; // prettier-ignore
const fault = { kind: 'exception', vector: 14, errorCode: 2, type: 'fault', qualification: 0xc0000000 } as const; // prettier-ignore
const ept = { kind: 'second-stage', guestPhysical: 0xfee00020, linear: 0xffffb020, final: true, access: 'read', size: 4 } as const; // prettier-ignore

test('every exit has a line that says what it was about', () => {
  const cases: readonly (readonly [VmExit, string])[] = [
    [exitOf({ kind: 'cpuid' }, [4, 1]), 'leaf 0x4, subleaf 0x1'],
    [exitOf({ kind: 'cpuid' }, [0x40000000, 1]), 'leaf 0x40000000'],
    [exitOf(io), 'out 0x3f8, 1 byte, 0x41'],
    [exitOf({ ...io, direction: 'in', size: 2 }), 'in 0x3f8, 2 bytes'],
    [exitOf({ ...io, string: true, repeat: true, linear: 0x5000 }), 'rep outs 0x3f8, 1 byte, at 0x5000'],
    [exitOf(cr), 'mov cr3, eax (0x1000)'],
    [exitOf({ ...cr, access: 'mov-from-cr', gpr: 6 }), 'mov esi, cr3'],
    [exitOf({ ...cr, register: 0, access: 'lmsw', value: 1 }), 'lmsw 0x1'],
    [exitOf({ kind: 'dr-access', register: 7, access: 'mov-from-dr', gpr: 2 }), 'mov edx, dr7'],
    [exitOf(fault), '#PF at 0xc0000000, write from supervisor mode, not present'],
    [exitOf({ ...fault, errorCode: 0x15 }), '#PF at 0xc0000000, fetch from user mode, protection'],
    [exitOf({ ...fault, vector: 13, errorCode: 0x10 }), '#GP, error code 0x10'],
    [exitOf({ ...fault, vector: 6, errorCode: null }), '#UD'],
    [exitOf({ ...fault, vector: 1, errorCode: null, type: 'trap', qualification: 0x4000 }), '#DB, DR6 bits 0x4000'],
    [exitOf({ ...fault, vector: 2, errorCode: null, type: 'nmi' }), 'NMI'],
    [exitOf({ ...fault, vector: 9, errorCode: null }), 'vector 0x9'],
    [exitOf({ kind: 'rdmsr', index: 0x1b }, [0, 0x1b]), '0x1b'],
    [exitOf({ kind: 'wrmsr', index: 0x1b, low: 5, high: 1 }, [5, 0x1b, 1]), '0x1b, 0x100000005'],
    [exitOf({ kind: 'invlpg', linear: 0xc0100000 }), '0xc0100000'],
    [exitOf({ kind: 'task-switch', selector: 0x28, source: 'gate' }), 'to TSS 0x28 by task gate in the IDT'],
    [exitOf(ept, [], 0), 'read, 4 bytes at physical 0xfee00020 (linear 0xffffb020)'],
    [exitOf({ ...ept, final: false }, [], 0), 'page walk, 4 bytes at physical 0xfee00020 (linear 0xffffb020)'],
    [exitOf({ kind: 'descriptor-table', mnemonic: 'lidt' }), 'lidt'],
    [exitOf({ kind: 'vmcall' }, [5]), 'number 0x5'],
    [exitOf({ kind: 'hlt' }), ''],
  ]; // prettier-ignore
  for (const [exit, detail] of cases) assert.equal(describeExit(exit, null).detail, detail);
});

test('conditions see decoded fields, common ones and words for directions', () => {
  const out = exitOf(io);
  const value = (name: string): number | null => exitValue(out, name);
  assert.deepEqual(
    [value('port'), value('size'), value('direction'), value('value')],
    [0x3f8, 1, 0, 0x41],
  );
  assert.deepEqual(
    [value('reason'), value('rip'), value('linearRip'), value('out')],
    [30, 0x1000, 0x1000, 0],
  );
  assert.equal(value('leaf'), null);
  assert.equal(value('constructor'), null);
  const call = exitOf({ kind: 'vmcall' }, [5, 2, 3, 1, 4]);
  assert.deepEqual(
    ['nr', 'a0', 'a1', 'a2', 'a3'].map((name) => exitValue(call, name)),
    [5, 1, 2, 3, 4],
  );
  const wrmsr = exitOf({ kind: 'wrmsr', index: 0x1b, low: 1, high: 2 }, [1, 0x1b, 2]);
  assert.deepEqual(
    ['msr', 'value', 'low', 'high'].map((name) => exitValue(wrmsr, name)),
    [0x1b, 0x200000001, 1, 2],
  );
  const page = exitOf(fault);
  assert.deepEqual(
    ['vector', 'errorCode', 'gla'].map((name) => exitValue(page, name)),
    [14, 2, 0xc0000000],
  );
  const mmio = exitOf({ ...ept, access: 'write' }, [], 0);
  assert.deepEqual(
    ['gpa', 'access', 'size', 'walk'].map((name) => exitValue(mmio, name)),
    [0xfee00020, 1, 4, 0],
  );
});

test('the names that a condition may use are those that have values', () => {
  const exits = [exitOf(io), exitOf(cr), exitOf(fault), exitOf(ept), exitOf({ kind: 'cpuid' })];
  for (const exit of exits) {
    for (const { name } of exitNames(exitReason(exit.reason), 'before')) {
      assert.notEqual(exitValue(exit, name), null, `${name} of ${exit.reason}`);
    }
    for (const { name } of exitNames(exitReason(exit.reason), 'after')) {
      const value = exitValue(exit, name, new ExitWitness().outcome());
      assert.notEqual(value, null, `${name} of ${exit.reason}`);
    }
  }
  for (const row of EXIT_REASONS) {
    const names = exitNames(row, 'after').map((field) => field.name);
    assert.equal(new Set(names).size, names.length, row.name);
  }
});

test('the log keeps the last exits and counts all', () => {
  const log = new ExitLog();
  const exit = exitOf({ kind: 'cpuid' });
  const total = LOG_CAPACITY + 10;
  for (let ordinal = 0; ordinal < total; ordinal++) {
    log.add({ ...exit, ordinal, reason: ordinal % 2 === 0 ? 10 : 12 });
  }
  assert.equal(log.total, total);
  assert.deepEqual(log.countsByName(), { CPUID: total / 2, HLT: total / 2 });
  assert.deepEqual(
    log.read(0, 2).map((each) => each.ordinal),
    [10, 11],
  );
  assert.deepEqual(
    log.read(total - 1, 5).map((each) => each.ordinal),
    [total - 1],
  );
  assert.deepEqual(log.read(total, 5), []);
  assert.deepEqual(log.read(0, -1), []);
  assert.equal(log.read(0, Infinity).length, LOG_CAPACITY);
});
