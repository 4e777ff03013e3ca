/** Breakpoints on places: where they stop, on which conditions, and what they leave alone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExpressionError } from '../expressions/syntax.ts';
import type { InstructionBreakpoint } from '../debug-port.ts';
import type { StopReason } from '../stop-reason.ts';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

const PLACES = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  31 c0                     xor eax, eax
  again:
  100047  40                        inc eax
  middle:
  100048  01 c3                     add ebx, eax
  later:
  10004a  31 da                     xor edx, ebx
  10004c  50                        push eax
  pushed:
  10004d  59                        pop ecx
  10004e  e8 14 00 00 00            call function
  after:
  100053  3d a0 86 01 00            cmp eax, 100000
  100058  75 ed                     jne again
  10005a  bf 00 00 20 00            mov edi, 0x200000
  10005f  b9 40 9c 00 00            mov ecx, 40000
  fill:
  100064  f3 ab                     rep stosd
  end:
  100066  f4                        hlt
  function:
  100067  c3                        ret
`);

/** Instructions of the loop, and before it. */
const LOOP = 9;
const BEFORE = 2;

type Wanted = Omit<InstructionBreakpoint, 'address'> & { readonly label: string };

function set(guest: TestGuest, ...wanted: readonly Wanted[]): void {
  const list = wanted.map(({ label, ...rest }) => ({ ...rest, address: PLACES.at(label) }));
  guest.port.setInstructionBreakpoints(list);
}
const hit = (...ids: readonly number[]): StopReason => ({ kind: 'breakpoint', ids });

describe('a breakpoint', () => {
  test('stops before its instruction, each time', () => {
    const guest = protectedGuest(PLACES);
    set(guest, { id: 3, label: 'middle' });
    for (let turn = 1; turn < 4; turn++) {
      assert.deepEqual(guest.go('continue'), hit(3));
      assert.equal(guest.eip, PLACES.at('middle'));
      assert.equal(guest.register('eax'), turn);
      assert.equal(guest.retired, BEFORE + (turn - 1) * LOOP + 1);
    }
  });

  test('is seen in code that has long been running, and gone when it is removed', () => {
    const guest = protectedGuest(PLACES);
    guest.port.run(10_000);
    for (const label of ['middle', 'later', 'pushed', 'function', 'after', 'again']) {
      set(guest, { id: 1, label });
      assert.deepEqual(guest.go('continue'), hit(1), label);
      assert.equal(guest.eip, PLACES.at(label));
    }
    set(guest);
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
    assert.equal(guest.register('eax'), 100_000);
  });

  test('on the first instruction of all is met', () => {
    const guest = protectedGuest(PLACES);
    set(guest, { id: 1, label: 'start' });
    assert.deepEqual(guest.go('continue'), hit(1));
    assert.equal(guest.retired, 0);
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
  });

  test('where a person has moved EIP to is met before anything is executed', () => {
    const guest = protectedGuest(PLACES);
    guest.runTo('middle');
    const { retired } = guest;
    set(guest, { id: 1, label: 'end' });
    guest.port.writeRegister('eip', PLACES.at('end'));
    assert.deepEqual(guest.go('continue'), hit(1));
    assert.equal(guest.retired, retired);
  });

  test('that is set where the guest has stopped waits for the next time', () => {
    const guest = protectedGuest(PLACES);
    guest.runTo('again');
    guest.step();
    set(guest, { id: 1, label: 'middle' });
    assert.deepEqual(guest.go('continue'), hit(1));
    assert.equal(guest.register('eax'), 2);
  });

  test('on a repeated string instruction is met once, however long it takes', () => {
    const guest = protectedGuest(PLACES);
    set(guest, { id: 1, label: 'fill' });
    assert.deepEqual(guest.go('continue'), hit(1));
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
    assert.equal(guest.register('ecx'), 0);
  });

  test('belongs to a linear address, not to the memory behind it', () => {
    const guest = protectedGuest(PLACES);
    // one page table: everything at its place, and 100000h once more at 300000h (SDM vol. 3, 4.3)
    const table = new Uint32Array(1024).map((_, page) => (page << 12) | 3);
    table[0x300] = 0x100003;
    guest.port.writeMemory('physical', 0x8000, new Uint8Array(Uint32Array.of(0x9003).buffer));
    guest.port.writeMemory('physical', 0x9000, new Uint8Array(table.buffer));
    guest.port.writeRegister('cr3', 0x8000);
    guest.port.writeRegister('cr0.pg', 1);
    const alias = PLACES.at('middle') + 0x200000;
    guest.port.run(1000);
    guest.port.setInstructionBreakpoints([{ id: 1, address: alias }]);
    assert.deepEqual(guest.port.run(1000), { kind: 'budget' });
    guest.port.writeRegister('eip', PLACES.at('again') + 0x200000);
    assert.deepEqual(guest.go('continue'), hit(1));
    assert.equal(guest.eip, alias);
    set(guest, { id: 2, label: 'middle' });
    assert.deepEqual(guest.port.run(1000), { kind: 'budget' });
    guest.port.writeRegister('eip', PLACES.at('again'));
    assert.deepEqual(guest.go('continue'), hit(2));
  });
});

describe('conditions', () => {
  test('on registers, flags and memory', () => {
    for (const [label, condition, eax] of [
      ['middle', 'eax == 5', 5],
      ['pushed', 'u32[esp] >= 7', 7],
      ['pushed', 'phys:u16[esp] == 0x100 && ax != 0', 0x100],
      ['after', 'al == 0 && u8[eip] == 0x3d', 0x100],
      ['again', 'cf == 1 && eax > 3', 4],
      ['again', 'eflags.zf == 0 && (eflags & 1) == 1 && eax == 9', 9],
    ] as const) {
      const guest = protectedGuest(PLACES);
      set(guest, { id: 1, label, condition });
      assert.deepEqual(guest.go('continue'), hit(1), condition);
      assert.equal(guest.register('eax'), eax, condition);
    }
  });

  test('count their hits by what is asked', () => {
    for (const [hitCondition, stops] of [
      ['3', [3, 4, 5]],
      ['== 3', [3]],
      ['% 100', [100, 200, 300]],
      ['> 20', [21, 22]],
      ['<= 2', [1, 2]],
    ] as const) {
      const guest = protectedGuest(PLACES);
      set(guest, { id: 1, label: 'middle', hitCondition });
      for (const eax of stops) {
        assert.deepEqual(guest.go('continue'), hit(1), hitCondition);
        assert.equal(guest.register('eax'), eax, hitCondition);
      }
    }
  });

  test('of one breakpoint at several places count together', () => {
    const guest = protectedGuest(PLACES);
    const hitCondition = '% 5';
    set(guest, { id: 1, label: 'middle', hitCondition }, { id: 1, label: 'later', hitCondition });
    // each turn of the loop passes both: the fifth hit is of the first in turn 3, the tenth of the second in turn 5
    for (const [label, eax] of [['middle', 3], ['later', 5]] as const) {
      assert.deepEqual(guest.go('continue'), hit(1));
      assert.equal(guest.eip, PLACES.at(label));
      assert.equal(guest.register('eax'), eax);
    }
  }); // prettier-ignore

  test('hits count only where the condition holds', () => {
    const guest = protectedGuest(PLACES);
    set(guest, { id: 1, label: 'middle', condition: 'eax % 10 == 0', hitCondition: '== 4' });
    assert.deepEqual(guest.go('continue'), hit(1));
    assert.equal(guest.register('eax'), 40);
  });

  test('at one address are asked one by one', () => {
    const guest = protectedGuest(PLACES);
    set(
      guest,
      { id: 1, label: 'middle', condition: 'eax == 2' },
      { id: 2, label: 'middle', hitCondition: '2' },
      { id: 3, label: 'middle', condition: 'eax == 3' },
    );
    assert.deepEqual(guest.go('continue'), hit(1, 2));
    assert.deepEqual(guest.go('continue'), hit(2, 3));
  });

  test('that cannot be evaluated stop the guest, and say why once', () => {
    const guest = protectedGuest(PLACES);
    guest.port.takeNotices();
    set(guest, { id: 1, label: 'middle', condition: 'u32[0xf0000000] == 1' });
    assert.deepEqual(guest.go('continue'), hit(1));
    assert.deepEqual(guest.go('continue'), hit(1));
    assert.deepEqual(guest.port.takeNotices(), [
      "The condition 'u32[0xf0000000] == 1' stopped the guest: There is no readable memory at linear address 0xf0000000.",
    ]);
  });

  test('that are wrong are refused with a sentence, and the old breakpoints stay', () => {
    const guest = protectedGuest(PLACES);
    set(guest, { id: 1, label: 'middle' });
    for (const [condition, sentence] of [
      ['eaz == 1', /^There is no name 'eaz' here\. Did you mean .*eax/],
      ['eax ==', /^Expected a value, found the end\.$/],
      ['', /^The expression is empty\.$/],
    ] as const) {
      assert.throws(
        () => set(guest, { id: 2, label: 'later', condition }),
        (error: unknown) => error instanceof ExpressionError && sentence.test(error.message),
      );
    }
    for (const address of [-1, 1.5, NaN, 2 ** 32, 2 ** 53]) {
      assert.throws(() => guest.port.setInstructionBreakpoints([{ id: 2, address }]), {
        name: 'RangeError',
        message: `${String(address)} is no linear address: give a whole number from 0 to 0xffffffff.`,
      });
    }
    assert.deepEqual(guest.go('continue'), hit(1));
  });

  test('that never hold change nothing, and cost no more than the budget', () => {
    const guest = protectedGuest(PLACES);
    set(guest, { id: 1, label: 'middle', condition: 'eax == 0' });
    let runs = 0;
    guest.port.resume({ kind: 'continue' });
    for (; guest.port.run(100_000).kind === 'budget' && runs < 5; runs++);
    assert.ok(guest.retired > 5000 && guest.retired <= 600_000);
    set(guest);
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
    const free = protectedGuest(PLACES);
    free.go('continue');
    assert.equal(guest.retired, free.retired);
  });
});

describe('steps and breakpoints', () => {
  test('a breakpoint on the current instruction does not stop a step', () => {
    const guest = protectedGuest(PLACES);
    set(guest, { id: 1, label: 'middle' });
    guest.go('continue');
    assert.equal(guest.step(), PLACES.at('later'));
    guest.port.writeRegister('eip', PLACES.at('middle'));
    assert.equal(guest.step(), PLACES.at('later'));
  });

  test('one on the next instruction is told, and its hit counted', () => {
    const guest = protectedGuest(PLACES);
    guest.runTo('again');
    set(guest, { id: 1, label: 'middle' }, { id: 2, label: 'middle', hitCondition: '== 2' });
    assert.deepEqual(guest.go('stepIn'), hit(1));
    assert.equal(guest.step(), PLACES.at('later'));
    assert.deepEqual(guest.go('continue'), hit(1, 2));
  });

  test('one inside a function that is stepped over stops there', () => {
    const guest = protectedGuest(PLACES);
    guest.runTo('pushed');
    guest.step();
    set(guest, { id: 4, label: 'function' });
    assert.deepEqual(guest.go('stepOver'), hit(4));
    assert.equal(guest.eip, PLACES.at('function'));
    assert.equal(guest.step('stepOut'), PLACES.at('after'));
  });

  test('one with a condition that does not hold there lets the step go on', () => {
    const guest = protectedGuest(PLACES);
    guest.runTo('pushed');
    guest.step();
    set(guest, { id: 4, label: 'function', condition: 'eax == 0' });
    assert.equal(guest.step('stepOver'), PLACES.at('after'));
  });

  test('nothing is left of a step that was given up', () => {
    const guest = protectedGuest(PLACES);
    guest.runTo('pushed');
    guest.step();
    set(guest, { id: 4, label: 'function' });
    assert.deepEqual(guest.go('stepOver'), hit(4));
    set(guest);
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
  });
});
