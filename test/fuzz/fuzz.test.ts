/**
 * A bounded run of the fuzzer: random code in every mode neither crashes nor hangs the host, blocks and
 * single steps agree on every state, the rules of observe.ts hold, and the same seed is the same run.
 * Longer runs: main.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelWithMost } from '../vectors/forms/models.ts';
import { Fuzzer } from './fuzz.ts';

const STREAMS = 12;
const MODES = ['real', 'big real', 'protected 16', 'protected 32', 'v86'];

test('random code in all modes: blocks and single steps go through the same states', () => {
  const fuzzer = new Fuzzer(modelWithMost());
  const starts = new Set<string>();
  let instructions = 0;
  for (let seed = 1; seed <= STREAMS; seed++) {
    const stream = fuzzer.run(seed);
    instructions += stream.instructions;
    for (const start of stream.starts.keys()) starts.add(start);
  }
  assert.ok(instructions > 50_000, `${instructions} instructions`);
  for (const mode of MODES) {
    assert.ok([...starts].some((start) => start.startsWith(mode)), `no stream began in mode ${mode}`); // prettier-ignore
  }
});

test('the same seed gives the same run', () => {
  const [first, second] = [1, 2].map(() => new Fuzzer(modelWithMost()).run(77));
  assert.equal(first?.digest, second?.digest);
  assert.equal(first?.instructions, second?.instructions);
  assert.notEqual(first?.digest, new Fuzzer(modelWithMost()).run(78).digest);
});

test('every processor model survives', () => {
  for (const [n, model] of ['486', 'pentium'].entries()) {
    assert.ok(new Fuzzer(model).run(900 + n).instructions > 0);
  }
});
