/**
 * Lanes: the singles and doubles that SSE instructions compute with (SDM vol. 1, 4.2.2 and 10.4), where
 * they lie, and what is decided before anything is computed: NaNs (4.8.3.5), denormal operands and
 * denormals-are-zeros (10.2.3.4).
 *
 * A lane that is no NaN is computed with as a JavaScript number, which holds every single and double.
 * NaNs are bits throughout, because a JavaScript NaN need not keep its own.
 */
import { DAZ, FLAG } from './mxcsr.ts';

/** Views of one piece of memory; a lane is named by its byte offset in it. */
export interface Lanes {
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
}

/**
 * Computes one lane from two: `out` := operation(`a`, `b`). Offsets may coincide.
 * @returns the exceptions raised, FLAG bits; the masked answer is in `out` even if they are unmasked.
 */
export type LaneOperation = (
  lanes: Lanes,
  mxcsr: number,
  a: number,
  b: number,
  out: number,
) => number;

/** Smallest normal numbers. */
export const LEAST_SINGLE = 2 ** -126;
export const LEAST_DOUBLE = 2 ** -1022;

const SINGLE_INDEFINITE = 0xffc00000 | 0;
const SINGLE_QUIET = 0x00400000;
const DOUBLE_INDEFINITE = 0xfff80000 | 0;
/** In the high word. */
const DOUBLE_QUIET = 0x00080000;

/** Whether a number is below the normal ones but not zero. `least` is the format's LEAST. */
export function isDenormal(x: number, least: number): boolean {
  return x !== 0 && x < least && x > -least;
}

/** The operand as it counts: a zero of its sign for a denormal under DAZ. */
export function counted(mxcsr: number, x: number, least: number): number {
  if ((mxcsr & DAZ) === 0 || !isDenormal(x, least)) return x;
  return x < 0 ? -0 : 0;
}

/** #D, for operands as `counted` leaves them. */
export function denormalFlag(x: number, y: number, least: number): number {
  return isDenormal(x, least) || isDenormal(y, least) ? FLAG.DE : 0;
}

export function isSignallingSingle(lanes: Lanes, at: number): boolean {
  const magnitude = lanes.i32[at >> 2] & 0x7fffffff;
  return magnitude > 0x7f800000 && (magnitude & SINGLE_QUIET) === 0;
}
export function isSignallingDouble(lanes: Lanes, at: number): boolean {
  const high = lanes.i32[(at >> 2) + 1] & 0x7fffffff;
  if ((high & DOUBLE_QUIET) !== 0) return false;
  return high > 0x7ff00000 || (high === 0x7ff00000 && lanes.i32[at >> 2] !== 0);
}

/** The answer of an invalid operation. */
export function indefiniteSingle(lanes: Lanes, out: number): number {
  lanes.i32[out >> 2] = SINGLE_INDEFINITE;
  return FLAG.IE;
}
export function indefiniteDouble(lanes: Lanes, out: number): number {
  lanes.i32[out >> 2] = 0;
  lanes.i32[(out >> 2) + 1] = DOUBLE_INDEFINITE;
  return FLAG.IE;
}

/** Answers two operands of which one or both are NaNs: the first NaN, quieted (table 4-7). */
export function nanOfSingles(lanes: Lanes, a: number, b: number, out: number): number {
  const flags = isSignallingSingle(lanes, a) || isSignallingSingle(lanes, b) ? FLAG.IE : 0;
  const x = lanes.i32[a >> 2];
  const first = (x & 0x7fffffff) > 0x7f800000;
  lanes.i32[out >> 2] = (first ? x : lanes.i32[b >> 2]) | SINGLE_QUIET;
  return flags;
}
export function nanOfDoubles(lanes: Lanes, a: number, b: number, out: number): number {
  const flags = isSignallingDouble(lanes, a) || isSignallingDouble(lanes, b) ? FLAG.IE : 0;
  const from = Number.isNaN(lanes.f64[a >> 3]) ? a >> 2 : b >> 2;
  const high = lanes.i32[from + 1] | DOUBLE_QUIET;
  lanes.i32[out >> 2] = lanes.i32[from];
  lanes.i32[(out >> 2) + 1] = high;
  return flags;
}

/** Copies the bits of a lane. */
export function copySingle(lanes: Lanes, from: number, out: number): void {
  lanes.i32[out >> 2] = lanes.i32[from >> 2];
}
export function copyDouble(lanes: Lanes, from: number, out: number): void {
  const high = lanes.i32[(from >> 2) + 1];
  lanes.i32[out >> 2] = lanes.i32[from >> 2];
  lanes.i32[(out >> 2) + 1] = high;
}
