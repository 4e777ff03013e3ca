/** Expected values: IEEE 754 and the 80-bit encodings of SDM vol. 1, table 4-3 and table 8-3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Float80 } from '../cpu/fpu/float80.ts';
import { float80Of, float80Text } from './float80-text.ts';

const HIGH = 0x80000000 | 0;

// prettier-ignore
const TEXTS: readonly (readonly [sign: number, exponent: number, high: number, low: number, text: string])[] = [
  [0, 0x3fff, HIGH,            0,          '1'],
  [1, 0x4000, 0xc0000000 | 0,  0,          '-3'],
  [0, 0x3ffd, 0xaaaaaaaa | 0,  0xaaaaaaab, '0.3333333333333333'],
  [0, 0x4000, 0xc90fdaa2 | 0,  0x2168c235, '3.141592653589793'],
  [0, 0,      0,               0,          '0'],
  [1, 0,      0,               0,          '-0'],
  [0, 0x7fff, HIGH,            0,          'infinity'],
  [1, 0x7fff, HIGH,            0,          '-infinity'],
  [1, 0x7fff, 0xc0000000 | 0,  0,          '-quiet NaN'],
  [0, 0x7fff, 0xa0000000 | 0,  0,          'signalling NaN'],
  [0, 0x3fff, 0x40000000,      0,          'unsupported'],
  [0, 0x7ffe, HIGH,            0,          '1 * 2^16383'],
  [0, 1,      HIGH,            0,          '1 * 2^-16382'],
  [0, 0,      0x40000000,      0,          '0.5 * 2^-16382'],
];

for (const [sign, exponent, high, low, text] of TEXTS) {
  test(`an 80-bit register as text: ${text}`, () => {
    assert.equal(float80Text(new Float80(sign, exponent, high, low)), text);
  });
}

test('every double is taken as it is', () => {
  for (const value of [0, -0, 1, -1.5, 1e-310, 2 ** -1074, Number.MAX_VALUE, Infinity, -Infinity]) {
    const { sign, exponent, high, low } = float80Of(value);
    const magnitude = ((high >>> 0) * 2 ** 32 + (low >>> 0)) / 2 ** 63;
    assert.equal(sign === 1, Object.is(value, -0) || value < 0);
    if (Number.isFinite(value)) {
      const scale = exponent - 0x3fff;
      const half = Math.trunc(scale / 2);
      assert.equal(magnitude * 2 ** half * 2 ** (scale - half), Math.abs(value));
    } else assert.equal(exponent, 0x7fff);
  }
  assert.equal(float80Text(float80Of(NaN)), 'quiet NaN');
});
