import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pacer } from './pacing.ts';
import { SliceBudget } from './slice-budget.ts';

describe('pacing of an idle guest', () => {
  it('waits as long in real time as the guest does in virtual time', () => {
    assert.equal(new Pacer().delay(1000, 0, 4e6), 4);
  });

  it('makes up for timers that fire late, so that many short waits keep the average', () => {
    const pacer = new Pacer();
    let now = 0;
    let virtual = 0;
    for (let tick = 0; tick < 250; tick++) {
      const delay = pacer.delay(now, virtual, virtual + 4e6);
      now += delay + 1.3; // this much too late, each time
      virtual += 4e6;
    }
    assert.ok(Math.abs(now - 1000) < 10, `250 ticks of 4 ms took ${now} ms`);
  });

  it('does not hurry after a long stop in the debugger', () => {
    const pacer = new Pacer();
    pacer.delay(0, 0, 4e6);
    assert.equal(pacer.delay(60_000, 4e6, 8e6), 4);
  });

  it('never gives a negative delay', () => {
    const pacer = new Pacer();
    pacer.delay(0, 0, 4e6);
    assert.equal(pacer.delay(30, 4e6, 5e6), 0);
  });
});

describe('budget of a slice', () => {
  it('settles where a piece takes a tenth of a slice', () => {
    const budget = new SliceBudget();
    const perMillisecond = 150_000;
    for (let piece = 0; piece < 20; piece++)
      budget.learn(budget.instructions, budget.instructions / perMillisecond);
    assert.ok(Math.abs(budget.instructions / perMillisecond - 0.4) < 0.01);
  });

  it('follows a guest that becomes a hundred times slower within a few pieces', () => {
    const budget = new SliceBudget();
    for (let piece = 0; piece < 20; piece++)
      budget.learn(budget.instructions, budget.instructions / 150_000);
    let spent = 0;
    for (let piece = 0; piece < 4; piece++) {
      spent += budget.instructions / 1_500;
      budget.learn(budget.instructions, budget.instructions / 1_500);
    }
    assert.ok(spent < 60, `${spent} ms`);
    assert.ok(budget.instructions / 1_500 < 1);
  });

  it('stays within bounds whatever the clock says', () => {
    const budget = new SliceBudget();
    for (let piece = 0; piece < 50; piece++) budget.learn(budget.instructions, 0);
    assert.equal(budget.instructions, 2_000_000);
    for (let piece = 0; piece < 50; piece++) budget.learn(budget.instructions, 1e6);
    assert.equal(budget.instructions, 1_000);
  });
});
