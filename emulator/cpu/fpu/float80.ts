/**
 * A number of the x87 unit as its registers hold it: double extended precision, 80 bits (SDM vol. 1,
 * 4.2.2 and 8.2). The significand has an explicit integer bit (J, bit 63), so there are encodings that
 * no instruction produces: pseudo-denormals, which count as denormals, and the unsupported ones
 * (unnormals, pseudo-infinities, pseudo-NaNs), which every arithmetic instruction refuses.
 */

/** Largest value of the exponent field: infinities and NaNs. */
export const EXPONENT_MAX = 0x7fff;
/** Exponent field of numbers in [1, 2). */
export const EXPONENT_BIAS = 0x3fff;
/** J, bit 63, in `high`. */
export const INTEGER_BIT = 0x80000000 | 0;
/** Bit 62 in `high`: set in quiet NaNs. */
export const QUIET_BIT = 0x40000000;

/** Classes of an encoding (SDM vol. 1, 4.8.3 and table 8-3). */
export const KIND = {
  ZERO: 0,
  NORMAL: 1,
  /** Denormal or pseudo-denormal. */
  DENORMAL: 2,
  INFINITY: 3,
  QUIET: 4,
  SIGNALLING: 5,
  UNSUPPORTED: 6,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

export class Float80 {
  /** 1: negative. */
  readonly sign: number;
  /**
   * The exponent field, 0 to EXPONENT_MAX. Operands that an operation has normalised for itself may
   * lie below.
   */
  readonly exponent: number;
  /** Bits 63-32 and 31-0 of the significand, as signed 32-bit integers. */
  readonly high: number;
  readonly low: number;

  constructor(sign: number, exponent: number, high: number, low: number) {
    this.sign = sign;
    this.exponent = exponent;
    this.high = high;
    this.low = low;
  }
}

export function kindOf(x: Float80): Kind {
  if (x.exponent === 0) return (x.high | x.low) === 0 ? KIND.ZERO : KIND.DENORMAL;
  if (x.high >= 0) return KIND.UNSUPPORTED;
  if (x.exponent !== EXPONENT_MAX) return KIND.NORMAL;
  if (x.high === INTEGER_BIT && x.low === 0) return KIND.INFINITY;
  return (x.high & QUIET_BIT) !== 0 ? KIND.QUIET : KIND.SIGNALLING;
}

/** QNaN floating-point indefinite, the masked answer to an invalid operation. */
export function indefinite(): Float80 {
  return new Float80(1, EXPONENT_MAX, INTEGER_BIT | QUIET_BIT, 0);
}
export function zero(sign: number): Float80 {
  return new Float80(sign, 0, 0, 0);
}
export function infinity(sign: number): Float80 {
  return new Float80(sign, EXPONENT_MAX, INTEGER_BIT, 0);
}
export function one(sign: number): Float80 {
  return new Float80(sign, EXPONENT_BIAS, INTEGER_BIT, 0);
}
export function withSign(x: Float80, sign: number): Float80 {
  return new Float80(sign, x.exponent, x.high, x.low);
}
export function quiet(x: Float80): Float80 {
  return new Float80(x.sign, x.exponent, x.high | QUIET_BIT, x.low);
}

/** A nonzero finite number with bit 63 set; a denormal's exponent becomes 1 to -62. */
export function normalized(x: Float80): Float80 {
  if (x.exponent !== 0) return x;
  return normalize(x.sign, 1, x.high, x.low);
}

/** The same number; a pseudo-denormal as the normal number that it equals. */
export function canonical(x: Float80): Float80 {
  return x.exponent === 0 && x.high < 0 ? new Float80(x.sign, 1, x.high, x.low) : x;
}

/** Shifts a nonzero significand up until bit 63 is set, and lowers the exponent by as much. */
export function normalize(sign: number, exponent: number, high: number, low: number): Float80 {
  if (high === 0) {
    exponent -= 32;
    high = low;
    low = 0;
  }
  const count = Math.clz32(high);
  if (count === 0) return new Float80(sign, exponent, high, low);
  const shifted = (high << count) | (low >>> (32 - count));
  return new Float80(sign, exponent - count, shifted, low << count);
}

/** The integer `magnitude` (two unsigned halves) as a number. */
export function fromInteger(sign: number, high: number, low: number): Float80 {
  if ((high | low) === 0) return zero(sign);
  return normalize(sign, EXPONENT_BIAS + 63, high | 0, low | 0);
}

/** -1, 0 or 1 as the significand of `a` is below, equal to or above that of `b`. */
export function compareSignificands(a: Float80, b: Float80): number {
  if (a.high !== b.high) return a.high >>> 0 < b.high >>> 0 ? -1 : 1;
  if (a.low !== b.low) return a.low >>> 0 < b.low >>> 0 ? -1 : 1;
  return 0;
}

/** The significand as a BigInt, for the operations that are too rare to do without. */
export function bigSignificand(x: Float80): bigint {
  return (BigInt(x.high >>> 0) << 32n) | BigInt(x.low >>> 0);
}
