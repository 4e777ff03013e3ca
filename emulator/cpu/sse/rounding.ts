/**
 * Rounding to single and double precision with the exceptions that it raises (SDM vol. 1, 4.8.4,
 * 4.9.1.4 to 4.9.1.6, 10.2.3.3 and 11.5.2.4 to 11.5.2.6).
 *
 * Nearly all results are normal numbers, for which the host's own arithmetic is exact and the error of
 * a double can be computed in doubles. Results near the ends of the double format take the way of the
 * x87 unit (cpu/fpu), which rounds integers of 64 bits.
 */
import type { Float80 } from '../fpu/float80.ts';
import { fromDouble, packDouble } from '../fpu/formats.ts';
import { Context, DOUBLE, type Format } from '../fpu/rounding.ts';
import { LEAST_SINGLE, type Lanes } from './lanes.ts';
import { FLAG, FTZ, ROUND, isMasked, roundingOf } from './mxcsr.ts';

/** The first power of two that no single reaches. */
const BEYOND_SINGLE = 2 ** 128;
const GREATEST_SINGLE = 0x7f7fffff;
const INFINITY_SINGLE = 0x7f800000;

/** Whether rounding takes numbers of this sign away from zero as far as it can. */
function isOutward(mxcsr: number, negative: boolean): boolean {
  return roundingOf(mxcsr) === (negative ? ROUND.DOWN : ROUND.UP);
}

/**
 * Rounds a number that is exact to a single: not NaN; or one that lies between the same two neighbours
 * of 25 bits as what it stands for. Infinities and zeros are delivered as they are.
 */
export function roundToSingle(lanes: Lanes, mxcsr: number, exact: number, out: number): number {
  const index = out >> 2;
  lanes.f32[index] = exact;
  if (exact === 0 || exact === Infinity || exact === -Infinity) return 0;
  const magnitude = Math.abs(exact);
  if (magnitude < LEAST_SINGLE) return roundTinySingle(lanes, mxcsr, exact, out);
  if (magnitude >= BEYOND_SINGLE) return overflowSingle(lanes, mxcsr, exact, out);
  if (lanes.f32[index] === exact) return 0;
  if (roundingOf(mxcsr) !== ROUND.NEAREST) directSingle(lanes, mxcsr, exact, index);
  if ((lanes.i32[index] & 0x7fffffff) === INFINITY_SINGLE) {
    return overflowSingle(lanes, mxcsr, exact, out);
  }
  return FLAG.PE;
}

/** Turns the nearest single into the one that a directed rounding asks for. */
function directSingle(lanes: Lanes, mxcsr: number, exact: number, index: number): void {
  const nearest = Math.abs(lanes.f32[index]);
  const magnitude = Math.abs(exact);
  // neighbours in magnitude are neighbours as bits, zero and infinity included
  if (isOutward(mxcsr, exact < 0)) {
    if (nearest < magnitude) lanes.i32[index] += 1;
  } else if (nearest > magnitude) {
    lanes.i32[index] -= 1;
  }
}

/** A power of two within a factor of four of a finite number that is not zero. */
function powerNear(x: number): number {
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  return 2 ** Math.min(Math.max(exponent, -1074), 1023);
}

/**
 * Unmasked overflow and underflow deliver nothing, and report precision if the significand, with any
 * exponent, is inexact.
 */
function overflowSingle(lanes: Lanes, mxcsr: number, exact: number, out: number): number {
  const index = out >> 2;
  if (!isMasked(mxcsr, FLAG.OE)) {
    const significand = exact / powerNear(exact);
    lanes.f32[index] = significand;
    return lanes.f32[index] === significand ? FLAG.OE : FLAG.OE | FLAG.PE;
  }
  const infinite = roundingOf(mxcsr) === ROUND.NEAREST || isOutward(mxcsr, exact < 0);
  const sign = exact < 0 ? 0x80000000 : 0;
  lanes.i32[index] = sign | (infinite ? INFINITY_SINGLE : GREATEST_SINGLE);
  return FLAG.OE | FLAG.PE;
}

/**
 * A magnitude below the smallest normal number. It is tiny unless it would round up to that one were
 * the exponent unbounded (4.9.1.5).
 */
function roundTinySingle(lanes: Lanes, mxcsr: number, exact: number, out: number): number {
  const index = out >> 2;
  const nearest = roundingOf(mxcsr) === ROUND.NEAREST;
  const power = powerNear(exact);
  const significand = exact / power;
  lanes.f32[index] = significand;
  const inexact = lanes.f32[index] !== significand;
  if (inexact && !nearest) directSingle(lanes, mxcsr, significand, index);
  const tiny = Math.abs(lanes.f32[index]) * power < LEAST_SINGLE;
  if (tiny && !isMasked(mxcsr, FLAG.UE)) return inexact ? FLAG.UE | FLAG.PE : FLAG.UE;
  if (tiny && (mxcsr & FTZ) !== 0) {
    lanes.i32[index] = exact < 0 ? 0x80000000 : 0;
    return FLAG.UE | FLAG.PE;
  }
  lanes.f32[index] = exact;
  if (lanes.f32[index] === exact) return 0;
  if (!nearest) directSingle(lanes, mxcsr, exact, index);
  return tiny ? FLAG.UE | FLAG.PE : FLAG.PE;
}

/**
 * Turns the nearest double in `out`, not near the ends of the format, into the one that MXCSR asks for.
 * @param error what was computed exactly, minus the nearest double; only its sign counts.
 */
export function roundDouble(lanes: Lanes, mxcsr: number, error: number, out: number): number {
  if (error === 0) return 0;
  if (roundingOf(mxcsr) === ROUND.NEAREST) return FLAG.PE;
  const negative = lanes.i32[(out >> 2) + 1] < 0;
  const tooSmall = negative ? error < 0 : error > 0;
  if (isOutward(mxcsr, negative)) {
    if (tooSmall) stepDouble(lanes, out, 1);
  } else if (!tooSmall) {
    stepDouble(lanes, out, -1);
  }
  return FLAG.PE;
}

/** To the next double in magnitude, up or down. */
function stepDouble(lanes: Lanes, out: number, by: 1 | -1): void {
  const index = out >> 2;
  const low = lanes.i32[index] + by;
  lanes.i32[index] = low;
  if (by > 0 ? lanes.i32[index] === 0 : lanes.i32[index] === -1) lanes.i32[index + 1] += by;
}

/** The x87 unit's arithmetic for doubles: its results are rounded to their format. */
class DoubleContext extends Context {
  override get format(): Format {
    return DOUBLE;
  }
}

/** An operation of the x87 unit. */
export type ExactOperation = (context: Context, x: Float80, y: Float80) => Float80;

/**
 * Any result that is not certainly a normal number, of finite operands that make a valid operation.
 * Operands are numbers, DAZ applied. Returns the exceptions of the result, not those of the operands.
 */
export function deliverDouble(
  lanes: Lanes,
  mxcsr: number,
  operation: ExactOperation,
  x: number,
  y: number,
  out: number,
): number {
  // an unmasked underflow tells that the result is tiny even if it is exact, which FTZ asks for
  const flushes = (mxcsr & FTZ) !== 0 && isMasked(mxcsr, FLAG.UE);
  const masks = (mxcsr >> 7) & (flushes ? 0x3f & ~FLAG.UE : 0x3f);
  const context = new DoubleContext(masks | (roundingOf(mxcsr) << 10));
  const a = extended(lanes, context, x, out);
  const result = operation(context, a, extended(lanes, context, y, out));
  const flags = context.flags & (FLAG.OE | FLAG.UE | FLAG.PE);
  const index = out >> 2;
  if (flushes && (flags & FLAG.UE) !== 0) {
    lanes.i32[index] = 0;
    lanes.i32[index + 1] = result.sign << 31;
    return FLAG.UE | FLAG.PE;
  }
  const { low, high } = packDouble(result);
  lanes.i32[index] = low;
  lanes.i32[index + 1] = high;
  return flags;
}

/** A number as the x87 unit has it. `scratch` is overwritten. */
function extended(lanes: Lanes, context: Context, x: number, scratch: number): Float80 {
  lanes.f64[scratch >> 3] = x;
  return fromDouble(context, lanes.i32[scratch >> 2], lanes.i32[(scratch >> 2) + 1]);
}
