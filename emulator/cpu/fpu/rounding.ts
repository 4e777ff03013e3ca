/**
 * Rounding and the numeric exceptions of the x87 unit (SDM vol. 1, 4.8.4, 8.1.5 and 8.5). An operation
 * computes a result that is exact but for a sticky last bit; here it becomes a number of the
 * destination's format, with overflow, underflow and precision reported as the masks ask.
 */
import { EXPONENT_BIAS, EXPONENT_MAX, Float80, INTEGER_BIT } from './float80.ts';

/** Exception flags of the status word and masks of the control word, and what lies beside them. */
export const STATUS = {
  IE: 1, DE: 2, ZE: 4, OE: 8, UE: 16, PE: 32, SF: 64, ES: 128,
  C0: 1 << 8, C1: 1 << 9, C2: 1 << 10, TOP: 7 << 11, C3: 1 << 14, B: 1 << 15,
} as const; // prettier-ignore
export const EXCEPTIONS = 0x3f;

/** Control word, RC. */
export const ROUND = { NEAREST: 0, DOWN: 1, UP: 2, ZERO: 3 } as const;

/** The range that a result is rounded to. Exponents are those of Float80. */
export interface Format {
  /** Bits of the significand. */
  readonly precision: 24 | 53 | 64;
  /** Exponents of the smallest and largest normal number. */
  readonly least: number;
  readonly greatest: number;
  /** Unmasked overflow and underflow deliver the result with its exponent wrapped (8.5.4, 8.5.5). */
  readonly wraps: boolean;
}
export const EXTENDED: Format = { precision: 64, least: 1, greatest: 0x7ffe, wraps: true };
/** Precision control narrows the significand alone, not the exponent. */
const EXTENDED_53: Format = { precision: 53, least: 1, greatest: 0x7ffe, wraps: true };
const EXTENDED_24: Format = { precision: 24, least: 1, greatest: 0x7ffe, wraps: true };
export const SINGLE: Format = {
  precision: 24,
  least: EXPONENT_BIAS - 126,
  greatest: EXPONENT_BIAS + 127,
  wraps: false,
};
export const DOUBLE: Format = {
  precision: 53,
  least: EXPONENT_BIAS - 1022,
  greatest: EXPONENT_BIAS + 1023,
  wraps: false,
};
/** Added to or taken from the exponent of a result that over- or underflows unmasked. */
export const EXPONENT_WRAP = 24576;

/** What one instruction's arithmetic depends on and reports. */
export class Context {
  readonly control: number;
  /** Exceptions raised so far, masked or not. */
  flags = 0;
  /** The last rounding increased the magnitude: C1. */
  roundedUp = false;

  /** @param control the control word. */
  constructor(control: number) {
    this.control = control;
  }

  raise(flags: number): void {
    this.flags |= flags;
  }
  unmasked(flags: number): boolean {
    return (flags & ~this.control & EXCEPTIONS) !== 0;
  }
  get direction(): number {
    return (this.control >> 10) & 3;
  }
  /** The format that precision control (PC) gives to FADD, FSUB, FMUL, FDIV and FSQRT. */
  get format(): Format {
    switch ((this.control >> 8) & 3) {
      case 0:
        return EXTENDED_24;
      case 2:
        return EXTENDED_53;
      default:
        return EXTENDED;
    }
  }

  /**
   * Whether the magnitude is to be increased.
   * @param rest what is cut off, its first bit worth half a unit, the last one sticky.
   * @param odd the last bit that is kept is set.
   */
  increments(sign: number, rest: number, odd: boolean): boolean {
    if (rest === 0) return false;
    switch ((this.control >> 10) & 3) {
      case ROUND.NEAREST:
        return rest < 0 && (odd || rest !== INTEGER_BIT);
      case ROUND.DOWN:
        return sign !== 0;
      case ROUND.UP:
        return sign === 0;
      default:
        return false;
    }
  }
}

/** A significand of 64 bits and 32 more, of which the last is sticky. All signed 32-bit. */
export class WideSignificand {
  high: number;
  low: number;
  extra: number;

  constructor(high: number, low: number, extra: number) {
    this.high = high;
    this.low = low;
    this.extra = extra;
  }

  /** Shifts right by `count` >= 0; what falls out is kept in the sticky bit. */
  shiftRight(count: number): void {
    if (count >= 96) {
      this.extra = (this.high | this.low | this.extra) !== 0 ? 1 : 0;
      this.high = this.low = 0;
      return;
    }
    while (count >= 32) {
      this.extra = this.low | (this.extra !== 0 ? 1 : 0);
      this.low = this.high;
      this.high = 0;
      count -= 32;
    }
    if (count === 0) return;
    const lost = this.extra << (32 - count);
    this.extra = (this.low << (32 - count)) | (this.extra >>> count) | (lost !== 0 ? 1 : 0);
    this.low = (this.high << (32 - count)) | (this.low >>> count);
    this.high >>>= count;
    this.high |= 0;
  }

  /** Adds `high`:`low`, which may wrap; returns whether it did. */
  add(high: number, low: number): boolean {
    const lowSum = (this.low >>> 0) + (low >>> 0);
    const highSum = (this.high >>> 0) + (high >>> 0) + (lowSum > 0xffffffff ? 1 : 0);
    this.low = lowSum | 0;
    this.high = highSum | 0;
    return highSum > 0xffffffff;
  }
}

/**
 * Rounds a nonzero result, bit 63 of `high` set, to the format and raises what it takes.
 * @param exponent any integer.
 * @param extra the 32 bits after `low`, the last of them sticky.
 * @returns the number; in the formats that do not wrap it is meaningless after an unmasked overflow
 * or underflow.
 */
export function round(
  context: Context,
  format: Format,
  sign: number,
  exponent: number,
  high: number,
  low: number,
  extra: number,
): Float80 {
  if (extra === 0 && format === EXTENDED && exponent >= 1 && exponent <= 0x7ffe) {
    context.roundedUp = false;
    return new Float80(sign, exponent, high, low);
  }
  if (exponent < format.least) return roundTiny(context, format, sign, exponent, high, low, extra);
  const wide = new WideSignificand(high, low, extra);
  const inexact = roundSignificand(context, format.precision, sign, wide);
  if (context.roundedUp && wide.high === 0 && wide.low === 0) {
    wide.high = INTEGER_BIT;
    exponent += 1;
  }
  if (exponent > format.greatest) return overflow(context, format, sign, exponent, wide, inexact);
  if (inexact) context.raise(STATUS.PE);
  return new Float80(sign, exponent, wide.high, wide.low);
}

/**
 * Cuts `wide` down to `precision` bits and sets context.roundedUp; the increment may wrap to zero.
 * Returns whether the result is inexact; `wide.extra` is not kept.
 */
function roundSignificand(
  context: Context,
  precision: 24 | 53 | 64,
  sign: number,
  wide: WideSignificand,
): boolean {
  let rest: number;
  let unit = 1;
  if (precision === 64) {
    rest = wide.extra;
  } else if (precision === 53) {
    unit = 0x800;
    const lost = (wide.extra & 0x7ff) !== 0;
    rest = (wide.low << 21) | (wide.extra >>> 11) | (lost ? 1 : 0);
    wide.low &= ~0x7ff;
  } else {
    unit = 0x100;
    const lost = ((wide.low & 0xff) | wide.extra) !== 0;
    rest = (wide.high << 24) | (wide.low >>> 8) | (lost ? 1 : 0);
    wide.high &= ~0xff;
    wide.low = 0;
  }
  const last = precision === 24 ? wide.high : wide.low;
  context.roundedUp = context.increments(sign, rest, (last & unit) !== 0);
  if (context.roundedUp) wide.add(precision === 24 ? unit : 0, precision === 24 ? 0 : unit);
  return rest !== 0;
}

function overflow(
  context: Context,
  format: Format,
  sign: number,
  exponent: number,
  wide: WideSignificand,
  inexact: boolean,
): Float80 {
  context.raise(STATUS.OE);
  if (context.unmasked(STATUS.OE)) {
    if (inexact) context.raise(STATUS.PE);
    return new Float80(sign, exponent - EXPONENT_WRAP, wide.high, wide.low);
  }
  context.raise(STATUS.PE);
  const direction = context.direction;
  const toInfinity =
    direction === ROUND.NEAREST || direction === (sign !== 0 ? ROUND.DOWN : ROUND.UP);
  context.roundedUp = toInfinity;
  if (toInfinity) return new Float80(sign, EXPONENT_MAX, INTEGER_BIT, 0);
  switch (format.precision) {
    case 24:
      return new Float80(sign, format.greatest, 0xffffff00 | 0, 0);
    case 53:
      return new Float80(sign, format.greatest, -1, 0xfffff800 | 0);
    case 64:
      return new Float80(sign, format.greatest, -1, -1);
  }
}

/**
 * A result below the smallest normal number. Tininess is found after rounding (4.9.1.5): it is not
 * tiny if it would round up to the smallest normal number were the exponent unbounded.
 */
function roundTiny(
  context: Context,
  format: Format,
  sign: number,
  exponent: number,
  high: number,
  low: number,
  extra: number,
): Float80 {
  const wide = new WideSignificand(high, low, extra);
  const inexact = roundSignificand(context, format.precision, sign, wide);
  const carried = context.roundedUp && wide.high === 0 && wide.low === 0;
  const tiny = !(carried && exponent === format.least - 1);
  if (tiny && context.unmasked(STATUS.UE)) {
    context.raise(STATUS.UE | (inexact ? STATUS.PE : 0));
    if (carried) return new Float80(sign, exponent + 1 + EXPONENT_WRAP, INTEGER_BIT, 0);
    return new Float80(sign, exponent + EXPONENT_WRAP, wide.high, wide.low);
  }
  wide.high = high;
  wide.low = low;
  wide.extra = extra;
  wide.shiftRight(format.least - exponent);
  if (roundSignificand(context, format.precision, sign, wide)) {
    context.raise(STATUS.PE | (tiny ? STATUS.UE : 0));
  }
  // rounding may have reached the smallest normal number; in the register format the field of a
  // denormal is 0, the memory formats keep `least` and are packed by their integer bit
  const denormal = format.least === 1 && wide.high >= 0;
  return new Float80(sign, denormal ? 0 : format.least, wide.high, wide.low);
}
