/**
 * Addition, multiplication, division and square root in extended precision (SDM vol. 2, FADD, FSUB,
 * FMUL, FDIV, FSQRT), rounded by precision control. Every operation answers invalid operands and NaNs
 * first (vol. 1, 4.8.3.5 and 8.5.1), then denormal operands, zeros and infinities, then computes.
 */
import {
  EXPONENT_BIAS,
  Float80,
  INTEGER_BIT,
  KIND,
  bigSignificand,
  compareSignificands,
  infinity,
  kindOf,
  normalized,
  withSign,
  zero,
} from './float80.ts';
import { ROUND, WideSignificand, round } from './rounding.ts';
import type { Context } from './rounding.ts';
import { divideByZero, invalid, nanOf, nanOfOne, noteDenormals } from './special-operands.ts';

export function add(context: Context, a: Float80, b: Float80): Float80 {
  return sum(context, a, b, b.sign);
}
/** a - b. */
export function subtract(context: Context, a: Float80, b: Float80): Float80 {
  return sum(context, a, b, b.sign ^ 1);
}
/** b - a. */
export function subtractReverse(context: Context, a: Float80, b: Float80): Float80 {
  return sum(context, b, a, a.sign ^ 1);
}

/** a + b, where b counts with the sign `signB` unless it is a NaN. */
function sum(context: Context, a: Float80, b: Float80, signB: number): Float80 {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA !== KIND.NORMAL || kindB !== KIND.NORMAL) {
    if (kindA >= KIND.QUIET || kindB >= KIND.QUIET) return nanOf(context, a, kindA, b, kindB);
    if (kindA === KIND.INFINITY || kindB === KIND.INFINITY) {
      if (kindA === kindB && a.sign !== signB) return invalid(context);
      noteDenormals(context, kindA, kindB);
      return infinity(kindA === KIND.INFINITY ? a.sign : signB);
    }
    noteDenormals(context, kindA, kindB);
    if (kindA === KIND.ZERO && kindB === KIND.ZERO) {
      return zero(a.sign === signB ? a.sign : signOfZero(context));
    }
    if (kindA === KIND.ZERO) return rounded(context, signB, normalized(b));
    if (kindB === KIND.ZERO) return rounded(context, a.sign, normalized(a));
    a = normalized(a);
    b = normalized(b);
  }
  if (a.sign === signB) return addMagnitudes(context, signB, a, b);
  return subtractMagnitudes(context, a, b, signB);
}

/** The sign of a zero that is the difference of equal numbers. */
function signOfZero(context: Context): number {
  return context.direction === ROUND.DOWN ? 1 : 0;
}

function rounded(context: Context, sign: number, x: Float80): Float80 {
  return round(context, context.format, sign, x.exponent, x.high, x.low, 0);
}

function addMagnitudes(context: Context, sign: number, a: Float80, b: Float80): Float80 {
  const [large, small] = a.exponent >= b.exponent ? [a, b] : [b, a];
  const wide = new WideSignificand(small.high, small.low, 0);
  if (large.exponent !== small.exponent) wide.shiftRight(large.exponent - small.exponent);
  let exponent = large.exponent;
  if (wide.add(large.high, large.low)) {
    wide.shiftRight(1);
    wide.high |= INTEGER_BIT;
    exponent += 1;
  }
  return round(context, context.format, sign, exponent, wide.high, wide.low, wide.extra);
}

function subtractMagnitudes(context: Context, a: Float80, b: Float80, signB: number): Float80 {
  const order = a.exponent - b.exponent || compareSignificands(a, b);
  if (order === 0) return zero(signOfZero(context));
  const [large, small, sign] = order > 0 ? [a, b, a.sign] : [b, a, signB];
  const wide = new WideSignificand(small.high, small.low, 0);
  if (large.exponent !== small.exponent) wide.shiftRight(large.exponent - small.exponent);
  const extra = -wide.extra | 0;
  const low = (large.low >>> 0) - (wide.low >>> 0) - (wide.extra !== 0 ? 1 : 0);
  const high = (large.high >>> 0) - (wide.high >>> 0) - (low < 0 ? 1 : 0);
  return roundUnnormalized(context, sign, large.exponent, high | 0, low | 0, extra);
}

/** Shifts a nonzero significand of 96 bits up to bit 63 and rounds it. */
function roundUnnormalized(
  context: Context,
  sign: number,
  exponent: number,
  high: number,
  low: number,
  extra: number,
): Float80 {
  while (high === 0) {
    high = low;
    low = extra;
    extra = 0;
    exponent -= 32;
  }
  const count = Math.clz32(high);
  if (count !== 0) {
    high = (high << count) | (low >>> (32 - count));
    low = (low << count) | (extra >>> (32 - count));
    extra <<= count;
    exponent -= count;
  }
  return round(context, context.format, sign, exponent, high, low, extra);
}

export function multiply(context: Context, a: Float80, b: Float80): Float80 {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  const sign = a.sign ^ b.sign;
  if (kindA !== KIND.NORMAL || kindB !== KIND.NORMAL) {
    if (kindA >= KIND.QUIET || kindB >= KIND.QUIET) return nanOf(context, a, kindA, b, kindB);
    if (kindA === KIND.INFINITY || kindB === KIND.INFINITY) {
      if (kindA === KIND.ZERO || kindB === KIND.ZERO) return invalid(context);
      noteDenormals(context, kindA, kindB);
      return infinity(sign);
    }
    noteDenormals(context, kindA, kindB);
    if (kindA === KIND.ZERO || kindB === KIND.ZERO) return zero(sign);
    a = normalized(a);
    b = normalized(b);
  }
  return multiplyMagnitudes(context, sign, a, b);
}

/** 64 by 64 bits in digits of 16, whose columns add up exactly in a double. */
function multiplyMagnitudes(context: Context, sign: number, a: Float80, b: Float80): Float80 {
  const a0 = a.low & 0xffff;
  const a1 = a.low >>> 16;
  const a2 = a.high & 0xffff;
  const a3 = a.high >>> 16;
  const b0 = b.low & 0xffff;
  const b1 = b.low >>> 16;
  const b2 = b.high & 0xffff;
  const b3 = b.high >>> 16;
  // columns in pairs: the lower half of a sum stays, the upper half is carried as a number
  const column0 = a0 * b0;
  const column1 = a0 * b1 + a1 * b0 + Math.floor(column0 / 0x10000);
  const column2 = a0 * b2 + a1 * b1 + a2 * b0 + Math.floor(column1 / 0x10000);
  const column3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + Math.floor(column2 / 0x10000);
  const column4 = a1 * b3 + a2 * b2 + a3 * b1 + Math.floor(column3 / 0x10000);
  const column5 = a2 * b3 + a3 * b2 + Math.floor(column4 / 0x10000);
  const column6 = a3 * b3 + Math.floor(column5 / 0x10000);
  const sticky = ((column0 | column1) & 0xffff) !== 0 ? 1 : 0;
  let extra = (column3 << 16) | (column2 & 0xffff) | sticky;
  let low = (column5 << 16) | (column4 & 0xffff);
  let high = column6 | 0;
  let exponent = a.exponent + b.exponent - EXPONENT_BIAS + 1;
  if (high >= 0) {
    high = (high << 1) | (low >>> 31);
    low = (low << 1) | (extra >>> 31);
    // the bit shifted in is below the sticky one
    extra = (extra << 1) | sticky;
    exponent -= 1;
  }
  return round(context, context.format, sign, exponent, high, low, extra);
}

/** a / b. */
export function divide(context: Context, a: Float80, b: Float80): Float80 {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  const sign = a.sign ^ b.sign;
  if (kindA !== KIND.NORMAL || kindB !== KIND.NORMAL) {
    if (kindA >= KIND.QUIET || kindB >= KIND.QUIET) return nanOf(context, a, kindA, b, kindB);
    if (kindA === kindB && (kindA === KIND.INFINITY || kindA === KIND.ZERO)) {
      return invalid(context);
    }
    if (kindB === KIND.ZERO && kindA !== KIND.INFINITY) {
      return divideByZero(context, sign);
    }
    noteDenormals(context, kindA, kindB);
    if (kindA === KIND.INFINITY) return infinity(sign);
    if (kindA === KIND.ZERO || kindB === KIND.INFINITY) return zero(sign);
    a = normalized(a);
    b = normalized(b);
  }
  return divideMagnitudes(context, sign, a, b);
}
/** b / a. */
export function divideReverse(context: Context, a: Float80, b: Float80): Float80 {
  return divide(context, b, a);
}

const TWO_32 = 0x100000000;

/**
 * Long division, four quotient digits of 16 bits. A digit is estimated in doubles, which is at most
 * one off, and corrected by the exact remainder: digit * half a divisor stays below 2^48.
 */
function divideMagnitudes(context: Context, sign: number, a: Float80, b: Float80): Float80 {
  const divisorHigh = b.high >>> 0;
  const divisorLow = b.low >>> 0;
  const divisor = divisorHigh * TWO_32 + divisorLow;
  let high = a.high >>> 0;
  let low = a.low >>> 0;
  // the remainder must be below the divisor: a significand that is not gives a leading one at once
  const leading = compareSignificands(a, b) >= 0;
  if (leading) {
    low -= divisorLow;
    high -= divisorHigh;
    if (low < 0) {
      low += TWO_32;
      high -= 1;
    }
  }
  let quotientHigh = 0;
  let quotientLow = 0;
  for (let digits = 0; digits < 4; digits++) {
    let digit = Math.floor(((high * TWO_32 + low) * 0x10000) / divisor);
    low = low * 0x10000 - digit * divisorLow;
    const carry = Math.floor(low / TWO_32);
    low -= carry * TWO_32;
    high = high * 0x10000 - digit * divisorHigh + carry;
    if (high < 0) {
      digit -= 1;
      low += divisorLow;
      high += divisorHigh;
      if (low >= TWO_32) {
        low -= TWO_32;
        high += 1;
      }
    } else if (high > divisorHigh || (high === divisorHigh && low >= divisorLow)) {
      digit += 1;
      low -= divisorLow;
      high -= divisorHigh;
      if (low < 0) {
        low += TWO_32;
        high -= 1;
      }
    }
    quotientHigh = (quotientHigh % 0x10000) * 0x10000 + Math.floor(quotientLow / 0x10000);
    quotientLow = (quotientLow % 0x10000) * 0x10000 + digit;
  }
  const exponent = a.exponent - b.exponent + EXPONENT_BIAS;
  const inexact = high !== 0 || low !== 0;
  if (leading) {
    const extra = (quotientLow << 31) | (inexact ? 1 : 0);
    const resultLow = (quotientHigh << 31) | (quotientLow >>> 1);
    const resultHigh = (quotientHigh >>> 1) | INTEGER_BIT;
    return round(context, context.format, sign, exponent, resultHigh, resultLow, extra);
  }
  // half a unit more: is twice the remainder at least the divisor?
  const doubled = high * 2 + (low >= 0x80000000 ? 1 : 0);
  const doubledLow = (low * 2) % TWO_32;
  const half = doubled > divisorHigh || (doubled === divisorHigh && doubledLow >= divisorLow);
  const exactHalf = doubled === divisorHigh && doubledLow === divisorLow;
  const extra = (half ? INTEGER_BIT : 0) | (inexact && !exactHalf ? 1 : 0);
  return round(
    context, context.format, sign, exponent - 1, quotientHigh | 0, quotientLow | 0, extra,
  ); // prettier-ignore
}

export function squareRoot(context: Context, x: Float80): Float80 {
  const kind = kindOf(x);
  if (kind >= KIND.QUIET) return nanOfOne(context, x, kind);
  if (kind === KIND.ZERO) return x;
  if (x.sign !== 0) return invalid(context);
  if (kind === KIND.INFINITY) return x;
  noteDenormals(context, kind, kind);
  const { exponent, high, low } = normalized(x);
  const unbiased = exponent - EXPONENT_BIAS;
  // a radicand in [2^126, 2^128), even exponent: its root has 64 bits
  const odd = unbiased & 1;
  const radicand = bigSignificand(new Float80(0, 0, high, low)) << BigInt(63 + odd);
  const root = integerRoot(radicand);
  const remainder = radicand - root * root;
  // root + 1/2 squared is root² + root + 1/4: the remainder tells the half exactly
  const extra = remainder > root ? INTEGER_BIT | 1 : remainder > 0n ? 1 : 0;
  const rootHigh = Number(root >> 32n) | 0;
  const rootLow = Number(root & 0xffffffffn) | 0;
  const half = (unbiased - odd) / 2 + EXPONENT_BIAS;
  return round(context, context.format, 0, half, rootHigh, rootLow, extra);
}

/** Floor of the square root, by Newton's method from a double's 50 good bits. `n` is below 2^128. */
function integerRoot(n: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(n))));
  root = (root + n / root) >> 1n;
  while (root * root > n) root -= 1n;
  while ((root + 1n) * (root + 1n) <= n) root += 1n;
  return root;
}

/** x with the sign changed or cleared, whatever x is. */
export function negate(x: Float80): Float80 {
  return withSign(x, x.sign ^ 1);
}
export function absolute(x: Float80): Float80 {
  return withSign(x, 0);
}
