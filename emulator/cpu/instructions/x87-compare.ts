/**
 * Comparison, classification and conditional moves of the x87 unit (SDM vol. 1, 8.3.6; vol. 2, FCOM,
 * FUCOM, FICOM, FCOMI, FTST, FXAM, FCMOVcc).
 */
import { CONDITIONS, classOf, compare } from '../fpu/compare.ts';
import type { Relation } from '../fpu/compare.ts';
import { indefinite, zero } from '../fpu/float80.ts';
import type { Float80 } from '../fpu/float80.ts';
import {
  controlWord,
  isEmpty,
  pop,
  readRegister,
  report,
  setConditions,
  stackFault,
  statusWord,
  writeRegister,
} from '../fpu/register-stack.ts';
import { Context, STATUS } from '../fpu/rounding.ts';
import type { TypescriptInstruction } from '../processor.ts';
import { FLAG } from '../state.ts';
import type { CpuState } from '../state.ts';
import { isMemoryForm, recordInstruction, waiting } from './x87-access.ts';
import { readInteger, readReal } from './x87-arithmetic.ts';

/** Sets C3, C2 and C0 by comparing ST(0) with `source`, null: an empty register. */
function compareTo(
  state: CpuState,
  context: Context,
  source: Float80 | null,
  quietly: boolean,
  pops: number,
): void {
  let relation: Relation = 'unordered';
  let completes: boolean;
  if (source === null || isEmpty(state, 0)) {
    completes = stackFault(state, 'underflow');
  } else {
    relation = compare(context, readRegister(state, 0), source, quietly);
    completes = report(state, context);
  }
  // processors set them even where an unmasked exception forbids the pop
  setConditions(state, STATUS.C3 | STATUS.C2 | STATUS.C0, CONDITIONS[relation]);
  if (completes) for (let i = 0; i < pops; i++) pop(state);
}

/**
 * FCOM, FUCOM and their popping forms.
 * @param fixed the register where the encoding names none.
 */
function comparison(quietly: boolean, pops: number, fixed?: number): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    const { state } = cpu;
    const context = new Context(controlWord(state));
    let source: Float80 | null;
    if (isMemoryForm(instruction)) {
      source = readReal(cpu, instruction, context);
    } else {
      recordInstruction(cpu, instruction);
      const i = fixed ?? instruction.modrm & 7;
      source = isEmpty(state, i) ? null : readRegister(state, i);
    }
    compareTo(state, context, source, quietly, pops);
  });
}

function integerComparison(pops: number): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    const source = readInteger(cpu, instruction);
    compareTo(cpu.state, new Context(controlWord(cpu.state)), source, false, pops);
  });
}

const ftst = waiting((cpu, instruction) => {
  recordInstruction(cpu, instruction);
  compareTo(cpu.state, new Context(controlWord(cpu.state)), zero(0), false, 0);
});

/** EFLAGS of FCOMI; OF, SF and AF are cleared. */
const COMPARISON_FLAGS = {
  less: FLAG.CF,
  equal: FLAG.ZF,
  greater: 0,
  unordered: FLAG.ZF | FLAG.PF | FLAG.CF,
} as const satisfies Record<Relation, number>;

/** FCOMI, FUCOMI and their popping forms: C1 stays as it is unless the stack underflows. */
function comparisonToFlags(quietly: boolean, pops: boolean): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    const { state } = cpu;
    const i = instruction.modrm & 7;
    let relation: Relation = 'unordered';
    let completes: boolean;
    if (isEmpty(state, 0) || isEmpty(state, i)) {
      completes = stackFault(state, 'underflow');
    } else {
      const context = new Context(controlWord(state));
      const c1 = statusWord(state) & STATUS.C1;
      relation = compare(context, readRegister(state, 0), readRegister(state, i), quietly);
      completes = report(state, context);
      setConditions(state, STATUS.C1, c1);
    }
    // as with FCOM, also where an unmasked exception forbids the pop
    state.arithmeticFlags = COMPARISON_FLAGS[relation];
    if (pops && completes) pop(state);
  });
}

/** C1 is the sign, also of an empty register, whose class is C3 and C0. */
const fxam = waiting((cpu, instruction) => {
  recordInstruction(cpu, instruction);
  const { state } = cpu;
  const x = readRegister(state, 0);
  const bits = isEmpty(state, 0) ? STATUS.C3 | STATUS.C0 : classOf(x);
  const sign = x.sign !== 0 ? STATUS.C1 : 0;
  setConditions(state, STATUS.C3 | STATUS.C2 | STATUS.C1 | STATUS.C0, bits | sign);
});

/** FCMOVcc: moves when any of `flags` is set, or none when `negated`. */
function conditionalMove(flags: number, negated = false): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    const { state } = cpu;
    const i = instruction.modrm & 7;
    if (isEmpty(state, 0) || isEmpty(state, i)) {
      if (stackFault(state, 'underflow')) writeRegister(state, 0, indefinite());
      return;
    }
    const holds = (state.eflags & flags) !== 0;
    if (holds !== negated) writeRegister(state, 0, readRegister(state, i));
  });
}

// prettier-ignore
export const x87Compare = {
  fcom: comparison(false, 0),     fcomp: comparison(false, 1),     fcompp: comparison(false, 2, 1),
  fucom: comparison(true, 0),     fucomp: comparison(true, 1),     fucompp: comparison(true, 2, 1),
  ficom: integerComparison(0),    ficomp: integerComparison(1),
  fcomi: comparisonToFlags(false, false), fcomip: comparisonToFlags(false, true),
  fucomi: comparisonToFlags(true, false), fucomip: comparisonToFlags(true, true),
  ftst,
  fxam,
  fcmovb: conditionalMove(FLAG.CF),             fcmovnb: conditionalMove(FLAG.CF, true),
  fcmove: conditionalMove(FLAG.ZF),             fcmovne: conditionalMove(FLAG.ZF, true),
  fcmovbe: conditionalMove(FLAG.CF | FLAG.ZF),  fcmovnbe: conditionalMove(FLAG.CF | FLAG.ZF, true),
  fcmovu: conditionalMove(FLAG.PF),             fcmovnu: conditionalMove(FLAG.PF, true),
} as const satisfies Record<string, TypescriptInstruction>;
