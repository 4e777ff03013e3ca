/**
 * When TF and RF have effect (SDM vol. 3, 17.3.1.1 "Instruction-breakpoint exception condition", 17.3.1.4
 * "Single-step exception condition", 6.8.3 "Masking exceptions and interrupts when switching stacks").
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FLAG } from './state.ts';
import { CODE, DATA, dword, TrapMachine } from './testing/trap-machine.ts';

const DB = 1;
const BS = 1 << 14;
const ECX = 1;
const ESI = 6;
const EDI = 7;

/** PUSHFD; OR dword [ESP], TF; POPFD: 9 bytes. */
const SET_TF = [0x9c, 0x81, 0x0c, 0x24, ...dword(FLAG.TF), 0x9d];
const AFTER = CODE + SET_TF.length;
const NOP = 0x90;

const has = (flags: number, flag: number): boolean => (flags & flag) !== 0;

// a slice of one instruction steps each of them, a long one runs blocks
for (const slice of [1, 1000]) {
  describe(`single steps, in slices of ${slice}`, () => {
    it('begin after the instruction that follows POPF, and say BS', () => {
      const machine = new TrapMachine();
      const first = machine.trap([...SET_TF, NOP, NOP], slice);
      assert.deepEqual([first.vector, first.eip], [DB, AFTER + 1]);
      assert.equal(machine.cpu.state.dr(6), 0xffff4ff0, 'BS alone');
      assert.deepEqual([has(first.flags, FLAG.TF), has(first.flags, FLAG.RF)], [true, false]);
      assert.equal(has(machine.cpu.state.eflags, FLAG.TF), false, 'clear in the handler');
      const second = machine.resume(undefined, slice);
      assert.deepEqual([second.vector, second.eip], [DB, AFTER + 2], 'IRET sets TF as POPF does');
      assert.equal(machine.resume(first.flags & ~FLAG.TF, slice).vector, -1);
    });

    it('come once more after the POPF that clears TF', () => {
      const machine = new TrapMachine();
      // push 2; popfd
      const code = [...SET_TF, 0x6a, 0x02, 0x9d, NOP];
      const push = machine.trap(code, slice);
      assert.deepEqual([push.vector, push.eip], [DB, AFTER + 2]);
      const popf = machine.resume(undefined, slice);
      assert.deepEqual([popf.vector, popf.eip, has(popf.flags, FLAG.TF)], [DB, AFTER + 3, false]);
      assert.equal(machine.resume(undefined, slice).vector, -1);
    });

    it('do not follow INT n, INT3 and INTO, which clear TF', () => {
      for (const [instruction, vector] of [
        [[0xcd, 0x21], 0x21],
        [[0xcc], 3],
      ] as const) {
        const machine = new TrapMachine();
        const trap = machine.trap([...SET_TF, ...instruction, NOP, NOP], slice);
        assert.deepEqual([trap.vector, trap.eip], [vector, AFTER + instruction.length]);
        assert.equal(has(trap.flags, FLAG.TF), true, 'the frame has TF');
        const after = machine.resume(undefined, slice);
        assert.deepEqual([after.vector, after.eip], [DB, trap.eip + 1], 'after what follows it');
      }
      // mov al, 0x7f; add al, 1 sets OF
      const machine = new TrapMachine();
      machine.trap([...SET_TF, 0xb0, 0x7f, 0x04, 0x01, 0xce, NOP], slice);
      assert.equal(machine.resume(undefined, slice).eip, AFTER + 4);
      assert.equal(machine.resume(undefined, slice).vector, 4);
    });

    it('do not follow MOV SS and POP SS, but the instruction after them', () => {
      for (const load of [
        [0x8e, 0xd0], // mov ss, ax
        [0x17], // pop ss
      ]) {
        const machine = new TrapMachine();
        machine.cpu.state.setGpr(0, 4, 0x10);
        const code = [0x6a, 0x10, 0x50, ...SET_TF.slice(1), ...load, NOP, NOP];
        // push 0x10; push eax: what POPF and POP SS take; POPF's image is EAX | TF
        const trap = machine.trap(code, slice);
        assert.deepEqual([trap.vector, trap.eip], [DB, CODE + code.length - 1]);
      }
    });

    it('trap after each element of a repeated string instruction, with RF until the last', () => {
      const machine = new TrapMachine();
      const { state } = machine.cpu;
      state.setGpr(EDI, 4, DATA);
      state.setGpr(ECX, 4, 3);
      const code = [...SET_TF, 0xf3, 0xaa, NOP]; // rep stosb
      const seen = [machine.trap(code, slice)];
      while (seen.length < 4) seen.push(machine.resume(undefined, slice));
      assert.deepEqual(
        seen.map(({ vector, eip, flags }) => [vector, eip, has(flags, FLAG.RF)]),
        [
          [DB, AFTER, true],
          [DB, AFTER, true],
          [DB, AFTER + 2, false],
          [DB, AFTER + 3, false],
        ],
      );
      assert.equal(state.gpr(EDI, 4), DATA + 3);
    });

    it('wake a processor that executes HLT', () => {
      const machine = new TrapMachine();
      const trap = machine.trap([...SET_TF, 0xf4, NOP], slice);
      assert.deepEqual([trap.vector, trap.eip], [DB, AFTER + 1]);
    });

    it('are not made up for by a fault: the instruction has not been executed', () => {
      const machine = new TrapMachine();
      const trap = machine.trap([...SET_TF, 0x0f, 0x0b], slice); // ud2
      assert.deepEqual([trap.vector, trap.eip, has(trap.flags, FLAG.RF)], [6, AFTER, true]);
      assert.equal(machine.cpu.state.dr(6) & BS, 0);
    });
  });
}

describe('RF in the pushed flags', () => {
  it('is set for an interrupt in the middle of a repeated string instruction', () => {
    const machine = new TrapMachine();
    const { state } = machine.cpu;
    state.setGpr(ESI, 4, DATA);
    state.setGpr(EDI, 4, DATA + 0x10000);
    // more than one boundary long (string.ts)
    state.setGpr(ECX, 4, 0x10000);
    machine.load(CODE, [0xfb, NOP, 0xf3, 0xa4, NOP]); // sti; nop; rep movsb
    state.eip = CODE;
    state.setGpr(4, 4, 0x8000);
    machine.cpu.run(3);
    assert.equal(state.eip, CODE + 2);
    assert.ok(state.gpr(ECX, 4) > 0 && state.gpr(ECX, 4) < 0x10000, 'it has begun');
    machine.interrupt = 0x20;
    const trap = machine.next();
    assert.deepEqual([trap.vector, trap.eip, has(trap.flags, FLAG.RF)], [0x20, CODE + 2, true]);
  });

  it('is clear for an interrupt between two instructions', () => {
    const machine = new TrapMachine();
    machine.interrupt = 0x20;
    const trap = machine.trap([0xfb, NOP, NOP]);
    assert.deepEqual([trap.vector, trap.eip, has(trap.flags, FLAG.RF)], [0x20, CODE + 2, false]);
  });
});
