/**
 * After the hypervisor and in its place: stops that know an exit's outcome, results that a person or a
 * breakpoint changes, events that the guest gets instead, and what of it stands in the log. Expected
 * values are the SDM's (vol. 3, 6 "Interrupt and exception handling", 25.8.3) and KVM's interface's.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExitAction, ExitBreakpoint } from '../debug-port.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import type { ExitOutcomeRecord, ExitRecord, StopReason } from '../stop-reason.ts';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

/** An IDT at 80000h is filled in by the test; its handlers are at `handler` and count up EBP. */
const CODE = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  b8 00 00 00 40            mov eax, 0x40000000
  cpuid:
  10004a  0f a2                     cpuid
  after_cpuid:
  10004c  b8 01 00 00 00            mov eax, 1  # KVM_HC_VAPIC_POLL_IRQ
  hypercall:
  100051  0f 01 c1                  vmcall
  after_hypercall:
  100054  e4 61                     in al, 0x61
  after_in:
  100056  b9 99 99 00 00            mov ecx, 0x9999
  bad_msr:
  10005b  0f 32                     rdmsr
  after_msr:
  10005d  fb                        sti
  10005e  90                        nop
  cr0:
  10005f  0f 20 c6                  mov esi, cr0
  after_cr0:
  100062  a1 20 00 e0 fe            mov eax, [0xfee00020]
  after_device:
  100067  fa                        cli
  100068  f4                        hlt
  handler:
  100069  45                        inc ebp
  10006a  83 c4 04                  add esp, 4  # the error code
  10006d  83 04 24 02               add dword ptr [esp], 2  # past CPUID and RDMSR
  100071  cf                        iretd
  plain_handler:
  100072  83 c5 10                  add ebp, 0x10
  100075  cf                        iretd
  end:
`);
const IDT = 0x80000;
const CS = 0x10;

/** A 32-bit interrupt gate (SDM vol. 3, 6.11). */
const gate = (address: number): number[] => [
  address & 0xff, (address >> 8) & 0xff, CS, 0, 0, 0x8e, (address >> 16) & 0xff, address >>> 24,
]; // prettier-ignore

/** With an IDT whose gates 13 and 14 take an error code off the stack, all others none. */
function start(): TestGuest {
  const guest = protectedGuest(CODE, { interface: 'kvm' });
  for (let vector = 0; vector < 256; vector++) {
    const label = vector === 13 || vector === 14 ? 'handler' : 'plain_handler';
    guest.port.writeMemory('physical', IDT + vector * 8, Uint8Array.from(gate(CODE.at(label))));
  }
  guest.port.writeRegister('idtr.base', IDT);
  guest.port.writeRegister('idtr.limit', 0x7ff);
  guest.port.writeRegister('ebp', 0);
  return guest;
}

function stopAt(guest: TestGuest, breakpoint: Omit<ExitBreakpoint, 'id'>): ExitRecord {
  guest.port.setExitBreakpoints([{ id: 5, ...breakpoint }]);
  return exitOf(guest.go('continue'));
}
function exitOf(stop: StopReason): ExitRecord {
  assert.equal(stop.kind, 'exit');
  return stop.kind === 'exit' ? stop.exit : assert.fail();
}
const value = (register: string, text: string) => ({ register, value: text });
const outcomes = (guest: TestGuest): readonly (string | undefined)[] =>
  guest.port.exitLog(0, 100).map(({ outcome }) => outcome?.text);
const lastOutcome = (guest: TestGuest): ExitOutcomeRecord | undefined =>
  guest.port.exitLog(0, 100).at(-1)?.outcome;

test('the log tells what became of each exit', () => {
  const guest = start();
  assert.equal(guest.go('continue').kind, 'halted-forever');
  const log = guest.port
    .exitLog(0, 100)
    .map(({ name, outcome }) => `${name}: ${outcome?.text ?? ''}`);
  // IN reads the timer's output and the refresh bit, which depend on the time
  const input = log.splice(2, 1);
  assert.match(input[0], /^IO_INSTRUCTION: returned 0x[0-9a-f]{1,2}$/);
  assert.deepEqual(log, [
    // "KVMKVMKVM", Linux Documentation/virt/kvm/x86/cpuid.rst
    'CPUID: returned eax 0x40000001, ebx 0x4b4d564b, ecx 0x564b4d56, edx 0x4d',
    'VMCALL: returned 0',
    'RDMSR: injected #GP(0)',
    'EPT_VIOLATION: emulated',
    'HLT: halted',
  ]);
});

describe('after the hypervisor', () => {
  test('a breakpoint sees the outcome, and the guest stands behind the instruction', () => {
    const guest = start();
    const condition = 'exit.outcome == emulated && exit.result == 0x40000001 && leaf == 0x40000000';
    const exit = stopAt(guest, { reason: 'CPUID', when: 'after', condition });
    assert.equal(exit.outcome?.result, 0x40000001);
    assert.equal(guest.eip, CODE.at('after_cpuid'));
    assert.equal(guest.register('ebx'), 0x4b4d564b);
    assert.equal(
      guest.register('exit.result'),
      0x40000001,
      'its names are there while it is stopped',
    );
    assert.equal(guest.register('leaf'), 0x40000000);
    assert.equal(guest.step(), CODE.at('hypercall'));
    assert.throws(() => guest.register('exit.result'), ExpressionError);
  });

  test('a breakpoint on the instruction behind it is met as well', () => {
    const guest = start();
    guest.port.setInstructionBreakpoints([{ id: 9, address: CODE.at('after_cpuid') }]);
    stopAt(guest, { reason: 'CPUID', when: 'after' });
    assert.deepEqual(guest.go('continue'), { kind: 'breakpoint', ids: [9] });
  });

  test('an exception that the hypervisor has injected is told', () => {
    const guest = start();
    const condition = 'exit.outcome == injected && exit.injectedVector == 13';
    const { outcome } = stopAt(guest, { reason: 'RDMSR', when: 'after', condition });
    assert.deepEqual(
      { ...outcome },
      {
        kind: 'injected',
        text: 'injected #GP(0)',
        steps: outcome?.steps,
        vector: 13,
        errorCode: 0,
      },
    );
    assert.equal(guest.eip, CODE.at('handler'));
  });

  test('before and after stop one after the other, and outcomes have no names before', () => {
    const guest = start();
    guest.port.setExitBreakpoints([
      { id: 1, reason: 'CPUID' },
      { id: 2, reason: 'CPUID', when: 'after' },
    ]);
    const [first, second] = [guest.go('continue'), guest.go('continue')];
    assert.deepEqual(
      [first.kind === 'exit' && first.ids, second.kind === 'exit' && second.ids],
      [[1], [2]],
    );
    assert.throws(
      () => guest.port.setExitBreakpoints([{ id: 1, reason: 'CPUID', condition: 'outcome == 1' }]),
      /no name 'outcome'/,
    );
  });
});

test('breakpoints on a hypercall by its number', () => {
  const guest = start();
  const exit = stopAt(guest, { reason: 'VMCALL', hypercall: 1 });
  assert.equal(exit.fields['nr'], 1);
  guest.port.setExitBreakpoints([{ id: 1, reason: 'VMCALL', hypercall: 2 }]);
  assert.equal(guest.go('continue').kind, 'halted-forever');
  assert.throws(
    () => guest.port.setExitBreakpoints([{ id: 1, reason: 'CPUID', hypercall: 1 }]),
    /reason VMCALL/,
  );
});

describe('in the hypervisor’s place', () => {
  test('skip passes over the instruction with the registers one says', () => {
    const guest = start();
    stopAt(guest, { reason: 'CPUID' });
    guest.port.intervene({
      kind: 'skip',
      registers: [value('ebx', 'eax + 1'), value('cl', '0x7f')],
    });
    assert.equal(guest.eip, CODE.at('cpuid'), 'nothing happens before the guest goes on');
    assert.equal(guest.step(), CODE.at('after_cpuid'));
    assert.equal(guest.register('eax'), 0x40000000);
    assert.equal(guest.register('ebx'), 0x40000001);
    assert.equal(guest.register('cl'), 0x7f);
    assert.equal(lastOutcome(guest)?.text, 'intervened: skipped');
    assert.equal(lastOutcome(guest)?.intervened, true);
  });

  test('return lets the hypervisor work and changes what the guest gets', () => {
    const guest = start();
    stopAt(guest, { reason: 'CPUID' });
    guest.port.intervene({ kind: 'return', registers: [value('edx', '5')] });
    guest.step();
    assert.deepEqual([guest.register('ebx'), guest.register('edx')], [0x4b4d564b, 5]);
    assert.match(lastOutcome(guest)?.text ?? '', /^intervened: returned .*edx 0x5$/);
  });

  test('an access to a device is skipped by its real length', () => {
    const guest = start();
    stopAt(guest, { reason: 'EPT_VIOLATION' });
    guest.port.intervene({ kind: 'skip', registers: [value('eax', '0x1234')] });
    assert.equal(guest.step(), CODE.at('after_device'));
    assert.equal(guest.register('eax'), 0x1234);
  });

  test('an exception comes instead, with its error code and address', () => {
    const guest = start();
    stopAt(guest, { reason: 'CPUID' });
    guest.port.intervene({
      kind: 'inject',
      event: { kind: 'exception', vector: 14, errorCode: '2', address: '0x1000' },
    });
    assert.equal(guest.step(), CODE.at('handler'));
    assert.equal(guest.register('cr2'), 0x1000);
    assert.equal(guest.register('u32[esp]'), 2);
    assert.equal(guest.register('u32[esp + 4]'), CODE.at('cpuid'), 'the handler returns to it');
    assert.equal(lastOutcome(guest)?.text, 'intervened: injected #PF(0x2)');
    guest.port.setExitBreakpoints([]);
    assert.equal(guest.go('continue').kind, 'halted-forever');
    assert.equal(guest.port.exitCounts()['CPUID'], 1, 'the handler has passed over it');
  });

  test('an interrupt comes where the guest can take one, an NMI anywhere', () => {
    const guest = start();
    stopAt(guest, { reason: 'CPUID' });
    assert.throws(
      () => guest.port.inject({ kind: 'interrupt', vector: '0x20' }),
      /^RangeError: The guest cannot take an interrupt here: EFLAGS.IF is 0/,
    );
    guest.port.inject({ kind: 'nmi' });
    assert.equal(guest.step(), CODE.at('plain_handler'));
    guest.step();
    assert.equal(guest.step(), CODE.at('cpuid'));
    stopAt(guest, { reason: 'EPT_VIOLATION' });
    guest.port.inject({ kind: 'interrupt', vector: '0x20' });
    assert.equal(guest.step(), CODE.at('plain_handler'));
    assert.equal(lastOutcome(guest)?.interrupt, 0x20);
  });

  test('events can be given at no exit too', () => {
    const guest = start();
    guest.port.inject({ kind: 'exception', vector: 6, errorCode: null, address: null });
    assert.equal(guest.eip, CODE.at('plain_handler'));
  });

  test('is taken back, refused at no exit, and refused where there is no such thing', () => {
    const guest = start();
    assert.throws(() => guest.port.intervene({ kind: 'skip', registers: [] }), /not at a VM exit/);
    stopAt(guest, { reason: 'CPUID' });
    const skip = (register: string): ExitAction => ({
      kind: 'skip',
      registers: [value(register, '1')],
    });
    assert.throws(() => guest.port.intervene(skip('eex')), /no register .*Did you mean .*eax/);
    assert.throws(() => guest.port.inject({ kind: 'interrupt', vector: '256' }), /no vector 256/);
    guest.port.intervene(skip('eax'));
    guest.port.intervene(null);
    guest.step();
    assert.equal(guest.register('eax'), 0x40000001);
    assert.equal(lastOutcome(guest)?.intervened, undefined);
  });

  test('a breakpoint does it by itself, as often as its hit condition says, and the same each time', () => {
    const run = (): unknown => {
      const guest = start();
      guest.port.setExitBreakpoints([
        { id: 1, reason: 'VMCALL', hypercall: 1, action: { kind: 'skip', registers: [value('eax', 'a0 | 0x77')] } },
        { id: 2, reason: 'RDMSR', action: { kind: 'return', registers: [] }, hitCondition: '== 1' },
        { id: 3, reason: 'VMCALL', when: 'after', condition: 'exit.intervened' },
      ]); // prettier-ignore
      const exit = exitOf(guest.go('continue'));
      assert.equal(guest.register('eax') & 0x77, 0x77);
      assert.equal(exit.outcome?.text, 'intervened: skipped');
      assert.equal(guest.go('continue').kind, 'halted-forever');
      return [guest.port.position(), guest.port.registers(), outcomes(guest)];
    };
    assert.deepEqual(run(), run());
  });

  test('an action after the hypervisor is refused', () => {
    const guest = start();
    const action: ExitAction = { kind: 'skip', registers: [] };
    assert.throws(
      () => guest.port.setExitBreakpoints([{ id: 1, reason: 'CPUID', when: 'after', action }]),
      /cannot be undone/,
    );
  });
});

describe('a filter of the log', () => {
  test('takes reasons, groups and a condition; the counts go on', () => {
    const guest = start();
    guest.port.setExitFilter({
      reasons: ['Hypercalls', 'CPUID', 'RDMSR'],
      except: ['rdmsr'],
      condition: 'reason != CPUID || leaf == 1',
    });
    assert.equal(guest.go('continue').kind, 'halted-forever');
    const rows = guest.port.exitLog(0, 100);
    assert.deepEqual(
      rows.map(({ name, row }) => `${name} ${String(row)}`),
      ['VMCALL 0'],
    );
    assert.deepEqual(guest.port.exitLogRange(), { first: 0, end: 1 });
    assert.equal(guest.port.exitCounts()['CPUID'], 1);
    const { reasons, total } = guest.port.exitStatistics();
    assert.equal(
      reasons.reduce((sum, { count }) => sum + count, 0),
      total,
    );
  });

  test('with a condition on a field keeps only exits that have it', () => {
    const guest = start();
    guest.port.setExitFilter({ reasons: [], except: [], condition: 'port == 0x61 || nr == 1' });
    assert.equal(guest.go('continue').kind, 'halted-forever');
    assert.deepEqual(
      guest.port.exitLog(0, 100).map(({ name }) => name),
      ['IO_INSTRUCTION'],
      'an exit without a port is none that is meant, whatever else it is',
    );
    assert.deepEqual(guest.port.takeNotices().length, 1, 'the guest’s summary alone');
  });

  test('is refused for what is no reason and no condition', () => {
    const guest = start();
    const none = { reasons: [], except: [] };
    assert.throws(
      () => guest.port.setExitFilter({ ...none, reasons: ['CPIUD'] }),
      /no VM-exit reason/,
    );
    assert.throws(
      () => guest.port.setExitFilter({ ...none, condition: 'nix == 1' }),
      /no name 'nix'/,
    );
  });
});
