/** A sample of what `npm run fuzz:dap` does at length. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzzSessions } from './fuzz-sessions.ts';

it('answers every one of thousands of random messages exactly once', async () => {
  const { messages, problems } = await fuzzSessions(3000, 1);
  assert.deepEqual(problems, []);
  assert.ok(messages >= 3000);
});
