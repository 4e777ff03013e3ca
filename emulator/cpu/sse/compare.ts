/**
 * Comparisons of one lane: MIN and MAX, the eight predicates of CMPcc, COMIS and UCOMIS (SDM vol. 2,
 * MINPS, CMPPS, COMISS, UCOMISS; vol. 1, 4.8.3.4 and table 4-7).
 */
import {
  LEAST_DOUBLE,
  LEAST_SINGLE,
  copyDouble,
  copySingle,
  counted,
  denormalFlag,
  isSignallingDouble,
  isSignallingSingle,
  type LaneOperation,
  type Lanes,
} from './lanes.ts';
import { FLAG } from './mxcsr.ts';

/** Whether the first operand is the answer; if not, it is the second one. */
type Choice = (x: number, y: number) => boolean;

const SMALLER: Choice = (x, y) => x < y;
const LARGER: Choice = (x, y) => x > y;

function chooseSingle(prefersFirst: Choice): LaneOperation {
  return (lanes, mxcsr, a, b, out) => {
    const x = counted(mxcsr, lanes.f32[a >> 2], LEAST_SINGLE);
    const y = counted(mxcsr, lanes.f32[b >> 2], LEAST_SINGLE);
    if (Number.isNaN(x) || Number.isNaN(y)) {
      if (Number.isNaN(y)) copySingle(lanes, b, out);
      else lanes.f32[out >> 2] = y;
      return FLAG.IE;
    }
    lanes.f32[out >> 2] = prefersFirst(x, y) ? x : y;
    return denormalFlag(x, y, LEAST_SINGLE);
  };
}

function chooseDouble(prefersFirst: Choice): LaneOperation {
  return (lanes, mxcsr, a, b, out) => {
    const x = counted(mxcsr, lanes.f64[a >> 3], LEAST_DOUBLE);
    const y = counted(mxcsr, lanes.f64[b >> 3], LEAST_DOUBLE);
    if (Number.isNaN(x) || Number.isNaN(y)) {
      if (Number.isNaN(y)) copyDouble(lanes, b, out);
      else lanes.f64[out >> 3] = y;
      return FLAG.IE;
    }
    lanes.f64[out >> 3] = prefersFirst(x, y) ? x : y;
    return denormalFlag(x, y, LEAST_DOUBLE);
  };
}

export const minimumOfSingles = chooseSingle(SMALLER);
export const minimumOfDoubles = chooseDouble(SMALLER);
export const maximumOfSingles = chooseSingle(LARGER);
export const maximumOfDoubles = chooseDouble(LARGER);

/** A predicate and whether a quiet NaN is an invalid operand to it (SDM vol. 2, CMPPS, table 3-1). */
interface Predicate {
  readonly holds: (x: number, y: number) => boolean;
  readonly signals: boolean;
}

/** By the low three bits of the immediate: EQ LT LE UNORD NEQ NLT NLE ORD. */
const PREDICATES: readonly Predicate[] = [
  { holds: (x, y) => x === y, signals: false },
  { holds: (x, y) => x < y, signals: true },
  { holds: (x, y) => x <= y, signals: true },
  { holds: (x, y) => Number.isNaN(x) || Number.isNaN(y), signals: false },
  { holds: (x, y) => x !== y, signals: false },
  { holds: (x, y) => !(x < y), signals: true },
  { holds: (x, y) => !(x <= y), signals: true },
  { holds: (x, y) => !Number.isNaN(x) && !Number.isNaN(y), signals: false },
];

function comparisonOfSingles({ holds, signals }: Predicate): LaneOperation {
  return (lanes, mxcsr, a, b, out) => {
    const x = counted(mxcsr, lanes.f32[a >> 2], LEAST_SINGLE);
    const y = counted(mxcsr, lanes.f32[b >> 2], LEAST_SINGLE);
    const flags = flagsOfSingles(lanes, a, b, x, y, signals);
    lanes.i32[out >> 2] = holds(x, y) ? -1 : 0;
    return flags;
  };
}

function comparisonOfDoubles({ holds, signals }: Predicate): LaneOperation {
  return (lanes, mxcsr, a, b, out) => {
    const x = counted(mxcsr, lanes.f64[a >> 3], LEAST_DOUBLE);
    const y = counted(mxcsr, lanes.f64[b >> 3], LEAST_DOUBLE);
    const flags = flagsOfDoubles(lanes, a, b, x, y, signals);
    const mask = holds(x, y) ? -1 : 0;
    lanes.i32[out >> 2] = mask;
    lanes.i32[(out >> 2) + 1] = mask;
    return flags;
  };
}

function flagsOfSingles(
  lanes: Lanes,
  a: number,
  b: number,
  x: number,
  y: number,
  signals: boolean,
): number {
  if (!Number.isNaN(x) && !Number.isNaN(y)) return denormalFlag(x, y, LEAST_SINGLE);
  const invalid = signals || isSignallingSingle(lanes, a) || isSignallingSingle(lanes, b);
  return invalid ? FLAG.IE : 0;
}
function flagsOfDoubles(
  lanes: Lanes,
  a: number,
  b: number,
  x: number,
  y: number,
  signals: boolean,
): number {
  if (!Number.isNaN(x) && !Number.isNaN(y)) return denormalFlag(x, y, LEAST_DOUBLE);
  const invalid = signals || isSignallingDouble(lanes, a) || isSignallingDouble(lanes, b);
  return invalid ? FLAG.IE : 0;
}

/** CMPPS and CMPPD by predicate: all ones where it holds, zero where it does not. */
export const COMPARISONS_OF_SINGLES = PREDICATES.map(comparisonOfSingles);
export const COMPARISONS_OF_DOUBLES = PREDICATES.map(comparisonOfDoubles);

/** How two numbers lie to each other, in the bits that COMISS gives EFLAGS: ZF, PF and CF. */
export const ORDER = { GREATER: 0, LESS: 1, EQUAL: 0x40, UNORDERED: 0x45 } as const;

function orderOf(x: number, y: number): number {
  if (x > y) return ORDER.GREATER;
  if (x < y) return ORDER.LESS;
  return x === y ? ORDER.EQUAL : ORDER.UNORDERED;
}

/** COMISS and UCOMISS (`signals` false): ORDER goes to `out`. */
export function orderSingles(signals: boolean): LaneOperation {
  return (lanes, mxcsr, a, b, out) => {
    const x = counted(mxcsr, lanes.f32[a >> 2], LEAST_SINGLE);
    const y = counted(mxcsr, lanes.f32[b >> 2], LEAST_SINGLE);
    const flags = flagsOfSingles(lanes, a, b, x, y, signals);
    lanes.i32[out >> 2] = orderOf(x, y);
    return flags;
  };
}
export function orderDoubles(signals: boolean): LaneOperation {
  return (lanes, mxcsr, a, b, out) => {
    const x = counted(mxcsr, lanes.f64[a >> 3], LEAST_DOUBLE);
    const y = counted(mxcsr, lanes.f64[b >> 3], LEAST_DOUBLE);
    const flags = flagsOfDoubles(lanes, a, b, x, y, signals);
    lanes.i32[out >> 2] = orderOf(x, y);
    return flags;
  };
}
