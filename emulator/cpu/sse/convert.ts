/**
 * Conversions of one lane between single, double and doubleword integer (SDM vol. 1, 4.9.1.6, 11.4.1.6
 * and table E-1; vol. 2, CVTPS2PD and its kin). Their LaneOperations convert `b`; `a` is not looked at.
 */
import {
  LEAST_DOUBLE,
  LEAST_SINGLE,
  counted,
  denormalFlag,
  isSignallingDouble,
  isSignallingSingle,
  type LaneOperation,
  type Lanes,
} from './lanes.ts';
import { FLAG, ROUND, roundingOf } from './mxcsr.ts';
import { roundToSingle } from './rounding.ts';

const INTEGER_INDEFINITE = 0x80000000 | 0;

/** Rounds to an integer; a number of magnitude 2^52 or more is one. */
function toIntegral(x: number, rounding: number): number {
  switch (rounding) {
    case ROUND.DOWN:
      return Math.floor(x);
    case ROUND.UP:
      return Math.ceil(x);
    case ROUND.ZERO:
      return Math.trunc(x);
    default: {
      const below = Math.floor(x);
      const rest = x - below;
      if (rest !== 0.5) return rest > 0.5 ? below + 1 : below;
      return below % 2 === 0 ? below : below + 1;
    }
  }
}

function deliverInteger(lanes: Lanes, x: number, rounding: number, out: number): number {
  const integer = toIntegral(x, rounding);
  if (!(integer >= -0x80000000 && integer <= 0x7fffffff)) {
    lanes.i32[out >> 2] = INTEGER_INDEFINITE;
    return FLAG.IE;
  }
  lanes.i32[out >> 2] = integer;
  return integer === x ? 0 : FLAG.PE;
}

export const singleToInteger: LaneOperation = (lanes, mxcsr, _, b, out) =>
  deliverInteger(lanes, counted(mxcsr, lanes.f32[b >> 2], LEAST_SINGLE), roundingOf(mxcsr), out);

export const singleToIntegerTruncated: LaneOperation = (lanes, mxcsr, _, b, out) =>
  deliverInteger(lanes, counted(mxcsr, lanes.f32[b >> 2], LEAST_SINGLE), ROUND.ZERO, out);

export const doubleToInteger: LaneOperation = (lanes, mxcsr, _, b, out) =>
  deliverInteger(lanes, counted(mxcsr, lanes.f64[b >> 3], LEAST_DOUBLE), roundingOf(mxcsr), out);

export const doubleToIntegerTruncated: LaneOperation = (lanes, mxcsr, _, b, out) =>
  deliverInteger(lanes, counted(mxcsr, lanes.f64[b >> 3], LEAST_DOUBLE), ROUND.ZERO, out);

export const integerToSingle: LaneOperation = (lanes, mxcsr, _, b, out) =>
  roundToSingle(lanes, mxcsr, lanes.i32[b >> 2], out);

export const integerToDouble: LaneOperation = (lanes, _mxcsr, _, b, out) => {
  lanes.f64[out >> 3] = lanes.i32[b >> 2];
  return 0;
};

/** A NaN keeps its sign and the upper bits of its fraction. */
export const singleToDouble: LaneOperation = (lanes, mxcsr, _, b, out) => {
  const x = counted(mxcsr, lanes.f32[b >> 2], LEAST_SINGLE);
  if (!Number.isNaN(x)) {
    lanes.f64[out >> 3] = x;
    return denormalFlag(x, 0, LEAST_SINGLE);
  }
  const flags = isSignallingSingle(lanes, b) ? FLAG.IE : 0;
  const bits = lanes.i32[b >> 2];
  const fraction = bits & 0x7fffff;
  lanes.i32[out >> 2] = fraction << 29;
  lanes.i32[(out >> 2) + 1] = (bits & 0x80000000) | 0x7ff80000 | (fraction >>> 3);
  return flags;
};

export const doubleToSingle: LaneOperation = (lanes, mxcsr, _, b, out) => {
  const x = counted(mxcsr, lanes.f64[b >> 3], LEAST_DOUBLE);
  if (!Number.isNaN(x)) {
    return denormalFlag(x, 0, LEAST_DOUBLE) | roundToSingle(lanes, mxcsr, x, out);
  }
  const flags = isSignallingDouble(lanes, b) ? FLAG.IE : 0;
  const low = lanes.i32[b >> 2];
  const high = lanes.i32[(b >> 2) + 1];
  const fraction = ((high & 0xfffff) << 3) | (low >>> 29);
  lanes.i32[out >> 2] = (high & 0x80000000) | 0x7fc00000 | fraction;
  return flags;
};
