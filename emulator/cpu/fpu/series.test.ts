/** The elementary functions by identities between series that share nothing but the arithmetic. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  atan2,
  exp2Minus1,
  log2,
  log2Plus1,
  piQuarters,
  quotient,
  sineAndCosine,
} from './series.ts';
import type { Big } from './series.ts';

/** x as significand of 64 bits and exponent. */
function big(x: number): Big {
  let significand = BigInt(Math.round(Math.abs(x) * 2 ** 53));
  let exponent = -53;
  while (significand < 1n << 63n) {
    significand <<= 1n;
    exponent -= 1;
  }
  return { negative: x < 0, significand, exponent };
}
/** In units of 2^-200. */
function fixed({ negative, significand, exponent }: Big): bigint {
  const shift = BigInt(exponent + 200);
  const magnitude = shift >= 0n ? significand << shift : significand >> -shift;
  return negative ? -magnitude : magnitude;
}
/** Fails unless a and b agree to 2^-bits. */
function agree(a: bigint, b: bigint, bits: number, what: string): void {
  const difference = a > b ? a - b : b - a;
  assert.ok(difference < 1n << BigInt(200 - bits), `${what}: ${Number(difference) / 2 ** 200}`);
}
/** The first 64 bits, as an argument. */
function cut({ negative, significand, exponent }: Big): { head: Big; rest: bigint; scale: number } {
  const shift = significand.toString(2).length - 64;
  const head = significand >> BigInt(shift);
  const rest = significand - (head << BigInt(shift));
  return {
    head: { negative, significand: head, exponent: exponent + shift },
    rest,
    scale: exponent,
  };
}

const SAMPLES = [0.03, 0.0625, 0.11, 0.25, 0.37, 0.5, 0.62, 0.7, 0.83, 0.9999] as const;

describe('series', () => {
  it('tangent of the arc tangent is the ratio', () => {
    for (const t of SAMPLES) {
      // tan(head + rest) = t, where tan(head + rest) = tan(head) + rest (1 + t²) but for rest²
      const angle = cut(atan2(big(t), big(1)));
      const { sine, cosine } = sineAndCosine(angle.head);
      const rest = fixed({ negative: false, significand: angle.rest, exponent: angle.scale });
      const slope = (rest * BigInt(Math.round((1 + t * t) * 2 ** 40))) >> 40n;
      agree(fixed(quotient(sine, cosine)) + slope, fixed(big(t)), 100, `atan ${t}`);
    }
  });

  it('sine² + cosine² is 1', () => {
    for (const x of [...SAMPLES, 1.5, 3.1, 100.25]) {
      const { sine, cosine } = sineAndCosine(big(x));
      const sum = fixed(sine) ** 2n + fixed(cosine) ** 2n;
      agree(sum >> 200n, 1n << 200n, 110, `angle ${x}`);
    }
  });

  it('the eighth root of 2 is a root of 2', () => {
    const root = fixed(exp2Minus1(big(1 / 8))) + (1n << 200n);
    let power = root;
    for (let i = 0; i < 3; i++) power = (power * power) >> 200n;
    agree(power, 2n << 200n, 110, '2^(1/8)^8');
  });

  it('2^-x is 1 / 2^x', () => {
    for (const x of SAMPLES) {
      const up = fixed(exp2Minus1(big(x))) + (1n << 200n);
      const down = fixed(exp2Minus1(big(-x))) + (1n << 200n);
      agree((up * down) >> 200n, 1n << 200n, 110, `2^${x}`);
    }
  });

  it('logarithms add up, and log2(1 + x) is the same function', () => {
    const [three, five, fifteen] = [3, 5, 15].map((x) => fixed(log2(big(x)))) as [
      bigint,
      bigint,
      bigint,
    ];
    agree(three + five, fifteen, 110, 'log2 15');
    agree(fixed(log2Plus1(big(0.125))), fixed(log2(big(1.125))), 110, 'log2 1.125');
    agree(fixed(log2Plus1(big(-0.125))), fixed(log2(big(0.875))), 110, 'log2 0.875');
  });

  it('2^log2(x) is x', () => {
    const { head, rest, scale } = cut(log2(big(1.25)));
    const power = fixed(exp2Minus1(head)) + (1n << 200n);
    // 2^(head + rest) = 2^head (1 + rest ln 2)
    const ln2 = BigInt(Math.round(Math.LN2 * 2 ** 50));
    const slope =
      (fixed({ negative: false, significand: rest, exponent: scale }) * ln2 * 5n) >> 52n;
    agree(power + slope, 5n << 198n, 100, '2^log2 1.25');
  });

  it('pi is 4 (4 atan 1/5 - atan 1/239)', () => {
    const fifth = fixed(atan2(big(1), big(5)));
    const other = fixed(atan2(big(1), big(239)));
    agree(4n * (4n * fifth - other), fixed(piQuarters(false, 4)), 110, 'Machin');
  });
});
