/**
 * PUSH POP PUSHA POPA LEAVE of general registers, memory and immediates (SDM vol. 2). Every access
 * comes before the stack pointer changes, so that the instruction can be done again after a fault.
 * Segment registers and ENTER run in TypeScript, PUSHF and POPF are in flag-control.ts.
 */
import { wordSizes, type EmittedInstruction } from '../translate/shape.ts';

const SP = 4;
const BP = 5;

const push: EmittedInstruction = {
  patterns: [...wordSizes('r#', 'm#'), 'i'],
  usesStack: true,
  sized: true,
  emit(e, shape) {
    const size = shape.operandSize === 2 ? 2 : 4;
    const value = e.temp();
    e.read(0);
    e.body.set(value);
    e.pushStack(size, value);
    e.addToStackPointer(-size);
    e.next();
  },
};

const pop: EmittedInstruction = {
  patterns: wordSizes('r#', 'm#'),
  usesStack: true,
  sized: true,
  emit(e, shape) {
    const { body } = e;
    const size = shape.operandSize === 2 ? 2 : 4;
    const value = e.temp();
    const before = e.temp();
    e.peekStack(size, 0);
    body.set(value);
    if (!e.isMemory(0)) {
      // POP SP takes the value, not the incremented pointer
      e.addToStackPointer(size);
      e.write(0, value);
      e.next();
      return;
    }
    // an address with ESP as base counts from after the increment; a fault must find ESP as before
    e.getRegister(SP, 4);
    body.set(before);
    e.addToStackPointer(size);
    const moved = e.temp();
    e.offset(0);
    body.set(moved);
    body.get(before);
    e.setRegister(SP, 4);
    e.offset(0);
    body.set(before).get(moved).get(before).op('sub');
    e.displace(0);
    e.write(0, value);
    e.addToStackPointer(size);
    e.next();
  },
};

const pusha: EmittedInstruction = {
  patterns: [''],
  usesStack: true,
  sized: true,
  emit(e, shape) {
    const { body } = e;
    const size = shape.operandSize === 2 ? 2 : 4;
    const value = e.temp();
    const at = e.temp();
    for (let register = 0; register < 8; register++) {
      e.getRegister(register, size);
      body.set(value);
      e.getStackPointer();
      body
        .i32(size * (register + 1))
        .op('sub')
        .set(at);
      e.writeStackAt(at, size, value);
    }
    e.addToStackPointer(-8 * size);
    e.next();
  },
};

/** Registers keep what was popped before a fault in the middle (SDM vol. 3, 6.5 "Faults"). */
const popa: EmittedInstruction = {
  patterns: [''],
  usesStack: true,
  sized: true,
  emit(e, shape) {
    const size = shape.operandSize === 2 ? 2 : 4;
    for (let register = 7; register >= 0; register--) {
      e.peekStack(size, size * (7 - register));
      if (register === SP) e.body.op('drop');
      else e.setRegister(register, size);
    }
    e.addToStackPointer(8 * size);
    e.next();
  },
};

/** SP ← BP, then POP BP. */
const leave: EmittedInstruction = {
  patterns: [''],
  usesStack: true,
  sized: true,
  emit(e, shape) {
    const { body } = e;
    const size = shape.operandSize === 2 ? 2 : 4;
    const frame = e.temp();
    const value = e.temp();
    e.getRegister(BP, shape.stack === '16' ? 2 : 4);
    body.set(frame);
    e.readStackAt(frame, size);
    body.set(value);
    body.get(frame).i32(size).op('add').set(frame);
    e.setStackPointer(frame);
    body.get(value);
    e.setRegister(BP, size);
    e.next();
  },
};

export const stackInstructions: Readonly<Record<string, EmittedInstruction>> = {
  push,
  pop,
  pusha,
  popa,
  leave,
};
