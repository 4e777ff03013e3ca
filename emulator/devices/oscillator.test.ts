/** Expected values by BigInt arithmetic. Run: node --import tsx --test emulator/devices/oscillator.test.ts */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Oscillator } from './oscillator.ts';

const NS = 10n ** 9n;

test('ticks and times are exact for days', () => {
  for (const hertz of [32_768, 1_193_182, 3_579_545]) {
    const crystal = new Oscillator(hertz);
    for (const ns of [0, 1, 838, 839, 999_999_999, 1e9, 86_400e9 + 12_345, 4e14 + 7]) {
      const ticks = Number((BigInt(ns) * BigInt(hertz)) / NS);
      assert.equal(crystal.ticksAt(ns), ticks, `${hertz} Hz at ${ns}`);
      const time = Number((BigInt(ticks) * NS + BigInt(hertz) - 1n) / BigInt(hertz));
      assert.equal(crystal.timeOfTick(ticks), time);
      assert.equal(crystal.ticksAt(time), ticks);
      if (time > 0) assert.equal(crystal.ticksAt(time - 1), ticks - 1);
    }
  }
});

test('never stays never', () => {
  assert.equal(new Oscillator(32_768).timeOfTick(Infinity), Infinity);
});
