/** Work in slices, on a clock that each step moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Scheduler } from './scheduler.ts';
import { inSlices } from './slices.ts';

/** A scheduler whose time is set, and how often it was yielded to. */
function clock(): { time: number; yields: number; readonly scheduler: Scheduler } {
  const state = { time: 0, yields: 0 };
  const scheduler: Scheduler = {
    now: () => state.time,
    after: () => () => undefined,
    yield: (callback) => {
      state.yields++;
      queueMicrotask(callback);
    },
  };
  return Object.assign(state, { scheduler });
}

function* work(state: { time: number }): Generator<number, string, undefined> {
  for (let step = 1; step <= 100; step++) {
    state.time++;
    yield step;
  }
  return 'done';
}

test('work is interrupted every few milliseconds, and done to its end', async () => {
  const state = clock();
  assert.equal(await inSlices(state.scheduler, work(state)), 'done');
  assert.equal(state.yields, 25);
});

test('work that is wanted no more ends at a slice', async () => {
  const state = clock();
  const seen: number[] = [];
  const result = await inSlices(state.scheduler, work(state), (step) => {
    seen.push(step);
    return step < 10;
  });
  assert.equal(result, null);
  assert.deepEqual(seen, [4, 8, 12]);
});
