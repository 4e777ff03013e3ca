import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RunLimits } from './run-rules.ts';

const SECOND = 1e9;
const place = (time: number, retired: number, printed = 0) => ({ time, retired, printed });

describe('a guest that sleeps', () => {
  function quiet(): RunLimits {
    const limits = new RunLimits();
    limits.set({ quiet: 2 * SECOND, texts: [], keepOutput: false });
    return limits;
  }

  it('is stopped when its ticks have done little for long enough', () => {
    const limits = quiet();
    const stops = [];
    for (let tick = 0; tick <= 500; tick++)
      stops.push(limits.idle(place(tick * 4e6, tick * 10_000), (tick + 1) * 4e6));
    assert.deepEqual(stops.pop(), { kind: 'quiet', time: 2 * SECOND });
    assert.ok(stops.every((stop) => stop === null));
  });

  it('is not stopped while it computes or prints now and then', () => {
    const busy = quiet();
    const talking = quiet();
    for (let tick = 0; tick < 2000; tick++) {
      assert.equal(busy.idle(place(tick * 4e6, tick * 1e6), (tick + 1) * 4e6), null);
      const printed = Math.floor(tick / 400);
      assert.equal(talking.idle(place(tick * 4e6, tick * 1000, printed), tick * 4e6 + 1), null);
    }
  });

  it('is stopped at once when nothing of its own wakes it, and never without the rule', () => {
    assert.deepEqual(quiet().idle(place(5, 5), Infinity), { kind: 'quiet', time: null });
    assert.equal(new RunLimits().idle(place(5, 5), Infinity), null);
  });

  it('begins to sleep anew when it was disturbed', () => {
    const limits = quiet();
    assert.equal(limits.idle(place(0, 0), 1), null);
    limits.disturbed();
    assert.equal(limits.idle(place(2 * SECOND, 0), 3 * SECOND), null);
    assert.notEqual(limits.idle(place(4 * SECOND, 0), 5 * SECOND), null);
  });
});

describe('a limit of instructions', () => {
  it('leaves what is left up to it', () => {
    const limits = new RunLimits();
    assert.equal(
      limits.within(1000, () => assert.fail('not asked')),
      1000,
    );
    limits.set({ position: 1500, texts: [], keepOutput: false });
    assert.deepEqual(
      [0, 900, 1500, 1600].map((at) => limits.within(1000, () => at)),
      [1000, 600, 0, 0],
    );
    assert.deepEqual(limits.atLimit, { kind: 'limit', position: 1500 });
  });
});
