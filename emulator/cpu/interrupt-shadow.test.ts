/**
 * The boundary at which STI and MOV SS keep events out (SDM vol. 3, 6.8.1 and 6.8.3): it lies between two
 * instructions, so it ends with the delivery of what the second one raises, and is still there when the
 * second one leaves the guest instead (24.4.2 "Guest non-register state", 27.3.4). The same in single
 * steps and in blocks.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setDebugRegister } from './control-registers.ts';
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import { CODE, STACK, TrapMachine } from './testing/trap-machine.ts';

const ESP = 4;
const RELOAD_SS = [0x16, 0x17]; // push ss; pop ss
const UD2 = [0x0f, 0x0b];
const STI = 0xfb;
const VMCALL = [0x0f, 0x01, 0xc1];

/** Stands behind `first`, whose instructions are so many. */
function after(first: readonly number[], count: number, second: readonly number[]): TrapMachine {
  const machine = new TrapMachine();
  machine.load(CODE, [...first, ...second]);
  machine.cpu.state.eip = CODE;
  machine.cpu.state.setGpr(ESP, 4, STACK);
  assert.equal(machine.cpu.run(count), 'limit');
  assert.equal(machine.cpu.state.eip, CODE + first.length);
  return machine;
}
/** Where the handler of #UD begins. */
function handlerOfUndefined(): number {
  const machine = new TrapMachine();
  assert.equal(machine.trap(UD2).vector, VECTOR.UD);
  return machine.cpu.state.eip;
}

for (const slice of [1, 1000]) {
  describe(`the shadow of STI and MOV SS, in slices of ${String(slice)}`, () => {
    it('keeps an NMI out for one instruction', () => {
      const machine = after(RELOAD_SS, 2, [0x40, 0x90, ...VMCALL]); // inc eax; nop
      machine.cpu.nmi();
      const { vector, eip } = machine.next(slice);
      assert.deepEqual([vector, eip], [VECTOR.NMI, CODE + RELOAD_SS.length + 1]);
    });

    it('ends with an exception of that instruction: an NMI comes before its handler runs', () => {
      const machine = after(RELOAD_SS, 2, UD2);
      machine.cpu.nmi();
      const { vector, eip } = machine.next(slice);
      assert.deepEqual([vector, eip], [VECTOR.NMI, handlerOfUndefined()]);
      assert.equal(machine.resume(undefined, slice).vector, VECTOR.UD);
    });

    it('ends with an exception: a breakpoint on the first instruction of the handler is hit', () => {
      const machine = after(RELOAD_SS, 2, UD2);
      setDebugRegister(machine.cpu, 0, handlerOfUndefined());
      setDebugRegister(machine.cpu, 7, 1);
      const { vector, eip } = machine.next(slice);
      assert.deepEqual([vector, eip], [VECTOR.DB, handlerOfUndefined()]);
    });

    it('is there after that instruction has left the guest', () => {
      const machine = after([STI], 1, VMCALL);
      assert.equal(machine.runToExit(slice), 'exit');
      assert.equal(machine.event?.kind, 'vmcall');
      assert.equal(machine.cpu.state.eip, CODE + 1);
      assert.equal(machine.cpu.interruptible(), false);
    });

    it('is not left behind by a shutdown', () => {
      const machine = after(RELOAD_SS, 2, UD2);
      machine.cpu.state.set(L.IDTR + 8, 0);
      assert.equal(machine.runToExit(slice), 'shutdown');
      machine.cpu.state.set(L.ACTIVITY, 0);
      machine.cpu.state.eflags |= 0x200;
      assert.equal(machine.cpu.interruptible(), true);
    });
  });
}
