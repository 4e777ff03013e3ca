/** The request table against the protocol's own types: every command is answered or refused with a reason. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { REFUSED_REQUESTS, refusalOf } from './refused-requests.ts';
import { findRequest, requestNames } from './request-table.ts';
import { nodeScheduler } from './scheduler-node.ts';
import { begin, fakeSession } from './testing/test-session.ts';

const TYPES = createRequire(import.meta.url).resolve(
  '@vscode/debugprotocol/lib/debugProtocol.d.ts',
);
/** Every command of the protocol, as its types have it in comments: "// command: 'cancel';". */
const COMMANDS = [...readFileSync(TYPES, 'utf8').matchAll(/\/\/ command: '(\w+)';/g)].map(
  ([, command]) => command ?? '',
);

describe('every command of the protocol', () => {
  it('is known: there are 45 of them in DAP 1.68', () => assert.equal(COMMANDS.length, 45));

  for (const command of COMMANDS)
    it(`is answered, or refused with a reason: ${command}`, () => {
      const [answered, refusal] = [findRequest(command) !== null, refusalOf(command)];
      assert.notEqual(answered, refusal !== null, 'one of the two');
    });

  it('is all there is, beside requests of our own', () => {
    for (const name of [...requestNames(), ...Object.keys(REFUSED_REQUESTS)])
      assert.ok(name.startsWith('guestscope/') || COMMANDS.includes(name), name);
  });
});

it('every request of our own is in the table of CONTRIBUTING.md, and nothing else', () => {
  const text = readFileSync(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(guestscope\/\w+)` +\|/gm)].map(([, name]) => name);
  const own = requestNames().filter((name) => name.startsWith('guestscope/'));
  assert.deepEqual(rows.toSorted(), own.toSorted());
});

it('a refusal says the reason, and what no protocol has is named', async () => {
  const host = { scheduler: nodeScheduler, clone: structuredClone };
  const { client, session } = fakeSession([0xeb, 0xfe], host);
  await begin(client);
  for (const [command, reason] of Object.entries(REFUSED_REQUESTS))
    assert.equal(
      await client.refused(command),
      `Guestscope does not answer "${command}": ${reason}.`,
    );
  for (const command of ['toString', '__proto__', 'guestscope/nothing'])
    assert.equal(await client.refused(command), `There is no request "${command}".`);
  session.dispose();
});
