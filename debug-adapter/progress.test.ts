/** Work that takes long: what the client hears of it, and how it is taken back. No test waits for time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeScheduler } from './host/scheduler-node.ts';
import type { Body, Said } from './testing/test-client.ts';
import { begin, fakeSession, type FakeSetup } from './testing/test-session.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };
const LOOP = [0x90, 0x40, 0xeb, 0xfc];
/** The toy machine has nothing in the page before; so the search goes on here after two pieces. */
const THIRD_PIECE = 0x181000;
/** Looks for the program through 4 MiB. */
const FIND = { expression: 'find 0 0x400000 90 40 eb fc', context: 'repl' };
const NOWHERE = { expression: 'find 0 0x400000 90 40 eb fd', context: 'repl' };

/** Calls back when the machine reads memory at an address, before it answers. */
function whenRead(setup: FakeSetup, at: number, callback: () => void): void {
  const [machine] = setup.machines;
  assert.ok(machine);
  const read = machine.readMemory.bind(machine);
  machine.readMemory = (space, address, count) => {
    if (address === at) callback();
    return read(space, address, count);
  };
}

const started = ({ client }: FakeSetup, title: string): Body => {
  const found = client.events('progressStart').find((body) => body['title'] === title);
  assert.ok(found, title);
  return found;
};
/** Of the last request, before its answer came. */
const lastRequest = ({ client }: FakeSetup): number =>
  client.said.findLast(({ type }) => type === 'request')?.seq ?? 0;

/** Percentages told of a progress, with the end as "end". */
function told({ client }: FakeSetup, progressId: unknown): readonly unknown[] {
  const of = ({ body, event = '' }: Said): boolean =>
    event.startsWith('progress') && (body as Body)['progressId'] === progressId;
  return client.said
    .filter(of)
    .map(({ event, body }) => (event === 'progressEnd' ? 'end' : (body as Body)['percentage']));
}

describe('a search of memory', () => {
  it('tells how far it is, once for each percentage', async () => {
    const setup = fakeSession(LOOP, host);
    const { client, session } = setup;
    await begin(client);
    assert.equal((await client.ask('evaluate', FIND))['result'], '0x00100000');
    const { progressId, requestId, cancellable } = started(setup, 'Searching memory');
    assert.equal(requestId, lastRequest(setup));
    assert.equal(cancellable, true);
    assert.deepEqual(told(setup, progressId), [25, 37, 62, 87, 'end'], '5 pieces of 1 MiB at most');
    session.dispose();
  });

  it('is silent for a client that shows no progress', async () => {
    const setup = fakeSession(LOOP, host);
    const { client, session } = setup;
    await client.ask('initialize', {});
    await client.ask('launch', { guest: { kernel: '/guest' } });
    await client.ask('configurationDone');
    await client.event('stopped');
    assert.equal((await client.ask('evaluate', FIND))['result'], '0x00100000');
    assert.ok(client.said.every(({ event = '' }) => !event.startsWith('progress')));
    session.dispose();
  });

  for (const by of ['requestId', 'progressId'] as const) {
    it(`that is cancelled by its ${by} answers what it has found so far`, async () => {
      const setup = fakeSession(LOOP, host);
      const { client, session } = setup;
      await begin(client);
      whenRead(setup, THIRD_PIECE, () => {
        const start = started(setup, 'Searching memory');
        client.send('cancel', { [by]: start[by] });
      });
      const { result } = await client.ask('evaluate', FIND);
      assert.equal(result, '0x00100000\n… cancelled at 0x00281003', 'a piece and what overlaps');
      assert.deepEqual(told(setup, started(setup, 'Searching memory')['progressId']).at(-1), 'end');
      session.dispose();
    });

    it(`that is cancelled by its ${by} before it has found anything is "cancelled"`, async () => {
      const setup = fakeSession(LOOP, host);
      const { client, session } = setup;
      await begin(client);
      whenRead(setup, THIRD_PIECE, () => {
        client.send('cancel', { [by]: started(setup, 'Searching memory')[by] });
      });
      const response = await client.request('evaluate', NOWHERE);
      assert.equal(response.success, false);
      assert.equal(response.message, 'cancelled');
      assert.equal(
        (await client.ask('evaluate', FIND))['result'],
        '0x00100000',
        'the next one works',
      );
      session.dispose();
    });
  }
});

describe('a launch', () => {
  const SYMBOLS = { guest: { kernel: '/guest' }, symbols: ['/one.map', '/two.map'] };

  /** With two files of symbols; `reading` is called when the second is opened. */
  async function launching(reading: (setup: FakeSetup) => void) {
    const setup = fakeSession(LOOP, host);
    const map = (name: string): Uint8Array => Buffer.from(`00100000 T ${name}\n`);
    setup.files.set('/one.map', map('one')).set('/two.map', map('two'));
    const get = setup.files.get.bind(setup.files);
    let asked = false;
    setup.files.get = (name) => {
      if (name === '/two.map' && !asked) {
        asked = true;
        reading(setup);
      }
      return get(name);
    };
    await setup.client.ask('initialize', { supportsProgressReporting: true });
    return { ...setup, response: await setup.client.request('launch', SYMBOLS) };
  }

  it('tells which file it reads, and ends the progress before it is answered', async () => {
    const setup = await launching(() => undefined);
    assert.equal(setup.response.success, true);
    assert.deepEqual(
      [...setup.client.events('progressStart'), ...setup.client.events('progressUpdate')].map(({ message, percentage }) => [message, percentage]),
      [['Reading one.map', 0], ['Reading two.map', 25], ['Building the machine', 50]],
    ); // prettier-ignore
    const { said } = setup.client;
    const end = said.findIndex(({ event }) => event === 'progressEnd');
    assert.ok(end >= 0 && end < said.indexOf(setup.response));
    setup.session.dispose();
  });

  for (const by of ['requestId', 'progressId'] as const)
    it(`that is cancelled by its ${by} is "cancelled", and another may follow`, async () => {
      const { client, session, response, machines } = await launching((setup) => {
        setup.client.send('cancel', { [by]: started(setup, 'Launching the guest')[by] });
      });
      assert.equal(response.message, 'cancelled');
      assert.equal(machines.length, 0, 'no machine was built');
      assert.equal(session.state, 'initialized');
      await client.ask('launch', SYMBOLS);
      assert.equal(session.state, 'configuring');
      session.dispose();
    });

  it('that is terminated leaves no machine behind', async () => {
    const { session, response, machines } = await launching(({ client }) => {
      client.send('terminate');
    });
    assert.equal(response.message, 'cancelled');
    assert.equal(machines.length, 0);
    assert.equal(session.state, 'ended');
    session.dispose();
  });
});
