/**
 * Restarting frames of a C guest (test/guests/stacks), compiled with and without optimization, with
 * parameters on the stack and in registers: a frame two levels further out than the processor begins again,
 * and computes what it has computed before; what stacks.c computes is written down here in JavaScript.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { TestClient } from '../../debug-adapter/testing/test-client.ts';
import { stacksSession } from '../guests/stacks/stacks-session.ts';
import { VARIANT_NAMES } from '../guests/stacks/variants.ts';

const THREAD = { threadId: 1 };

const leaf = (x: number, y: number): number => x * 31 + y;
const middle = (a: number, b: number, c: number, d: number): number => leaf(a + c, b) ^ (a + b * 2 + c * 3 + d); // prettier-ignore
const OUTER = (middle(12, 5, 7, 5) ^ 12) * 5;

async function stack(client: TestClient): Promise<readonly DebugProtocol.StackFrame[]> {
  return (await client.ask('stackTrace', THREAD))['stackFrames'] as DebugProtocol.StackFrame[];
}
const names = (frames: readonly DebugProtocol.StackFrame[]): readonly string[] => frames.map(({ name }) => name.replace(/[+ ].*/, '')); // prettier-ignore

async function goOn(client: TestClient): Promise<readonly string[]> {
  await client.ask('continue', THREAD);
  await client.event('stopped');
  return names(await stack(client));
}
const value = async (client: TestClient, expression: string): Promise<unknown> =>
  (await client.ask('evaluate', { expression, context: 'watch' }))['result'];

for (const variant of VARIANT_NAMES)
  describe(`a frame of ${variant}`, () => {
    for (const name of ['leaf', 'outer'])
      it(`begins again: ${name}`, async () => {
        const { client, session } = await stacksSession(variant, ['stop', 'finished']);
        const before = await stack(client);
        assert.deepEqual(names(before).slice(0, 5), ['stop', 'leaf', 'middle', 'outer', 'main']);
        const frame = before.find((each) => each.name.startsWith(name));
        assert.equal(frame?.canRestart, true);
        await client.ask('restartFrame', { frameId: frame.id });
        const { reason } = await client.event('stopped');
        assert.equal(reason, 'restart');
        const [top, ...others] = await stack(client);
        assert.equal(top?.name, name, 'at its first instruction');
        const outer = before.slice(before.indexOf(frame) + 1);
        assert.deepEqual(
          others.map(({ name: other }) => other),
          outer.map(({ name: other }) => other),
        );
        assert.deepEqual(await goOn(client), names(before));
        assert.equal((await goOn(client))[0], 'finished');
        assert.equal(await value(client, 'answer'), String(OUTER));
        assert.equal(await value(client, 'calls'), '2');
        session.dispose();
      });
  });

describe('a frame that cannot begin again', () => {
  const PROBLEMS = [
    ['O2', 'between', 'its function was inlined and has none of its own; restart the function around it'],
    ['O2', '_start', 'no file of symbols tells of its function; list one with debugging information under "symbols" of launch.json'],
    ['O2-regparm', 'forgets', 'what its parameter "a" was is not known (it is what a register was at the call of the function, which is not known); restart a frame further out, or set eip, esp and the registers by hand'],
    ['O2', 'waits', 'an interrupt or an exception has broken in since it was called; let the handler return first'],
  ] as const; // prettier-ignore
  for (const [variant, name, problem] of PROBLEMS)
    it(`says why: ${name} of ${variant}`, async () => {
      const { client, session } = await stacksSession(variant, ['stop']);
      for (;;) {
        const frame = (await stack(client)).find((each) => each.name.startsWith(name));
        if (frame === undefined) {
          await goOn(client);
          continue;
        }
        assert.equal(frame.canRestart, false);
        const said = await client.refused('restartFrame', { frameId: frame.id });
        assert.equal(said, `The frame cannot be restarted: ${problem}.`);
        break;
      }
      session.dispose();
    });
});
