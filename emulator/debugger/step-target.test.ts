/** Where an instruction leads, told before it is executed and proved by executing it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENTS_GUEST } from './testing/events-guest.ts';
import { STORM_GUEST } from './testing/storm-guest.ts';
import { listing, protectedGuest, realModeGuest } from './testing/test-guest.ts';

const REAL = listing(`
  start:
  007c00  bc 00 70                  mov sp, 0x7000
  007c03  bb 20 7c                  mov bx, pointer
  007c06  c7 06 84 00 1c 7c         mov word ptr [0x84], handler  # INT 21h
  indirect:
  007c0c  ff 17                     call [bx]
  register:
  007c0e  b8 1b 7c                  mov ax, function
  007c11  ff d0                     call ax
  interrupt:
  007c13  cd 21                     int 0x21
  far:
  007c15  9a 1d 7c 00 00            call 0000:far_function
  end:
  007c1a  f4                        hlt
  function:
  007c1b  c3                        ret
  handler:
  007c1c  cf                        iret
  far_function:
  007c1d  cb                        retf
  007c1e  90 90                     nop; nop
  pointer:
  007c20  1b 7c                     .word function
`);

test('every call, interrupt and return leads where it was said to lead', () => {
  const guest = realModeGuest(REAL);
  const kinds: string[] = [];
  while (guest.eip !== REAL.at('end')) {
    const target = guest.port.stepTarget();
    const next = guest.step();
    if (target === null) continue;
    assert.equal(next, target.linearEip, target.kind);
    kinds.push(target.kind);
  }
  const pairs = ['call', 'return', 'call', 'return', 'interrupt', 'return', 'call', 'return'];
  assert.deepEqual(kinds, pairs);
});

test('a gate of protected mode, a direct call, and no target where there is none', () => {
  const guest = protectedGuest(EVENTS_GUEST);
  guest.runTo('software');
  assert.deepEqual(guest.port.stepTarget(), {
    kind: 'interrupt',
    linearEip: EVENTS_GUEST.at('ignore'),
  });
  guest.runTo('divide');
  assert.equal(guest.port.stepTarget(), null);
  const calls = protectedGuest(STORM_GUEST);
  calls.runTo('loop');
  calls.step();
  const linearEip = STORM_GUEST.at('function');
  assert.deepEqual(calls.port.stepTarget(), { kind: 'call', linearEip });
});

test('the next instruction is set within CS, to what is one', () => {
  const guest = realModeGuest(REAL);
  guest.port.setNextInstruction(REAL.at('end'));
  assert.equal(guest.eip, REAL.at('end'));
  assert.equal(guest.go('continue').kind, 'halted-forever');
  assert.throws(
    () => guest.port.setNextInstruction(0x20000),
    new RangeError(
      '0x20000 is outside the code segment (base 0x0, limit 0xffff): change CS first.',
    ),
  );
  const flat = protectedGuest(EVENTS_GUEST);
  assert.throws(() => flat.port.setNextInstruction(0xfe000000), /no instruction at 0xfe000000/);
  assert.throws(() => flat.port.setNextInstruction(2 ** 33), RangeError);
});
