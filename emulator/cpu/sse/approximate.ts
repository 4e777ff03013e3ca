/**
 * RCPPS and RSQRTPS (SDM vol. 2): approximations within 1.5 * 2^-12 that raise no exception and do not
 * look at MXCSR; denormals count as zeros, and a result below the normal numbers is zero.
 *
 * The bits are those of Intel's processors: the first 11 bits of the significand (10 for the root) say
 * which interval the operand is in, and the answer is the function of its middle, rounded to 2^-13.
 */
import { LEAST_SINGLE, indefiniteSingle, nanOfSingles, type LaneOperation } from './lanes.ts';

/** Rounds to a multiple of 2^-13, halves up. */
function toTable(x: number): number {
  return Math.floor(x * 8192 + 0.5) / 8192;
}

/** Of a normal number. `exponent` is its exponent, `fraction` its 23 bits. */
type Approximation = (exponent: number, fraction: number) => number;

const reciprocal: Approximation = (exponent, fraction) => {
  const middle = 1 + ((fraction >> 12) + 0.5) / 2048;
  const result = toTable(1 / middle) * 2 ** -exponent;
  return result < LEAST_SINGLE ? 0 : result;
};

const reciprocalRoot: Approximation = (exponent, fraction) => {
  const middle = 1 + ((fraction >> 13) + 0.5) / 1024;
  return toTable(1 / Math.sqrt((exponent & 1) === 0 ? middle : 2 * middle)) * 2 ** -(exponent >> 1);
};

/** @param root negative numbers have no answer. */
function approximation(approximate: Approximation, root: boolean): LaneOperation {
  return (lanes, _mxcsr, _, b, out) => {
    const bits = lanes.i32[b >> 2];
    const magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      nanOfSingles(lanes, b, b, out);
    } else if (magnitude < 0x00800000) {
      lanes.f32[out >> 2] = bits < 0 ? -Infinity : Infinity;
    } else if (root && bits < 0) {
      indefiniteSingle(lanes, out);
    } else {
      const infinite = magnitude === 0x7f800000;
      const result = infinite ? 0 : approximate((magnitude >> 23) - 127, magnitude & 0x7fffff);
      lanes.f32[out >> 2] = bits < 0 ? -result : result;
    }
    return 0;
  };
}

export const approximateReciprocal = approximation(reciprocal, false);
export const approximateReciprocalRoot = approximation(reciprocalRoot, true);
