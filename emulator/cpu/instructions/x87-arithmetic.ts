/**
 * FADD, FSUB, FMUL, FDIV and their reverse, popping and integer forms, and the arithmetic of ST(0)
 * alone or with ST(1) that is not transcendental (SDM vol. 2; vol. 1, 8.3.5). Transcendental ones are
 * in x87-transcendental.ts.
 */
import type { Instruction } from '../decode/instruction.ts';
import {
  absolute,
  add,
  divide,
  divideReverse,
  multiply,
  negate,
  squareRoot,
  subtract,
  subtractReverse,
} from '../fpu/arithmetic.ts';
import { indefinite } from '../fpu/float80.ts';
import type { Float80 } from '../fpu/float80.ts';
import { fromDouble, fromInt32, fromSingle } from '../fpu/formats.ts';
import { extract, remainder, roundToInteger, scale } from '../fpu/partial.ts';
import {
  controlWord,
  isEmpty,
  pop,
  push,
  readRegister,
  report,
  setConditions,
  stackFault,
  writeRegister,
} from '../fpu/register-stack.ts';
import { Context, STATUS } from '../fpu/rounding.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import type { CpuState } from '../state.ts';
import { after, isMemoryForm, locate, recordAccess, recordInstruction, waiting } from './x87-access.ts'; // prettier-ignore

/** An operation on the destination and the source, in this order. */
type Operation = (context: Context, destination: Float80, source: Float80) => Float80;

/** The source of an instruction with a single or double in memory. */
export function readReal(cpu: Processor, instruction: Instruction, context: Context): Float80 {
  const at = locate(cpu, instruction, false);
  const low = cpu.memory.read32(at.linear);
  if (at.operand.size === 4) {
    recordAccess(cpu, instruction, at);
    return fromSingle(context, low);
  }
  const high = cpu.memory.read32(after(at.linear, 4));
  recordAccess(cpu, instruction, at);
  return fromDouble(context, low, high);
}

/** The source of an instruction with a word or doubleword integer in memory. */
export function readInteger(cpu: Processor, instruction: Instruction): Float80 {
  const at = locate(cpu, instruction, false);
  const word = at.operand.size === 2;
  const bits = word ? cpu.memory.read16(at.linear) : cpu.memory.read32(at.linear);
  recordAccess(cpu, instruction, at);
  return fromInt32(word ? (bits << 16) >> 16 : bits | 0);
}

/** FADD m, FADD ST(0), ST(i) and FADD ST(i), ST(0); in DC and DE the destination is ST(i). */
function arithmetic(operation: Operation, pops = false): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    const { state } = cpu;
    const context = new Context(controlWord(state));
    if (isMemoryForm(instruction)) {
      withMemory(state, context, operation, readReal(cpu, instruction, context));
      return;
    }
    recordInstruction(cpu, instruction);
    const i = instruction.modrm & 7;
    const reverse = (instruction.opcode & 4) !== 0;
    const destination = reverse ? i : 0;
    const source = reverse ? 0 : i;
    if (isEmpty(state, 0) || isEmpty(state, i)) {
      if (!stackFault(state, 'underflow')) return;
      writeRegister(state, destination, indefinite());
    } else {
      const x = readRegister(state, destination);
      const result = operation(context, x, readRegister(state, source));
      if (!report(state, context)) return;
      writeRegister(state, destination, result);
    }
    if (pops) pop(state);
  });
}

/** FIADD m and the like. */
function integerArithmetic(operation: Operation): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    const { state } = cpu;
    const context = new Context(controlWord(state));
    withMemory(state, context, operation, readInteger(cpu, instruction));
  });
}

function withMemory(
  state: CpuState,
  context: Context,
  operation: Operation,
  source: Float80,
): void {
  if (isEmpty(state, 0)) {
    if (stackFault(state, 'underflow')) writeRegister(state, 0, indefinite());
    return;
  }
  const result = operation(context, readRegister(state, 0), source);
  if (report(state, context)) writeRegister(state, 0, result);
}

/** ST(0) := operation(ST(0)). */
export function unary(operation: (context: Context, x: Float80) => Float80): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    const { state } = cpu;
    if (isEmpty(state, 0)) {
      if (stackFault(state, 'underflow')) writeRegister(state, 0, indefinite());
      return;
    }
    const context = new Context(controlWord(state));
    const result = operation(context, readRegister(state, 0));
    if (report(state, context)) writeRegister(state, 0, result);
  });
}

/** ST(0) := operation(ST(0), ST(1)). */
const fscale = waiting((cpu, instruction) => {
  recordInstruction(cpu, instruction);
  const { state } = cpu;
  if (isEmpty(state, 0) || isEmpty(state, 1)) {
    if (stackFault(state, 'underflow')) writeRegister(state, 0, indefinite());
    return;
  }
  const context = new Context(controlWord(state));
  const result = scale(context, readRegister(state, 0), readRegister(state, 1));
  if (report(state, context)) writeRegister(state, 0, result);
});

/**
 * FPREM and FPREM1: C2 partial, C0 C3 C1 the quotient's bits 2, 1 and 0. Without a quotient, processors
 * clear C2 and leave C0 and C3.
 */
function partialRemainder(nearest: boolean): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    const { state } = cpu;
    setConditions(state, STATUS.C2, 0);
    if (isEmpty(state, 0) || isEmpty(state, 1)) {
      if (stackFault(state, 'underflow')) writeRegister(state, 0, indefinite());
      return;
    }
    const context = new Context(controlWord(state));
    const x = readRegister(state, 0);
    const { value, partial, quotient } = remainder(context, x, readRegister(state, 1), nearest);
    if (!report(state, context)) return;
    writeRegister(state, 0, value);
    if (quotient === null) return;
    setConditions(
      state,
      STATUS.C0 | STATUS.C1 | STATUS.C2 | STATUS.C3,
      (partial ? STATUS.C2 : 0) |
        ((quotient & 4) !== 0 ? STATUS.C0 : 0) |
        ((quotient & 2) !== 0 ? STATUS.C3 : 0) |
        ((quotient & 1) !== 0 ? STATUS.C1 : 0),
    );
  });
}

/** ST(0) becomes its exponent, its significand is pushed. */
const fxtract = waiting((cpu, instruction) => {
  recordInstruction(cpu, instruction);
  const { state } = cpu;
  const underflow = isEmpty(state, 0);
  if (underflow || !isEmpty(state, 7)) {
    if (!stackFault(state, underflow ? 'underflow' : 'overflow')) return;
    writeRegister(state, 0, indefinite());
    push(state, indefinite());
    return;
  }
  const context = new Context(controlWord(state));
  const { exponent, significand } = extract(context, readRegister(state, 0));
  if (!report(state, context)) return;
  writeRegister(state, 0, exponent);
  push(state, significand);
});

// prettier-ignore
export const x87Arithmetic = {
  fadd: arithmetic(add),             faddp: arithmetic(add, true),             fiadd: integerArithmetic(add),
  fmul: arithmetic(multiply),        fmulp: arithmetic(multiply, true),        fimul: integerArithmetic(multiply),
  fsub: arithmetic(subtract),        fsubp: arithmetic(subtract, true),        fisub: integerArithmetic(subtract),
  fsubr: arithmetic(subtractReverse), fsubrp: arithmetic(subtractReverse, true), fisubr: integerArithmetic(subtractReverse),
  fdiv: arithmetic(divide),          fdivp: arithmetic(divide, true),          fidiv: integerArithmetic(divide),
  fdivr: arithmetic(divideReverse),  fdivrp: arithmetic(divideReverse, true),  fidivr: integerArithmetic(divideReverse),
  fchs: unary((_, x) => negate(x)),
  fabs: unary((_, x) => absolute(x)),
  fsqrt: unary(squareRoot),
  frndint: unary(roundToInteger),
  fprem: partialRemainder(false),
  fprem1: partialRemainder(true),
  fscale,
  fxtract,
} as const satisfies Record<string, TypescriptInstruction>;
