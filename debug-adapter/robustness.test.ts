import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findRequest, requestNames } from './request-table.ts';
import { nodeScheduler } from './host/scheduler-node.ts';
import type { SessionState } from './session.ts';
import { begin, fakeSession } from './testing/test-session.ts';
import type { FakeSetup } from './testing/test-session.ts';
import { errorText } from './testing/test-client.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };
const LOOP = [0x90, 0x40, 0xa2, 0xee, 0xeb, 0xfa];

/** Pseudo-random numbers that are the same in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const ARGUMENT_NAMES = [
  ...['threadId', 'frameId', 'variablesReference', 'memoryReference', 'offset', 'count', 'name'],
  ...[
    'value',
    'expression',
    'context',
    'breakpoints',
    'filters',
    'filterOptions',
    'format',
    'data',
  ],
  ...['instructionOffset', 'instructionCount', 'startFrame', 'levels', 'text', 'column', 'address'],
  ...['from', 'limit', 'follow', 'base64', 'requestId', 'arguments', 'guest', 'allowPartial'],
];

function anyValue(next: () => number, depth = 0): unknown {
  const values: unknown[] = [
    ...[0, 1, -1, 1.5, 2 ** 31, 2 ** 32, -(2 ** 40), 2 ** 53, 1e300],
    ...[
      '',
      'eax',
      '0x100000',
      'phys:0x0',
      '-0x10',
      'x',
      'x esp 5',
      'repl',
      'QQ==',
      '\u0000',
      '{a}',
    ],
    ...[true, false, null, undefined],
  ];
  const pick = Math.floor(next() * (values.length + (depth < 3 ? 3 : 0)));
  if (pick < values.length) return values[pick];
  if (next() < 0.4)
    return Array.from({ length: Math.floor(next() * 4) }, () => anyValue(next, depth + 1));
  return anyArguments(next, depth + 1);
}

function anyArguments(next: () => number, depth = 0): { [name: string]: unknown } {
  const result: { [name: string]: unknown } = {};
  for (let members = Math.floor(next() * 6); members > 0; members--) {
    const name = ARGUMENT_NAMES[Math.floor(next() * ARGUMENT_NAMES.length)] ?? 'x';
    result[name] = anyValue(next, depth);
  }
  return result;
}

/** Requests that end or replace what is tested. */
const ENDING = ['terminate', 'disconnect', 'restart', 'launch'];

describe('whatever a client sends', () => {
  it('gets exactly one response for each request, and the session lives on', async () => {
    const next = random(1);
    const { client, session } = fakeSession(LOOP, host);
    await begin(client);
    const commands = requestNames().filter((name) => !ENDING.includes(name));
    const open = [];
    for (let count = 0; count < 1000; count++) {
      const command = commands[Math.floor(next() * commands.length)] ?? 'x';
      open.push(client.request(command, anyArguments(next)));
      if (count % 100 === 0) await Promise.all(open);
    }
    for (const response of await Promise.all(open)) {
      assert.equal(typeof response.success, 'boolean');
      const text = response.success === true ? '' : errorText(response);
      assert.doesNotMatch(text, /made a mistake/, text);
      assert.ok(text.length < 2000);
    }
    await client.request('pause', { threadId: 1 });
    await client.ask('threads');
    session.dispose();
  });

  it('is ignored when it is no request at all', async () => {
    const { client, session } = fakeSession(LOOP, host);
    for (const message of [
      null,
      1,
      'x',
      [],
      {},
      { type: 'event' },
      { type: 'request' },
      { seq: 1 },
    ])
      session.handleMessage(message);
    session.handleMessage({ type: 'response', seq: 1, request_seq: 5, success: true });
    assert.equal(client.said.length, 0);
    session.handleMessage({ type: 'request', seq: 7, command: 5 });
    await client.ask('initialize');
    assert.equal(client.said.find(({ request_seq }) => request_seq === 7)?.success, false);
    session.dispose();
  });

  it('is refused in great numbers rather than piled up', async () => {
    const { client, session } = fakeSession(LOOP, host);
    await begin(client);
    const open = Array.from({ length: 12_000 }, () => client.request('threads'));
    const responses = await Promise.all(open);
    const refused = responses.filter(({ success }) => success === false);
    assert.ok(refused.length > 0 && refused.length <= 2_001, `${refused.length}`);
    assert.match(errorText(refused[0]!), /More than 10000 requests wait/);
    session.dispose();
  });
});

describe('requests and states', () => {
  const ALL: readonly SessionState[] = [
    'new',
    'initialized',
    'configuring',
    'stopped',
    'running',
    'ended',
  ];

  /** A session that was brought into the state. */
  async function inState(state: SessionState): Promise<FakeSetup> {
    const setup = fakeSession(LOOP, host);
    const { client } = setup;
    const depth = ALL.indexOf(state);
    if (depth >= 1) await client.ask('initialize');
    if (depth >= 2) await client.ask('launch', { guest: { kernel: '/guest' } });
    if (depth >= 3) {
      await client.ask('configurationDone');
      await client.event('stopped');
    }
    if (state === 'running') await client.ask('continue', { threadId: 1 });
    if (state === 'ended') {
      await client.ask('terminate');
      await client.event('terminated');
    }
    assert.equal(setup.session.state, state);
    return setup;
  }

  for (const state of ALL)
    it(`are refused with a numbered sentence where they are not legal: ${state}`, async () => {
      const illegal = requestNames().filter(
        (name) => findRequest(name)?.legal.includes(state) === false,
      );
      const { client, session } = await inState(state);
      for (const command of illegal) {
        const response = await client.request(command);
        assert.equal(response.success, false, command);
        const { error } = response.body as { error: { id: number; format: string } };
        assert.ok(error.id >= 1003 && error.id <= 1009, `${command}: ${error.id}`);
        assert.match(error.format, /^".*" is not possible .*\.$/, command);
        assert.equal(session.state, state, `${command} changed the state`);
      }
      session.dispose();
    });

  it('to leave the guest behind, suspended or running, are not announced and end it all the same', async () => {
    for (const asked of [{ suspendDebuggee: true }, { terminateDebuggee: false }]) {
      const { client, session } = fakeSession(LOOP, host);
      const capabilities = await client.ask('initialize');
      assert.equal(capabilities['supportSuspendDebuggee'], undefined);
      assert.equal(capabilities['supportTerminateDebuggee'], undefined);
      await client.ask('launch', { guest: { kernel: '/guest' } });
      const { machine } = session.guest;
      await client.ask('disconnect', asked);
      assert.equal(session.state, 'ended');
      await assert.rejects(machine.call('position'), /the session has ended/, 'no machine is left');
    }
  });

  it('announce only what the table serves', async () => {
    const { client, session } = fakeSession(LOOP, host);
    const capabilities = await client.ask('initialize');
    for (const [name, command] of [
      ['supportsReadMemoryRequest', 'readMemory'],
      ['supportsDisassembleRequest', 'disassemble'],
      ['supportsRestartRequest', 'restart'],
      ['supportsCompletionsRequest', 'completions'],
    ] as const)
      assert.equal(capabilities[name], findRequest(command) !== null);
    assert.equal(capabilities['supportsStepBack'], undefined);
    assert.ok(Array.isArray(capabilities['exceptionBreakpointFilters']));
    session.dispose();
  });
});
