/**
 * The instructions that take numbers apart: partial remainder, rounding to integer, scaling and
 * extraction of exponent and significand (SDM vol. 2, FPREM, FPREM1, FRNDINT, FSCALE, FXTRACT).
 * Precision control has no effect on them.
 */
import {
  EXPONENT_BIAS,
  Float80,
  KIND,
  bigSignificand,
  canonical,
  fromInteger,
  infinity,
  kindOf,
  normalize,
  normalized,
  zero,
} from './float80.ts';
import { EXPONENT_WRAP, EXTENDED, STATUS, WideSignificand, round } from './rounding.ts';
import type { Context } from './rounding.ts';
import { divideByZero, invalid, nanOf, nanOfOne, noteDenormals } from './special-operands.ts';

export interface Remainder {
  readonly value: Float80;
  /** The reduction is not complete: C2. */
  readonly partial: boolean;
  /** The three lowest bits of the quotient's magnitude, 0 when partial; null: no quotient, a NaN. */
  readonly quotient: number | null;
}

/**
 * a - b * q, with q the quotient a / b chopped (FPREM) or rounded to the nearest or even integer
 * (FPREM1). At most 63 bits of quotient are taken at a time.
 */
export function remainder(context: Context, a: Float80, b: Float80, nearest: boolean): Remainder {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  const complete = (value: Float80): Remainder => ({ value, partial: false, quotient: 0 });
  if (kindA >= KIND.QUIET || kindB >= KIND.QUIET) {
    return { value: nanOf(context, a, kindA, b, kindB), partial: false, quotient: null };
  }
  if (kindA === KIND.INFINITY || kindB === KIND.ZERO) {
    return { value: invalid(context), partial: false, quotient: null };
  }
  noteDenormals(context, kindA, kindB);
  if (kindA === KIND.ZERO) return complete(a);
  if (kindB === KIND.INFINITY) return complete(canonical(a));
  const x = normalized(a);
  const y = normalized(b);
  const difference = x.exponent - y.exponent;
  if (difference >= 64) return reducePartially(context, x, y, difference);
  if (difference < (nearest ? -1 : 0)) {
    return complete(round(context, EXTENDED, x.sign, x.exponent, x.high, x.low, 0));
  }
  return reduce(context, x, y, difference, nearest);
}

/** Takes 32 to 63 bits off the exponent difference; the rest is for the next execution. */
function reducePartially(context: Context, x: Float80, y: Float80, difference: number): Remainder {
  const bits = (difference & 31) | 32;
  const rest = (bigSignificand(x) << BigInt(bits)) % bigSignificand(y);
  const value = fromBig(context, x.sign, rest, y.exponent + difference - bits);
  return { value, partial: true, quotient: 0 };
}

function reduce(
  context: Context,
  x: Float80,
  y: Float80,
  difference: number,
  nearest: boolean,
): Remainder {
  // with a difference of -1 everything is counted in halves of y's unit
  const unit = Math.min(difference, 0);
  const dividend = bigSignificand(x) << BigInt(difference - unit);
  const divisor = bigSignificand(y) << BigInt(-unit);
  let quotient = dividend / divisor;
  let rest = dividend - quotient * divisor;
  let sign = x.sign;
  const twice = rest << 1n;
  if (nearest && (twice > divisor || (twice === divisor && (quotient & 1n) === 1n))) {
    quotient += 1n;
    rest = divisor - rest;
    sign ^= 1;
  }
  return {
    value: fromBig(context, sign, rest, y.exponent + unit),
    partial: false,
    quotient: Number(quotient & 7n),
  };
}

/** `significand` below 2^65, whose bit 63 weighs as that of a number with the given exponent. */
function fromBig(context: Context, sign: number, significand: bigint, exponent: number): Float80 {
  if (significand === 0n) return zero(sign);
  const high = Number(significand >> 32n) | 0;
  const low = Number(significand & 0xffffffffn) | 0;
  const x = normalize(sign, exponent, high, low);
  return round(context, EXTENDED, sign, x.exponent, x.high, x.low, 0);
}

/** Rounds to an integer as RC says. */
export function roundToInteger(context: Context, x: Float80): Float80 {
  const kind = kindOf(x);
  if (kind >= KIND.QUIET) return nanOfOne(context, x, kind);
  if (kind === KIND.ZERO || kind === KIND.INFINITY) return x;
  noteDenormals(context, kind, kind);
  if (x.exponent >= EXPONENT_BIAS + 63) return x;
  const integer = integerOf(context, x);
  return fromInteger(x.sign, integer.high, integer.low);
}

/**
 * The magnitude of a finite number below 2^64, rounded to an integer as RC says, or towards zero when
 * `chop`. Raises #P and sets roundedUp. Rounding up from 2^64 - 1 leaves `extra` set to 1.
 */
export function integerOf(context: Context, x: Float80, chop = false): WideSignificand {
  const wide = new WideSignificand(x.high, x.low, 0);
  wide.shiftRight(EXPONENT_BIAS + 63 - x.exponent);
  const rest = wide.extra;
  wide.extra = 0;
  context.roundedUp = !chop && context.increments(x.sign, rest, (wide.low & 1) !== 0);
  if (context.roundedUp && wide.add(0, 1)) wide.extra = 1;
  if (rest !== 0) context.raise(STATUS.PE);
  return wide;
}

/** Exponents beyond these give the same result as any other: all is lost or out of range. */
const SCALE_LIMIT = 0x10000;

/** a * 2^trunc(b). */
export function scale(context: Context, a: Float80, b: Float80): Float80 {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA >= KIND.QUIET || kindB >= KIND.QUIET) return nanOf(context, a, kindA, b, kindB);
  if (kindB === KIND.INFINITY) {
    if (b.sign === 0 ? kindA === KIND.ZERO : kindA === KIND.INFINITY) return invalid(context);
    noteDenormals(context, kindA, kindB);
    return b.sign === 0 ? infinity(a.sign) : zero(a.sign);
  }
  noteDenormals(context, kindA, kindB);
  if (kindA === KIND.ZERO || kindA === KIND.INFINITY) return a;
  if (kindB === KIND.ZERO) return canonical(a);
  const x = normalized(a);
  const exponent = x.exponent + scaleOf(b);
  const massive = massiveScale(context, x.sign, exponent);
  if (massive !== null) return massive;
  return round(context, EXTENDED, x.sign, exponent, x.high, x.low, 0);
}

/** The answer when an unmasked over- or underflow is beyond even the wrapped exponent (8.5.4, 8.5.5). */
function massiveScale(context: Context, sign: number, exponent: number): Float80 | null {
  if (exponent - EXPONENT_WRAP > EXTENDED.greatest && context.unmasked(STATUS.OE)) {
    context.raise(STATUS.OE | STATUS.PE);
    context.roundedUp = true;
    return infinity(sign);
  }
  if (exponent + EXPONENT_WRAP < EXTENDED.least && context.unmasked(STATUS.UE)) {
    context.raise(STATUS.UE | STATUS.PE);
    return zero(sign);
  }
  return null;
}

/** trunc(b), held to ±SCALE_LIMIT. */
function scaleOf(b: Float80): number {
  const bits = b.exponent - EXPONENT_BIAS;
  if (bits < 0) return 0;
  const magnitude = bits >= 17 ? SCALE_LIMIT : b.high >>> (31 - bits);
  return b.sign === 0 ? magnitude : -magnitude;
}

export interface Extraction {
  /** The unbiased exponent, as a number. */
  readonly exponent: Float80;
  /** The number with a true exponent of 0. */
  readonly significand: Float80;
}

export function extract(context: Context, x: Float80): Extraction {
  const kind = kindOf(x);
  if (kind >= KIND.QUIET) {
    const nan = nanOfOne(context, x, kind);
    return { exponent: nan, significand: nan };
  }
  if (kind === KIND.ZERO) return { exponent: divideByZero(context, 1), significand: x };
  if (kind === KIND.INFINITY) return { exponent: infinity(0), significand: x };
  noteDenormals(context, kind, kind);
  const { sign, exponent, high, low } = normalized(x);
  const unbiased = exponent - EXPONENT_BIAS;
  return {
    exponent: fromInteger(unbiased < 0 ? 1 : 0, 0, Math.abs(unbiased)),
    significand: new Float80(sign, EXPONENT_BIAS, high, low),
  };
}
