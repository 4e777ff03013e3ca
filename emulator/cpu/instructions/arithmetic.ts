/**
 * Integer addition, subtraction, comparison and logic: ADD ADC SUB SBB CMP AND OR XOR TEST INC DEC NEG
 * NOT XADD CMPXCHG (SDM vol. 2, instruction reference). LOCK needs nothing more: instructions of one
 * machine never overlap.
 */
import type { Backend } from '../translate/backend.ts';
import { eachSize, type EmittedInstruction } from '../translate/shape.ts';
import { flagsOfAdd, flagsOfCount, flagsOfLogic, flagsOfSub, pushCarry } from './flags.ts';

/** TEST has no form with memory as its second operand. */
const TEST_OPERANDS = ['r#,r#', 'r#,i', 'm#,r#', 'm#,i'];
const TWO_OPERANDS = [...TEST_OPERANDS, 'r#,m#'];

/** Operation on both operands; the result goes to the first one unless it is only compared. */
function binary(
  combine: (e: Backend) => void,
  flags: typeof flagsOfAdd,
  { writes = true, carry = false, operands = TWO_OPERANDS } = {},
): EmittedInstruction {
  return {
    patterns: eachSize(...operands),
    emit(e) {
      const { body } = e;
      const size = e.size(0);
      const a = e.temp();
      const b = e.temp();
      const result = e.temp();
      if (writes) e.readForWrite(0);
      else e.read(0);
      body.set(a);
      e.read(1);
      body.set(b).get(a).get(b);
      combine(e);
      if (carry) {
        pushCarry(e);
        combine(e);
      }
      body.set(result);
      if (writes) e.write(0, result);
      flags(e, size, a, b, result);
      e.next();
    },
  };
}

const logicFlags: typeof flagsOfAdd = (e, size, _a, _b, result) => {
  flagsOfLogic(e, size, result);
};
const add = (e: Backend): void => void e.body.op('add');
const sub = (e: Backend): void => void e.body.op('sub');
const and = (e: Backend): void => void e.body.op('and');

function count(up: boolean): EmittedInstruction {
  return {
    patterns: eachSize('r#', 'm#'),
    emit(e) {
      const { body } = e;
      const a = e.temp();
      const result = e.temp();
      e.readForWrite(0);
      body
        .tee(a)
        .i32(up ? 1 : -1)
        .op('add')
        .set(result);
      e.write(0, result);
      flagsOfCount(e, e.size(0), a, result, up);
      e.next();
    },
  };
}

const neg: EmittedInstruction = {
  patterns: eachSize('r#', 'm#'),
  emit(e) {
    const { body } = e;
    const zero = e.temp();
    const b = e.temp();
    const result = e.temp();
    e.readForWrite(0);
    body.set(b).i32(0).tee(zero).get(b).op('sub').set(result);
    e.write(0, result);
    flagsOfSub(e, e.size(0), zero, b, result);
    e.next();
  },
};

const not: EmittedInstruction = {
  patterns: eachSize('r#', 'm#'),
  emit(e) {
    const result = e.temp();
    e.readForWrite(0);
    e.body.i32(-1).op('xor').set(result);
    e.write(0, result);
    e.next();
  },
};

const xadd: EmittedInstruction = {
  patterns: eachSize('r#,r#', 'm#,r#'),
  emit(e) {
    const { body } = e;
    const a = e.temp();
    const b = e.temp();
    const result = e.temp();
    e.readForWrite(0);
    body.set(a);
    e.read(1);
    body.tee(b).get(a).op('add').set(result);
    if (e.isMemory(0)) {
      e.write(0, result);
      e.write(1, a);
    } else {
      // the sum wins when both operands are one register
      e.write(1, a);
      e.write(0, result);
    }
    flagsOfAdd(e, e.size(0), a, b, result);
    e.next();
  },
};

const cmpxchg: EmittedInstruction = {
  patterns: eachSize('r#,r#', 'm#,r#'),
  emit(e) {
    const { body } = e;
    const size = e.size(0);
    const accumulator = e.temp();
    const old = e.temp();
    const result = e.temp();
    const written = e.temp();
    e.readForWrite(0);
    body.set(old);
    e.getRegister(0, size);
    body.tee(accumulator).get(old).op('sub').set(result);
    // the destination is written in either case (SDM vol. 2, CMPXCHG): its old value when not equal
    e.read(1);
    body.get(old).get(accumulator).get(old).op('eq').op('select').set(written);
    e.write(0, written);
    body.get(accumulator).get(old).op('ne');
    body.if();
    body.get(old);
    e.setRegister(0, size);
    body.end();
    flagsOfSub(e, size, accumulator, old, result);
    e.next();
  },
};

export const arithmeticInstructions: Readonly<Record<string, EmittedInstruction>> = {
  add: binary(add, flagsOfAdd),
  adc: binary(add, flagsOfAdd, { carry: true }),
  sub: binary(sub, flagsOfSub),
  sbb: binary(sub, flagsOfSub, { carry: true }),
  cmp: binary(sub, flagsOfSub, { writes: false }),
  and: binary(and, logicFlags),
  or: binary((e) => void e.body.op('or'), logicFlags),
  xor: binary((e) => void e.body.op('xor'), logicFlags),
  test: binary(and, logicFlags, { writes: false, operands: TEST_OPERANDS }),
  inc: count(true),
  dec: count(false),
  neg,
  not,
  xadd,
  cmpxchg,
};
