/**
 * State that is written from outside is checked at the next VM entry (SDM vol. 3, 27.3.1), whichever way
 * it was written. No instruction brings about blocking by STI with RFLAGS.IF clear (27.3.1.5).
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DebugPort } from '../debug-port.ts';
import type { StopReason } from '../stop-reason.ts';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

const CODE = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  fb                        sti
  after_sti:
  100046  90                        nop
  cpuid:
  100047  0f a2                     cpuid
  100049  fa                        cli
  10004a  f4                        hlt
  end:
`);

/** Stopped after STI, which blocks interrupts there. */
function start(profile = 'kvm-ept'): TestGuest {
  const guest = protectedGuest(CODE, { profile });
  guest.step();
  assert.equal(guest.step(), CODE.at('after_sti'));
  return guest;
}
const told = (stop: StopReason): string =>
  stop.kind === 'guest-error' ? stop.description : stop.kind;

describe('the next entry is checked, and the guest waits for a state that can be entered, after', () => {
  // prettier-ignore
  const WAYS: { readonly [name: string]: (port: DebugPort) => void } = {
    'a register was written':  (port) => { port.writeRegister('eflags.if', 0); },
    'an expression assigned':  (port) => { port.assign('eflags.if', '0'); },
  };
  for (const [name, write] of Object.entries(WAYS)) {
    test(name, () => {
      const guest = start();
      write(guest.port);
      assert.match(
        told(guest.go('continue')),
        /exit 33.*interruptibility state must have blocking by STI only where RFLAGS\.IF is set .*27\.3\.1\.5/,
      );
      assert.equal(guest.eip, CODE.at('after_sti'));
      guest.port.writeRegister('eflags.if', 1);
      assert.equal(told(guest.go('continue')), 'halted-forever');
    });
  }

  // what is wrong is put there behind the debugger's back, where nothing would look at it
  const spoil = (guest: TestGuest): void => {
    guest.machine.cpu.state.setCr(4, 1 << 25);
  };
  test('the next instruction was set', () => {
    const guest = start();
    spoil(guest);
    guest.port.setNextInstruction(CODE.at('cpuid'));
    assert.match(told(guest.go('continue')), /exit 33.*CR4 .*27\.3\.1\.1/);
  });
  test('an event was injected', () => {
    const guest = start();
    guest.step();
    spoil(guest);
    guest.port.inject({ kind: 'nmi' });
    assert.match(told(guest.go('continue')), /exit 33.*CR4 .*27\.3\.1\.1/);
  });
  test('an exit was not handled as the hypervisor would', () => {
    const guest = start();
    guest.port.setExitBreakpoints([{ id: 1, reason: 'CPUID' }]);
    assert.equal(guest.go('continue').kind, 'exit');
    spoil(guest);
    guest.port.intervene({ kind: 'skip', registers: [] });
    assert.match(told(guest.go('continue')), /exit 33.*CR4 .*27\.3\.1\.1/);
  });
});

test('the failed entry is an exit with bit 31 of its reason set (25.9.1)', () => {
  const guest = start();
  guest.port.writeRegister('eflags.if', 0);
  guest.go('continue');
  const rows = guest.port.inspect('exit', 0);
  assert.equal(
    rows.find(({ name }) => name === 'Reason')?.value,
    '33 VMENTRY_FAILURE_GUEST_STATE  0x80000021, the VM entry failed',
  );
  const vmx = rows.find(({ name }) => name === 'VMX')?.children ?? [];
  assert.match(vmx.find(({ name }) => name === '4402h Exit reason')?.value ?? '', /^0x80000021 /);
  guest.port.writeRegister('eflags.if', 1);
  guest.step();
  assert.deepEqual(guest.port.inspect('exit', 0), []);
});

test('a bare machine has no entries', () => {
  const guest = start('bare');
  guest.port.writeRegister('eflags.if', 0);
  assert.equal(told(guest.go('continue')), 'halted-forever');
});
