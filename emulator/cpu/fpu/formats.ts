/**
 * The x87 unit's formats in memory (SDM vol. 1, 4.2 and 8.1.2): single and double precision, word,
 * doubleword and quadword integers, and packed BCD, to and from registers. Words of memory are signed
 * 32-bit integers, low one first.
 */
import {
  EXPONENT_BIAS,
  EXPONENT_MAX,
  Float80,
  INTEGER_BIT,
  KIND,
  fromInteger,
  kindOf,
  normalize,
  normalized,
  quiet,
  zero,
} from './float80.ts';
import { integerOf } from './partial.ts';
import { DOUBLE, SINGLE, STATUS, round } from './rounding.ts';
import type { Context, Format } from './rounding.ts';
import { nanOfOne } from './special-operands.ts';

/** A single as an operand. Raises #D for a denormal; a signalling NaN stays one. */
export function fromSingle(context: Context, bits: number): Float80 {
  const sign = bits >>> 31;
  const field = (bits >>> 23) & 0xff;
  const fraction = bits << 9;
  if (field === 0) {
    if (fraction === 0) return zero(sign);
    context.raise(STATUS.DE);
    return normalize(sign, SINGLE.least - 1, fraction, 0);
  }
  const exponent = field === 0xff ? EXPONENT_MAX : field - 127 + EXPONENT_BIAS;
  return new Float80(sign, exponent, (bits << 8) | INTEGER_BIT, 0);
}

/** A double as an operand. Raises #D for a denormal; a signalling NaN stays one. */
export function fromDouble(context: Context, low: number, high: number): Float80 {
  const sign = high >>> 31;
  const field = (high >>> 20) & 0x7ff;
  const upper = (high << 11) | (low >>> 21);
  const lower = low << 11;
  if (field === 0) {
    if ((upper | lower) === 0) return zero(sign);
    context.raise(STATUS.DE);
    return normalize(sign, DOUBLE.least, upper, lower);
  }
  const exponent = field === 0x7ff ? EXPONENT_MAX : field - 1023 + EXPONENT_BIAS;
  return new Float80(sign, exponent, upper | INTEGER_BIT, lower);
}

/** What FLD makes of a single or double: a signalling NaN is invalid and becomes quiet. */
export function loaded(context: Context, x: Float80): Float80 {
  if (x.exponent !== EXPONENT_MAX || kindOf(x) !== KIND.SIGNALLING) return x;
  context.raise(STATUS.IE);
  return quiet(x);
}

/** A signed integer of 32 bits (words come sign-extended). */
export function fromInt32(value: number): Float80 {
  return fromInteger(value < 0 ? 1 : 0, 0, Math.abs(value));
}
export function fromInt64(low: number, high: number): Float80 {
  if (high >= 0) return fromInteger(0, high, low);
  const negatedHigh = low === 0 ? -high : ~high;
  return fromInteger(1, negatedHigh, -low);
}

/** A number of a memory format: bit 63 of the significand tells normal from denormal. */
function narrowed(context: Context, format: Format, x: Float80): Float80 {
  const kind = kindOf(x);
  if (kind >= KIND.QUIET) return nanOfOne(context, x, kind);
  if (kind === KIND.INFINITY) return x;
  if (kind === KIND.ZERO) return zero(x.sign);
  const { sign, exponent, high, low } = normalized(x);
  return round(context, format, sign, exponent, high, low, 0);
}

/** FST m32fp. The bits are meaningless when an unmasked exception keeps them from being stored. */
export function toSingle(context: Context, x: Float80): number {
  const y = narrowed(context, SINGLE, x);
  const infinite = y.exponent === EXPONENT_MAX;
  const field = infinite ? 0xff : y.high >= 0 ? 0 : y.exponent - SINGLE.least + 1;
  return (y.sign << 31) | (field << 23) | ((y.high >>> 8) & 0x7fffff);
}

/** FST m64fp: low and high word. */
export function toDouble(context: Context, x: Float80): { low: number; high: number } {
  return packDouble(narrowed(context, DOUBLE, x));
}

/** The low and high word of a number that has been rounded to DOUBLE. */
export function packDouble({ sign, exponent, high, low }: Float80): { low: number; high: number } {
  const infinite = exponent === EXPONENT_MAX;
  const field = infinite ? 0x7ff : high >= 0 ? 0 : exponent - DOUBLE.least + 1;
  return {
    low: (high << 21) | (low >>> 11),
    high: (sign << 31) | (field << 20) | ((high >>> 11) & 0xfffff),
  };
}

/**
 * FIST and FISTTP: the value as a signed integer of `bits` bits; the integer indefinite, the most
 * negative one, with #IA when it does not fit.
 */
export function toInteger(
  context: Context,
  x: Float80,
  bits: 16 | 32 | 64,
  chop: boolean,
): { low: number; high: number } {
  const kind = kindOf(x);
  if (kind !== KIND.ZERO && kind !== KIND.NORMAL && kind !== KIND.DENORMAL) {
    return integerIndefinite(context, bits);
  }
  if (x.exponent > EXPONENT_BIAS + bits - 1) return integerIndefinite(context, bits);
  const magnitude = integerOf(context, x, chop);
  if (!fits(magnitude, x.sign, bits)) return integerIndefinite(context, bits);
  if (x.sign === 0) return magnitude;
  return {
    low: -magnitude.low | 0,
    high: magnitude.low === 0 ? -magnitude.high | 0 : ~magnitude.high,
  };
}

function fits(magnitude: { high: number; low: number }, sign: number, bits: 16 | 32 | 64): boolean {
  const { high, low } = magnitude;
  if (bits === 64) return high >= 0 || (sign !== 0 && high === INTEGER_BIT && low === 0);
  const limit = bits === 32 ? 0x80000000 : 0x8000;
  return high === 0 && low >>> 0 < limit + sign;
}

function integerIndefinite(context: Context, bits: 16 | 32 | 64): { low: number; high: number } {
  context.flags = STATUS.IE;
  context.roundedUp = false;
  if (bits === 64) return { low: 0, high: INTEGER_BIT };
  return { low: bits === 32 ? INTEGER_BIT : -0x8000, high: -1 };
}

/** Ten bytes as three words: 0-3, 4-7, and 8-9 in the lower half. */
export interface Bytes10 {
  readonly low: number;
  readonly high: number;
  readonly top: number;
}

/** FBLD: 18 digits, the sign in bit 79. A digit above 9 counts as that many, as processors do. */
export function fromBcd({ low, high, top }: Bytes10): Float80 {
  const digits = BigInt(digitsOf(low)) + BigInt(digitsOf(high)) * 100000000n;
  const value = digits + BigInt(digitsOf(top & 0xff)) * 10000000000000000n;
  return fromInteger((top >>> 15) & 1, Number(value >> 32n), Number(value & 0xffffffffn));
}

function digitsOf(word: number): number {
  let value = 0;
  for (let shift = 28; shift >= 0; shift -= 4) value = value * 10 + ((word >>> shift) & 15);
  return value;
}

const BCD_LIMIT = 1000000000000000000n;

/** FBSTP: rounds as RC says; the packed BCD indefinite with #IA beyond 18 digits. */
export function toBcd(context: Context, x: Float80): Bytes10 {
  const kind = kindOf(x);
  if (kind >= KIND.INFINITY || x.exponent >= EXPONENT_BIAS + 60) return bcdIndefinite(context);
  const { high, low } = integerOf(context, x);
  const value = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  if (value >= BCD_LIMIT) return bcdIndefinite(context);
  const upper = value / 10000000000000000n;
  const rest = value % 10000000000000000n;
  return {
    low: bcdOf(Number(rest % 100000000n)),
    high: bcdOf(Number(rest / 100000000n)),
    top: bcdOf(Number(upper)) | (x.sign << 15),
  };
}

function bcdOf(value: number): number {
  let word = 0;
  for (let shift = 0; value !== 0; shift += 4) {
    word |= (value % 10) << shift;
    value = Math.floor(value / 10);
  }
  return word;
}

function bcdIndefinite(context: Context): Bytes10 {
  context.flags = STATUS.IE;
  context.roundedUp = false;
  return { low: 0, high: 0xc0000000 | 0, top: 0xffff };
}
