/** CMPPS and its kin, COMISS, COMISD, UCOMISS and UCOMISD (SDM vol. 2). */
import type { Instruction } from '../decode/instruction.ts';
import * as L from '../layout.ts';
import type { TypescriptInstruction } from '../processor.ts';
import {
  COMPARISONS_OF_DOUBLES,
  COMPARISONS_OF_SINGLES,
  orderDoubles,
  orderSingles,
} from '../sse/compare.ts';
import type { LaneOperation } from '../sse/lanes.ts';
import { registerNumber, sourceAt, sse, xmmAt } from './simd-access.ts';
import { RESULT, packed, reportFlags, scalar } from './sse-float-access.ts';

/** The instruction of the predicate that the immediate names; its upper five bits are ignored. */
function byPredicate(instructions: readonly TypescriptInstruction[]): TypescriptInstruction {
  return (cpu, instruction) => {
    instructions[predicateOf(instruction)](cpu, instruction);
  };
}

function predicateOf({ operands, row }: Instruction): number {
  const operand = operands[2];
  if (operand.kind === 'immediate') return operand.value & 7;
  throw new Error(`${row.mnemonic}: no predicate`);
}

/** Sets ZF, PF and CF and clears OF, SF and AF. */
function ordering(operation: LaneOperation): TypescriptInstruction {
  return sse((cpu, instruction) => {
    const { state } = cpu;
    const from = sourceAt(cpu, instruction, 1);
    const mxcsr = state.get(L.MXCSR);
    const to = xmmAt(registerNumber(instruction, 0));
    reportFlags(cpu, mxcsr, operation(state, mxcsr, to, from, RESULT));
    state.arithmeticFlags = state.i32[RESULT >> 2];
  });
}

// prettier-ignore
export const sseCompareInstructions = {
  cmpps: byPredicate(COMPARISONS_OF_SINGLES.map((operation) => packed(operation, 4))),
  cmppd: byPredicate(COMPARISONS_OF_DOUBLES.map((operation) => packed(operation, 8))),
  cmpss: byPredicate(COMPARISONS_OF_SINGLES.map((operation) => scalar(operation, 4))),
  // the name CMPSD is also that of the string instruction
  'cmpsd-xmm': byPredicate(COMPARISONS_OF_DOUBLES.map((operation) => scalar(operation, 8))),
  comiss: ordering(orderSingles(true)),  ucomiss: ordering(orderSingles(false)),
  comisd: ordering(orderDoubles(true)),  ucomisd: ordering(orderDoubles(false)),
} as const satisfies Record<string, TypescriptInstruction>;
