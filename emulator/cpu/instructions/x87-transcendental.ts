/**
 * F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS, FSINCOS and FPTAN on the register stack (SDM vol. 2). The
 * functions are in fpu/transcendental.ts.
 */
import { indefinite } from '../fpu/float80.ts';
import type { Float80 } from '../fpu/float80.ts';
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
import { f2xm1, fcos, fpatan, fptan, fsin, fsincos, fyl2x, fyl2xp1, outOfRange } from '../fpu/transcendental.ts'; // prettier-ignore
import type { Pair } from '../fpu/transcendental.ts';
import type { TypescriptInstruction } from '../processor.ts';
import { recordInstruction, waiting } from './x87-access.ts';
import { unary } from './x87-arithmetic.ts';

/** ST(1) := function(ST(0), ST(1)), then ST(0) is popped. */
function binary(
  compute: (context: Context, x: Float80, y: Float80) => Float80,
): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    const { state } = cpu;
    if (isEmpty(state, 0) || isEmpty(state, 1)) {
      if (!stackFault(state, 'underflow')) return;
      writeRegister(state, 1, indefinite());
    } else {
      const context = new Context(controlWord(state));
      const result = compute(context, readRegister(state, 0), readRegister(state, 1));
      if (!report(state, context)) return;
      writeRegister(state, 1, result);
    }
    pop(state);
  });
}

/** FSIN and FCOS: C2 set and nothing done when ST(0) is out of range. */
function periodic(compute: (context: Context, x: Float80) => Float80): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    const { state } = cpu;
    setConditions(state, STATUS.C2, 0);
    if (isEmpty(state, 0)) {
      if (stackFault(state, 'underflow')) writeRegister(state, 0, indefinite());
      return;
    }
    const x = readRegister(state, 0);
    if (outOfRange(x)) {
      setConditions(state, STATUS.C2 | STATUS.C1, STATUS.C2);
      return;
    }
    const context = new Context(controlWord(state));
    const result = compute(context, x);
    if (report(state, context)) writeRegister(state, 0, result);
  });
}

/** FSINCOS and FPTAN, which push a second result. */
function periodicPair(compute: (context: Context, x: Float80) => Pair): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    const { state } = cpu;
    setConditions(state, STATUS.C2, 0);
    const underflow = isEmpty(state, 0);
    if (underflow || !isEmpty(state, 7)) {
      if (!stackFault(state, underflow ? 'underflow' : 'overflow')) return;
      writeRegister(state, 0, indefinite());
      push(state, indefinite());
      return;
    }
    const x = readRegister(state, 0);
    if (outOfRange(x)) {
      setConditions(state, STATUS.C2 | STATUS.C1, STATUS.C2);
      return;
    }
    const context = new Context(controlWord(state));
    const { first, pushed } = compute(context, x);
    if (!report(state, context)) return;
    writeRegister(state, 0, first);
    push(state, pushed);
  });
}

export const x87Transcendental = {
  f2xm1: unary(f2xm1),
  fyl2x: binary(fyl2x),
  fyl2xp1: binary(fyl2xp1),
  fpatan: binary(fpatan),
  fsin: periodic(fsin),
  fcos: periodic(fcos),
  fsincos: periodicPair(fsincos),
  fptan: periodicPair(fptan),
} as const satisfies Record<string, TypescriptInstruction>;
