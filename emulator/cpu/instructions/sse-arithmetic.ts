/**
 * Arithmetic of packed and scalar singles and doubles (SDM vol. 1, 10.4.1.1, 11.4.1.2 and 12.3): what a
 * lane computes is in cpu/sse.
 */
import type { TypescriptInstruction } from '../processor.ts';
import * as L from '../layout.ts';
import { approximateReciprocal, approximateReciprocalRoot } from '../sse/approximate.ts';
import {
  maximumOfDoubles,
  maximumOfSingles,
  minimumOfDoubles,
  minimumOfSingles,
} from '../sse/compare.ts';
import type { LaneOperation } from '../sse/lanes.ts';
import {
  addDoubles,
  addSingles,
  divideDoubles,
  divideSingles,
  multiplyDoubles,
  multiplySingles,
  rootOfDouble,
  rootOfSingle,
  subtractDoubles,
  subtractSingles,
} from '../sse/operations.ts';
import { registerNumber, sourceAt, sse, xmmAt } from './simd-access.ts';
import { RESULT, packed, reportFlags, scalar, writeResult } from './sse-float-access.ts';

/** HADD and HSUB: neighbours of the destination, then neighbours of the source. */
function horizontal(operation: LaneOperation, size: 4 | 8): TypescriptInstruction {
  return sse((cpu, instruction) => {
    const { state } = cpu;
    const from = sourceAt(cpu, instruction, 1);
    const to = xmmAt(registerNumber(instruction, 0));
    const mxcsr = state.get(L.MXCSR);
    let flags = 0;
    for (let lane = 0; lane < 8; lane += size) {
      const pair = lane << 1;
      flags |= operation(state, mxcsr, to + pair, to + pair + size, RESULT + lane);
      flags |= operation(state, mxcsr, from + pair, from + pair + size, RESULT + 8 + lane);
    }
    reportFlags(cpu, mxcsr, flags);
    writeResult(state, to, 16);
  });
}

/** ADDSUB: even lanes are subtracted, odd ones added. */
function alternating(
  subtract: LaneOperation,
  add: LaneOperation,
  size: 4 | 8,
): TypescriptInstruction {
  return sse((cpu, instruction) => {
    const { state } = cpu;
    const from = sourceAt(cpu, instruction, 1);
    const to = xmmAt(registerNumber(instruction, 0));
    const mxcsr = state.get(L.MXCSR);
    let flags = 0;
    for (let lane = 0; lane < 16; lane += 2 * size) {
      const odd = lane + size;
      flags |= subtract(state, mxcsr, to + lane, from + lane, RESULT + lane);
      flags |= add(state, mxcsr, to + odd, from + odd, RESULT + odd);
    }
    reportFlags(cpu, mxcsr, flags);
    writeResult(state, to, 16);
  });
}

// prettier-ignore
export const sseArithmeticInstructions = {
  addps:  packed(addSingles, 4),            addss:  scalar(addSingles, 4),
  addpd:  packed(addDoubles, 8),            addsd:  scalar(addDoubles, 8),
  subps:  packed(subtractSingles, 4),       subss:  scalar(subtractSingles, 4),
  subpd:  packed(subtractDoubles, 8),       subsd:  scalar(subtractDoubles, 8),
  mulps:  packed(multiplySingles, 4),       mulss:  scalar(multiplySingles, 4),
  mulpd:  packed(multiplyDoubles, 8),       mulsd:  scalar(multiplyDoubles, 8),
  divps:  packed(divideSingles, 4),         divss:  scalar(divideSingles, 4),
  divpd:  packed(divideDoubles, 8),         divsd:  scalar(divideDoubles, 8),
  sqrtps: packed(rootOfSingle, 4),          sqrtss: scalar(rootOfSingle, 4),
  sqrtpd: packed(rootOfDouble, 8),          sqrtsd: scalar(rootOfDouble, 8),
  minps:  packed(minimumOfSingles, 4),      minss:  scalar(minimumOfSingles, 4),
  minpd:  packed(minimumOfDoubles, 8),      minsd:  scalar(minimumOfDoubles, 8),
  maxps:  packed(maximumOfSingles, 4),      maxss:  scalar(maximumOfSingles, 4),
  maxpd:  packed(maximumOfDoubles, 8),      maxsd:  scalar(maximumOfDoubles, 8),
  rcpps:  packed(approximateReciprocal, 4), rcpss:  scalar(approximateReciprocal, 4),
  rsqrtps: packed(approximateReciprocalRoot, 4), rsqrtss: scalar(approximateReciprocalRoot, 4),
  haddps: horizontal(addSingles, 4),        hsubps: horizontal(subtractSingles, 4),
  haddpd: horizontal(addDoubles, 8),        hsubpd: horizontal(subtractDoubles, 8),
  addsubps: alternating(subtractSingles, addSingles, 4),
  addsubpd: alternating(subtractDoubles, addDoubles, 8),
} as const satisfies Record<string, TypescriptInstruction>;
