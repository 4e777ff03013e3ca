/** The request table against the protocol's own types: every command is answered or refused with a reason. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import {
  CAPABILITIES_NOT_HAD,
  REFUSED_REQUESTS,
  refusalOf,
  UNSENT_EVENTS,
} from './refused-requests.ts';
import { capabilities, findRequest, requestNames } from './request-table.ts';
import { nodeScheduler } from './host/scheduler-node.ts';
import { begin, fakeSession } from './testing/test-session.ts';

const TYPES = createRequire(import.meta.url).resolve(
  '@vscode/debugprotocol/lib/debugProtocol.d.ts',
);
const PROTOCOL = readFileSync(TYPES, 'utf8');
/** Every command of the protocol, as its types have it in comments: "// command: 'cancel';". */
const COMMANDS = namesIn(/\/\/ command: '(\w+)';/g);

function namesIn(pattern: RegExp): readonly string[] {
  return [...PROTOCOL.matchAll(pattern)].map(([, name]) => name ?? '');
}

/** The adapter's own sources, without tests. */
function sourceFiles(): readonly string[] {
  const folder = new URL('./', import.meta.url);
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|testing/.test(name))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'));
}

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

describe('every event of the protocol', () => {
  const EVENTS = namesIn(/event: '(\w+)';/g);
  const SENT = new Set(
    sourceFiles().flatMap((text) => [...text.matchAll(/(?:event|tell)\(\s*'(\w+)'/g)].map(([, name]) => name)),
  ); // prettier-ignore

  it('is known: there are 17 of them in DAP 1.68', () => assert.equal(EVENTS.length, 17));

  for (const event of EVENTS)
    it(`is sent, or left out with a reason: ${event}`, () =>
      assert.notEqual(SENT.has(event), Object.hasOwn(UNSENT_EVENTS, event), 'one of the two'));
});

describe('every capability of the protocol', () => {
  const [, members = ''] = /interface Capabilities \{([^]*?)\n\s{1,4}\}/.exec(PROTOCOL) ?? [];
  const KNOWN = [...members.matchAll(/^\s+(\w+)\?:/gm)].map(([, name]) => name ?? '');
  const announced = capabilities(true);

  it('is what is announced', () => {
    assert.ok(KNOWN.length > 40);
    for (const name of Object.keys(announced)) assert.ok(KNOWN.includes(name), name);
  });

  for (const name of KNOWN)
    it(`is announced where its request is answered, or left out with a reason: ${name}`, () => {
      const [, stem = ''] = /^supports(\w+?)(?:Request)?$/.exec(name) ?? [];
      const command = stem.charAt(0).toLowerCase() + stem.slice(1);
      const has = Object.hasOwn(announced, name);
      if (COMMANDS.includes(command)) assert.equal(has, findRequest(command) !== null);
      else assert.notEqual(has, Object.hasOwn(CAPABILITIES_NOT_HAD, name), 'one of the two');
    });

  it("of parking guests is a server's alone", () => {
    const more = Object.keys(announced).filter((name) => !Object.hasOwn(capabilities(false), name));
    assert.deepEqual(more, ['supportSuspendDebuggee', 'supportTerminateDebuggee']);
  });
});

it('every request of our own is in the table of CONTRIBUTING.md, and nothing else', () => {
  const text = readFileSync(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(guestscope\/[\w/]+)` +\|/gm)].map(([, name]) => name);
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
