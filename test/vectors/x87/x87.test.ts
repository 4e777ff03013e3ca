/**
 * The x87 unit against a real processor: every line of the vector files, replayed. Transcendental
 * instructions may differ by one ulp (SDM vol. 1, 8.3.10) and in C1, which tells their rounding.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { FIELD, fromLine, toLine } from './record.ts';
import { ENVIRONMENT, Replay } from './replay.ts';

const STATUS_C1 = 0x200;

function linesOf(family: string): string[] {
  const text = readFileSync(new URL(`${family}.txt`, import.meta.url), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** A register as an integer in which neighbouring numbers of one sign are one apart. */
function ordinal(record: Uint8Array, at: number): bigint {
  const view = new DataView(record.buffer, record.byteOffset + at, 10);
  const exponent = view.getUint16(8, true);
  const magnitude = (BigInt(Math.max(exponent & 0x7fff, 1)) << 63n) + view.getBigUint64(0, true);
  return exponent >= 0x8000 ? -magnitude : magnitude;
}

/** The record with the registers of `expected` where they are one ulp off, and its C1. */
function forgiven(actual: Uint8Array, expected: Uint8Array): Uint8Array {
  const result = actual.slice();
  for (const at of [FIELD.ST0_OUT, FIELD.OTHER_OUT, FIELD.ST7_OUT]) {
    const difference = ordinal(actual, at) - ordinal(expected, at);
    if (difference >= -1n && difference <= 1n) result.set(expected.subarray(at, at + 10), at);
  }
  const view = new DataView(result.buffer);
  const c1 = (expected[FIELD.STATUS_OUT + 1] ?? 0) & (STATUS_C1 >> 8);
  view.setUint8(FIELD.STATUS_OUT + 1, (view.getUint8(FIELD.STATUS_OUT + 1) & ~2) | c1);
  return result;
}

describe('x87 instructions do as a processor did', () => {
  const replay = new Replay();
  for (const family of ['arithmetic', 'compare', 'transfer', 'rest'] as const) {
    it(family, () => {
      for (const line of linesOf(family)) {
        assert.equal(toLine(replay.run(fromLine(line))), line, replay.mnemonic(fromLine(line)));
      }
    });
  }

  it('transcendental, within one ulp', () => {
    let identical = 0;
    const lines = linesOf('transcendental');
    for (const line of lines) {
      const expected = fromLine(line);
      const actual = replay.run(expected);
      if (toLine(actual) === line) identical += 1;
      assert.equal(toLine(forgiven(actual, expected)), line, replay.mnemonic(expected));
    }
    // most agree to the bit; far fewer would mean an error of method
    assert.ok(identical / lines.length > 0.8, `${identical} of ${lines.length} identical`);
  });

  it('environment', () => {
    for (const line of linesOf('environment')) {
      const record = Uint8Array.from(Buffer.from(line, 'hex'));
      assert.equal(record.length, ENVIRONMENT.LENGTH);
      assert.equal(Buffer.from(replay.runEnvironment(record)).toString('hex'), line);
    }
  });
});
