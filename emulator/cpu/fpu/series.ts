/**
 * The elementary functions behind the transcendental instructions, to more than 110 good bits, so that
 * rounding them gives the correctly rounded result but for odds of about 2^-50. Numbers are BigInts in
 * fixed point with FRACTION bits after the point, or a BigInt with an exponent where the result's
 * relative precision counts. Nothing here knows of NaNs, infinities, zeros or exceptions.
 */

/** significand * 2^exponent; `significand` is positive. */
export interface Big {
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

/** Bits after the point of a fixed-point number. */
const FRACTION = 128n;
const ONE = 1n << FRACTION;
/** Bits after the point in the constants below and in logarithms. */
const LONG = 192n;
const PI = 0x3243f6a8885a308d313198a2e03707344a4093822299f31d0n;
const LN2 = 0xb17217f7d1cf79abc9e3b39803f2f6af40f343267298b62en;
const LOG2_E = 0x171547652b82fe1777d0ffda0d23a7d11d6aef551bad2b4b1n;

/**
 * What processors take for pi when they reduce an argument (SDM vol. 1, 8.3.8): 66 bits of it, here
 * with PI_66_FRACTION bits after the point.
 */
const PI_66 = 0xc90fdaa22168c234cn;
const PI_66_FRACTION = 66;

/** x * 2^count; bits below the point are cut off. */
function scaled(x: bigint, count: number): bigint {
  return count >= 0 ? x << BigInt(count) : x >> BigInt(-count);
}
/** A big number in fixed point, cut off; below the last bit it is 0. */
function toFixed({ significand, exponent }: Big): bigint {
  return scaled(significand, exponent + Number(FRACTION));
}
export function bitLength(x: bigint): number {
  return x.toString(2).length;
}
function times(x: bigint, y: bigint): bigint {
  return (x * y) >> FRACTION;
}

/** Sum of (-t)^k / (2k + first)!, the series of cosine (first = 0) and of sine over r (1). */
function alternatingFactorialSeries(t: bigint, first: number): bigint {
  let term = ONE;
  let sum = ONE;
  for (let k = first + 1; ; k += 2) {
    term = -times(term, t) / BigInt(k * (k + 1));
    if (term === 0n) return sum;
    sum += term;
  }
}
/** Sum of t^k / (2k + 1): atanh(s) / s with t = s². */
function atanhSeries(t: bigint): bigint {
  let power = ONE;
  let sum = ONE;
  for (let k = 3n; ; k += 2n) {
    power = times(power, t);
    const term = power / k;
    if (term === 0n) return sum;
    sum += term;
  }
}
/** Sum of (-t)^k / (2k + 1): atan(u) / u with t = u². */
function atanSeries(t: bigint): bigint {
  let power = ONE;
  let sum = ONE;
  for (let k = 3n; ; k += 2n) {
    power = -times(power, t);
    const term = power / k;
    if (term === 0n) return sum;
    sum += term;
  }
}

/** 2^x - 1 for 0 < |x| <= 1. */
export function exp2Minus1(x: Big): Big {
  const magnitude = x.significand * LN2;
  const exponent = x.exponent - Number(LONG);
  const fixed = toFixed({ negative: false, significand: magnitude, exponent });
  const z = x.negative ? -fixed : fixed;
  let term = ONE;
  let sum = ONE;
  for (let k = 2n; ; k++) {
    term = times(term, z) / k;
    if (term === 0n) break;
    sum += term;
    // a negative term is cut off towards minus infinity and would never reach 0
    if (term === -1n) break;
  }
  const result = magnitude * sum;
  return { negative: x.negative, significand: result, exponent: exponent - Number(FRACTION) };
}

/** 2 atanh(s) / ln 2, where s = numerator / denominator is given to FRACTION bits or more. */
function log2FromRatio(negative: boolean, numerator: bigint, denominator: bigint): Big {
  // as many bits as make the quotient good to FRACTION bits at least
  const shift = bitLength(denominator) - bitLength(numerator) + 130;
  const s = (numerator << BigInt(shift)) / denominator;
  const fixed = scaled(s, Number(FRACTION) - shift);
  const sum = atanhSeries(times(fixed, fixed));
  return {
    negative,
    significand: s * sum * LOG2_E,
    exponent: 1 - shift - Number(FRACTION) - Number(LONG),
  };
}

/** log2(x) for x > 0, x != 1. Exact, with exponent 0, for a power of two. */
export function log2({ significand, exponent }: Big): Big {
  // x = m * 2^e with m in [1, 2), then in [sqrt(1/2), sqrt(2))
  const top = bitLength(significand) - 1;
  let one = 1n << BigInt(top);
  let e = exponent + top;
  if (significand === one)
    return { negative: e < 0, significand: BigInt(Math.abs(e)), exponent: 0 };
  if (significand * significand > one << BigInt(top + 1)) {
    e += 1;
    one <<= 1n;
  }
  const difference = significand - one;
  const magnitude = difference < 0n ? -difference : difference;
  const fraction = log2FromRatio(difference < 0n, magnitude, significand + one);
  if (e === 0) return fraction;
  const fixed = scaled(fraction.significand, fraction.exponent + Number(LONG));
  const sum = (BigInt(e) << LONG) + (fraction.negative ? -fixed : fixed);
  return { negative: sum < 0n, significand: sum < 0n ? -sum : sum, exponent: -Number(LONG) };
}

/** log2(1 + x) for x > -1, x != 0. */
export function log2Plus1({ negative, significand, exponent }: Big): Big {
  if (exponent + bitLength(significand) > -2) {
    // 1/4 or more: 1 + x needs no care
    const shift = Math.max(0, -exponent);
    const one = 1n << BigInt(shift);
    const magnitude = scaled(significand, exponent + shift);
    return log2({
      negative: false,
      significand: negative ? one - magnitude : one + magnitude,
      exponent: -shift,
    });
  }
  // atanh's argument is x / (2 + x); where x is nothing beside 2, any smaller one is as good
  const small = Math.max(exponent, -400);
  const two = 1n << BigInt(1 - small);
  const result = log2FromRatio(
    negative,
    significand,
    negative ? two - significand : two + significand,
  );
  return { ...result, exponent: result.exponent + exponent - small };
}

/** The product; its exponent is the sum of theirs. */
export function product(a: Big, b: Big): Big {
  return {
    negative: a.negative !== b.negative,
    significand: a.significand * b.significand,
    exponent: a.exponent + b.exponent,
  };
}

/** atan(i / 8), FRACTION bits after the point, made by argument halving and the Taylor series. */
// prettier-ignore
const ATAN_EIGHTHS = [
  0x00000000000000000000000000000000n, 0x1fd5ba9aac2f6dc65912f313e7d111dfn,
  0x3eb6ebf25901bac55b71e7bd7de885f9n, 0x5bd86507937bc239c55190916e7f2242n,
  0x76b19c1586ed3da2b7f222f65e1d4682n, 0x8f005d5ef7f59f9b5c835e1665c43748n,
  0xa4bc7d1934f7092419a87f2a457dac9fn, 0xb8053e2bc2319e73cb2da55210a4443dn,
  0xc90fdaa22168c234c4c6628b80dc1cd1n,
] as const;

/** The angle of the point (|x|, |y|), in 0 to pi/2, both not zero. */
function firstQuadrantAngle(y: Big, x: Big): Big {
  const steep =
    y.exponent > x.exponent || (y.exponent === x.exponent && y.significand > x.significand);
  const [small, large] = steep ? [x, y] : [y, x];
  const t: Big = {
    negative: false,
    significand: (small.significand << 130n) / large.significand,
    exponent: small.exponent - large.exponent - 130,
  };
  const fixed = toFixed(t);
  const nearest = Number((fixed + (ONE >> 4n)) >> (FRACTION - 3n));
  if (nearest === 0 && !steep) {
    const sum = atanSeries(times(fixed, fixed));
    return { ...t, significand: t.significand * sum, exponent: t.exponent - Number(FRACTION) };
  }
  // atan t = atan c + atan u, u = (t - c) / (1 + t c)
  const c = BigInt(nearest) << (FRACTION - 3n);
  const u = ((fixed - c) << FRACTION) / (ONE + times(fixed, c));
  const angle = ATAN_EIGHTHS[nearest] + times(u, atanSeries(times(u, u)));
  const significand = steep ? (PI >> (LONG - FRACTION + 1n)) - angle : angle;
  return { negative: false, significand, exponent: -Number(FRACTION) };
}

/** The angle of the point (x, y), in -pi to pi. Significands have 64 bits; neither is zero. */
export function atan2(y: Big, x: Big): Big {
  const angle = firstQuadrantAngle(y, x);
  if (!x.negative) return { ...angle, negative: y.negative };
  const shifted = scaled(angle.significand, angle.exponent + Number(LONG));
  return { negative: y.negative, significand: PI - shifted, exponent: -Number(LONG) };
}

/** pi * quarters / 4. */
export function piQuarters(negative: boolean, quarters: number): Big {
  return { negative, significand: PI * BigInt(quarters), exponent: -Number(LONG) - 2 };
}

export interface SineAndCosine {
  readonly sine: Big;
  readonly cosine: Big;
}

/** Sine and cosine of a nonzero angle below 2^63; cut off, they may seem exact where they are not. */
export function sineAndCosine(x: Big): SineAndCosine {
  const { quadrant, rest } = reduce(x);
  const fixed = toFixed(rest);
  const t = times(fixed, fixed);
  const sine: Big = {
    negative: rest.negative,
    significand: rest.significand * alternatingFactorialSeries(t, 1),
    exponent: rest.exponent - Number(FRACTION),
  };
  const cosine: Big = {
    negative: false,
    significand: alternatingFactorialSeries(t, 0),
    exponent: -Number(FRACTION),
  };
  switch (quadrant) {
    case 0:
      return { sine, cosine };
    case 1:
      return { sine: cosine, cosine: negated(sine) };
    case 2:
      return { sine: negated(sine), cosine: negated(cosine) };
    default:
      return { sine: negated(cosine), cosine: sine };
  }
}

function negated(x: Big): Big {
  return { ...x, negative: !x.negative };
}

/** x - quadrant * pi/2, exact for the pi that processors use; |rest| <= pi/4. */
function reduce(x: Big): { quadrant: number; rest: Big } {
  // below pi/4 nothing is subtracted
  if (x.exponent + 64 < 0) return { quadrant: 0, rest: x };
  const bits = Math.max(PI_66_FRACTION + 1, -x.exponent);
  const magnitude = scaled(x.significand, x.exponent + bits);
  const half = scaled(PI_66, bits - PI_66_FRACTION - 1);
  const count = (2n * magnitude + half) / (2n * half);
  const rest = magnitude - count * half;
  const quadrant = Number(count & 3n);
  return {
    quadrant: x.negative ? (4 - quadrant) & 3 : quadrant,
    rest: {
      negative: x.negative !== rest < 0n,
      significand: rest < 0n ? -rest : rest,
      exponent: -bits,
    },
  };
}

/** a / b to more than FRACTION bits. */
export function quotient(a: Big, b: Big): Big {
  const shift = bitLength(b.significand) + Number(FRACTION);
  return {
    negative: a.negative !== b.negative,
    significand: (a.significand << BigInt(shift)) / b.significand,
    exponent: a.exponent - b.exponent - shift,
  };
}
