/**
 * An 80-bit register as a person reads and writes it (SDM vol. 1, 4.2.2 "Double extended-precision"): the
 * nearest double, which shows 15 to 17 digits; exact arithmetic is cpu/fpu's affair.
 */
import { fromDouble } from '../cpu/fpu/formats.ts';
import { EXPONENT_BIAS, type Float80, KIND, kindOf } from '../cpu/fpu/float80.ts';
import { Context } from '../cpu/fpu/rounding.ts';

/** FNINIT's control word: all exceptions masked, 64 bits of precision. */
const MASKED = 0x37f;

export function float80Text(x: Float80): string {
  const sign = x.sign === 1 ? '-' : '';
  switch (kindOf(x)) {
    case KIND.ZERO:
      return `${sign}0`;
    case KIND.INFINITY:
      return `${sign}infinity`;
    case KIND.QUIET:
      return `${sign}quiet NaN`;
    case KIND.SIGNALLING:
      return `${sign}signalling NaN`;
    case KIND.UNSUPPORTED:
      return 'unsupported';
    case KIND.NORMAL:
    case KIND.DENORMAL:
      return sign + magnitudeText(x);
  }
}

function magnitudeText({ exponent, high, low }: Float80): string {
  const significand = ((high >>> 0) * 2 ** 32 + (low >>> 0)) / 2 ** 63;
  // a denormal has the exponent of the smallest normal number
  const scale = Math.max(exponent, 1) - EXPONENT_BIAS;
  // in two steps, since the range is larger than a double's
  const half = Math.trunc(scale / 2);
  const value = significand * 2 ** half * 2 ** (scale - half);
  const isExact = Number.isFinite(value) && value >= Number.MIN_VALUE * 2 ** 52;
  return isExact ? String(value) : `${String(significand)} * 2^${String(scale)}`;
}

/** The same number; every double has one. */
export function float80Of(value: number): Float80 {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return fromDouble(new Context(MASKED), view.getInt32(4), view.getInt32(0));
}
