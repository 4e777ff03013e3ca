/**
 * The transcendental instructions (SDM vol. 1, 8.3.7 to 8.3.10; vol. 2, F2XM1, FYL2X, FYL2XP1, FPTAN,
 * FPATAN, FSIN, FCOS, FSINCOS): invalid and exact cases here, the functions in series.ts. Results are
 * correctly rounded as RC says, for the functions reduced by the 66-bit pi that processors use;
 * precision control has no effect. Processors stay within one ulp of that and differ among themselves.
 */
import {
  EXPONENT_BIAS,
  Float80,
  INTEGER_BIT,
  KIND,
  bigSignificand,
  infinity,
  kindOf,
  normalized,
  one,
  zero,
} from './float80.ts';
import { EXTENDED, STATUS, round } from './rounding.ts';
import type { Context } from './rounding.ts';
import { divideByZero, invalid, nanOf, nanOfOne, noteDenormals } from './special-operands.ts';
import { atan2, bitLength, exp2Minus1, log2, log2Plus1, piQuarters, product, quotient, sineAndCosine } from './series.ts'; // prettier-ignore
import type { Big, SineAndCosine } from './series.ts';

/** A nonzero finite number, its significand of 64 bits. */
function bigOf(x: Float80): Big {
  const y = normalized(x);
  return {
    negative: y.sign !== 0,
    significand: bigSignificand(y),
    exponent: y.exponent - EXPONENT_BIAS - 63,
  };
}

/**
 * Rounds a result of which series.ts gives the first bits of more. As in processors, #P is raised
 * whatever comes out, and #U with it when that is denormal.
 * @param exact there are no more bits.
 */
function roundBig(
  context: Context,
  { negative, significand, exponent }: Big,
  exact = false,
): Float80 {
  const length = bitLength(significand);
  // 96 bits, the last one sticky for the rest
  const shift = length - 96;
  let bits = shift >= 0 ? significand >> BigInt(shift) : significand << BigInt(-shift);
  if (!exact || (shift > 0 && bits << BigInt(shift) !== significand)) bits |= 1n;
  const result = round(
    context,
    EXTENDED,
    negative ? 1 : 0,
    exponent + length - 1 + EXPONENT_BIAS,
    Number(bits >> 64n) | 0,
    Number((bits >> 32n) & 0xffffffffn) | 0,
    Number(bits & 0xffffffffn) | 0,
  );
  return inexact(context, result);
}

function inexact(context: Context, result: Float80): Float80 {
  context.raise(result.exponent === 0 ? STATUS.PE | STATUS.UE : STATUS.PE);
  return result;
}

/** 2^x - 1. Outside -1 to 1, where the result is undefined, x itself, as processors have it. */
export function f2xm1(context: Context, x: Float80): Float80 {
  const kind = kindOf(x);
  if (kind >= KIND.QUIET) return nanOfOne(context, x, kind);
  if (kind === KIND.ZERO) return x;
  if (kind === KIND.INFINITY) return x.sign === 0 ? x : one(1);
  noteDenormals(context, kind, kind);
  if (x.exponent >= EXPONENT_BIAS) {
    const half = new Float80(1, EXPONENT_BIAS - 1, INTEGER_BIT, 0);
    return inexact(context, x.sign !== 0 && compareToOne(x) === 0 ? half : x);
  }
  return roundBig(context, exp2Minus1(bigOf(x)));
}

/** y * log2(x). */
export function fyl2x(context: Context, x: Float80, y: Float80): Float80 {
  const kindX = kindOf(x);
  const kindY = kindOf(y);
  if (kindX >= KIND.QUIET || kindY >= KIND.QUIET) return nanOf(context, x, kindX, y, kindY);
  if (kindX === KIND.ZERO) {
    if (kindY === KIND.ZERO) return invalid(context);
    if (kindY === KIND.INFINITY) return infinity(y.sign ^ 1);
    noteDenormals(context, kindX, kindY);
    return divideByZero(context, y.sign ^ 1);
  }
  if (x.sign !== 0) return invalid(context);
  const order = kindX === KIND.INFINITY ? 1 : compareToOne(x);
  // infinity times zero
  if (kindX === KIND.INFINITY && kindY === KIND.ZERO) return invalid(context);
  if (kindY === KIND.INFINITY && order === 0) return invalid(context);
  noteDenormals(context, kindX, kindY);
  const sign = order < 0 ? y.sign ^ 1 : y.sign;
  if (kindX === KIND.INFINITY || kindY === KIND.INFINITY) return infinity(sign);
  if (kindY === KIND.ZERO || order === 0) return zero(sign);
  const logarithm = log2(bigOf(x));
  return roundBig(context, product(logarithm, bigOf(y)), logarithm.exponent === 0);
}

/** -1, 0, 1 as the magnitude of a finite x is below, equal to or above 1. */
function compareToOne(x: Float80): number {
  if (x.exponent !== EXPONENT_BIAS) return x.exponent < EXPONENT_BIAS ? -1 : 1;
  return x.high === INTEGER_BIT && x.low === 0 ? 0 : 1;
}

/** y * log2(x + 1); the range in which it is defined is ±(1 - sqrt(1/2)). */
export function fyl2xp1(context: Context, x: Float80, y: Float80): Float80 {
  const kindX = kindOf(x);
  const kindY = kindOf(y);
  if (kindX >= KIND.QUIET || kindY >= KIND.QUIET) return nanOf(context, x, kindX, y, kindY);
  if (kindX === KIND.ZERO && kindY === KIND.INFINITY) return invalid(context);
  if (kindX === KIND.INFINITY && (x.sign !== 0 || kindY === KIND.ZERO)) return invalid(context);
  noteDenormals(context, kindX, kindY);
  const sign = x.sign ^ y.sign;
  if (kindX === KIND.ZERO || kindY === KIND.ZERO) return zero(sign);
  if (kindX === KIND.INFINITY || kindY === KIND.INFINITY) return infinity(sign);
  if (x.sign !== 0 && x.exponent >= EXPONENT_BIAS) {
    // the logarithm of nothing or less
    return inexact(context, x);
  }
  return roundBig(context, product(log2Plus1(bigOf(x)), bigOf(y)));
}

/** The angle of the point (x, y). */
export function fpatan(context: Context, x: Float80, y: Float80): Float80 {
  const kindX = kindOf(x);
  const kindY = kindOf(y);
  if (kindX >= KIND.QUIET || kindY >= KIND.QUIET) return nanOf(context, x, kindX, y, kindY);
  noteDenormals(context, kindX, kindY);
  const negative = y.sign !== 0;
  if (kindY === KIND.INFINITY) {
    const quarters = kindX !== KIND.INFINITY ? 2 : x.sign === 0 ? 1 : 3;
    return roundBig(context, piQuarters(negative, quarters));
  }
  if (kindY === KIND.ZERO || kindX === KIND.INFINITY) {
    return x.sign === 0 ? zero(y.sign) : roundBig(context, piQuarters(negative, 4));
  }
  if (kindX === KIND.ZERO) return roundBig(context, piQuarters(negative, 2));
  return roundBig(context, atan2(bigOf(y), bigOf(x)));
}

/** Arguments of this exponent and more are out of range for FSIN, FCOS, FSINCOS and FPTAN. */
const PERIODIC_LIMIT = EXPONENT_BIAS + 63;

/** Whether the argument is left alone and C2 set. */
export function outOfRange(x: Float80): boolean {
  return kindOf(x) === KIND.NORMAL && x.exponent >= PERIODIC_LIMIT;
}

/** The answer of a periodic function to all but nonzero numbers in range, else null. */
function specialAngle(context: Context, x: Float80, ofZero: Float80): Float80 | null {
  const kind = kindOf(x);
  if (kind >= KIND.QUIET) return nanOfOne(context, x, kind);
  if (kind === KIND.INFINITY) return invalid(context);
  if (kind === KIND.ZERO) return ofZero;
  noteDenormals(context, kind, kind);
  return null;
}

/** Below 2^-68, processors take sine and tangent for the angle itself and cosine for 1. */
const TINY = EXPONENT_BIAS - 68;

function tinyAngle(context: Context, x: Float80, result: Float80): Float80 | null {
  if (x.exponent >= TINY) return null;
  const { sign, exponent, high, low } = normalized(result);
  return inexact(context, round(context, EXTENDED, sign, exponent, high, low, 0));
}

function sine(context: Context, x: Float80, parts: SineAndCosine): Float80 {
  return tinyAngle(context, x, x) ?? roundBig(context, parts.sine);
}
function cosine(context: Context, x: Float80, parts: SineAndCosine): Float80 {
  return tinyAngle(context, x, one(0)) ?? roundBig(context, parts.cosine);
}

export function fsin(context: Context, x: Float80): Float80 {
  return specialAngle(context, x, x) ?? sine(context, x, sineAndCosine(bigOf(x)));
}
export function fcos(context: Context, x: Float80): Float80 {
  return specialAngle(context, x, one(0)) ?? cosine(context, x, sineAndCosine(bigOf(x)));
}

/** The values that go to ST(0) and that are then pushed. */
export interface Pair {
  readonly first: Float80;
  readonly pushed: Float80;
}
export function fsincos(context: Context, x: Float80): Pair {
  const special = specialAngle(context, x, x);
  if (special !== null) {
    return { first: special, pushed: kindOf(x) === KIND.ZERO ? one(0) : special };
  }
  const parts = sineAndCosine(bigOf(x));
  return { first: sine(context, x, parts), pushed: cosine(context, x, parts) };
}
export function fptan(context: Context, x: Float80): Pair {
  const special = specialAngle(context, x, x);
  if (special !== null) {
    return { first: special, pushed: kindOf(x) === KIND.ZERO ? one(0) : special };
  }
  const parts = sineAndCosine(bigOf(x));
  const tangent = quotient(parts.sine, parts.cosine);
  return { first: tinyAngle(context, x, x) ?? roundBig(context, tangent), pushed: one(0) };
}
