/**
 * Debugging information that is read in the background, as a client sees it. A store that answers when
 * the test says so stands for a file that takes long.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeScheduler } from '../host/scheduler-node.ts';
import { compiledElf } from '../testing/debugged-program-node.ts';
import type { Body, TestClient } from '../testing/test-client.ts';
import { EDITOR, fakeSession } from '../testing/test-session.ts';
import type { IndexStore } from '../symbols/index-store.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };
/** The fake machine has code at 0x100000: instructions without effect, and a loop or the end. */
const NOPS = [...new Uint8Array(0x400).fill(0x90)];
const LOOPS = [...NOPS, 0xeb, 0xfe];
const ENDS = [...NOPS, 0xff];
const elf = compiledElf(['-gdwarf-5', '-O2', '-Wl,--build-id', '-Wl,-Ttext=0x100000']);
const options = elf === null ? { skip: 'gcc does not compile for i386 here' } : {};
const LAUNCH = { guest: { kernel: '/guest' }, symbols: ['/program'], stopOnEntry: false };

/** Keeps indexes in memory; answers when it is opened. */
class GatedStore implements IndexStore {
  readonly kept = new Map<string, Uint8Array>();
  open: () => void = () => undefined;
  private readonly opened = new Promise<void>((resolve) => (this.open = resolve));

  async read(key: string): Promise<Uint8Array | null> {
    await this.opened;
    return this.kept.get(key) ?? null;
  }

  write(key: string, bytes: Uint8Array): Promise<void> {
    this.kept.set(key, bytes);
    return Promise.resolve();
  }
}

async function launched(store: IndexStore, program: readonly number[] = LOOPS) {
  const setup = fakeSession(program, host, { symbolsAtOnce: 0, indexStore: store });
  setup.files.set('/program', elf ?? new Uint8Array(0));
  await setup.client.ask('initialize', { adapterID: 'guestscope', ...EDITOR });
  await setup.client.ask('launch', LAUNCH);
  return setup;
}

/** A breakpoint on the function `work`, whose source is as it was compiled. */
async function breakpoint(client: TestClient): Promise<Body> {
  const path = new URL('../testing/debugged-program.c', import.meta.url).pathname;
  const { breakpoints } = await client.ask('setBreakpoints', {
    source: { path },
    breakpoints: [{ line: 85 }],
  });
  return (breakpoints as readonly Body[])[0] ?? {};
}

async function status(client: TestClient): Promise<unknown> {
  const { modules } = await client.ask('modules');
  return (modules as readonly Body[]).find(({ name }) => name === 'program')?.['symbolStatus'];
}

test(
  'a guest waits for the lines that its breakpoints need, and can be paused meanwhile',
  options,
  async () => {
    const store = new GatedStore();
    const { client, session } = await launched(store);
    const before = await breakpoint(client);
    assert.equal(before['verified'], false);
    assert.match(String(before['message']), /program are still being read/);
    assert.match(String(await status(client)), /reading debugging information/);
    await client.ask('configurationDone');
    await client.event('continued');
    await client.ask('pause', { threadId: 1 });
    assert.equal((await client.event('stopped'))['reason'], 'pause');
    assert.equal(session.guest.stop?.reason, 'pause');
    assert.equal((await session.position()).retired, 0, 'it has not run yet');
    await client.ask('continue', { threadId: 1 });
    store.open();
    const { reason, breakpoint: after } = await client.event('breakpoint');
    assert.equal(reason, 'changed');
    assert.deepEqual([(after as Body)['id'], (after as Body)['verified']], [before['id'], true]);
    const { module } = await client.event('module');
    assert.equal((module as Body)['symbolStatus'], 'Symbols loaded');
    const stopped = await client.event('stopped');
    assert.deepEqual(
      [stopped['reason'], stopped['hitBreakpointIds']],
      ['breakpoint', [before['id']]],
    );
    assert.equal(await status(client), 'Symbols loaded');
    assert.equal(client.events('progressStart').filter(({ title }) => title === 'Reading program').length, 1); // prettier-ignore
    assert.equal(store.kept.size, 1);

    // and the next session finds what this one has kept
    const again = await launched(store);
    await breakpoint(again.client);
    await again.client.ask('configurationDone');
    assert.equal((await again.client.event('stopped'))['reason'], 'breakpoint');
    assert.equal(again.client.events('progressStart').filter(({ title }) => title === 'Reading program').length, 0); // prettier-ignore
    session.dispose();
    again.session.dispose();
  },
);

test('a guest without breakpoints that need it does not wait', options, async () => {
  const { client, session } = await launched(new GatedStore(), ENDS);
  await client.ask('configurationDone');
  await client.event('continued');
  await client.event('exited');
  session.dispose();
});

test('cancelled, a guest goes on without the lines, and says so', options, async () => {
  const store = new GatedStore();
  const { client, session } = await launched(store, ENDS);
  session.onDidSendMessage((message) => {
    const { event, body } = message as { event?: string; body?: Body };
    if (event === 'progressStart' && body?.['title'] === 'Reading program')
      client.send('cancel', { progressId: body['progressId'] });
  });
  await breakpoint(client);
  await client.ask('configurationDone');
  await client.event('continued');
  store.open();
  await client.event('progressEnd');
  const { module } = await client.event('module');
  assert.match(
    String((module as Body)['symbolStatus']),
    /was cancelled; restart the session to read it/,
  );
  await client.event('exited');
  assert.equal(store.kept.size, 0);
  session.dispose();
});

test('a kept index that is damaged is built again', options, async () => {
  const store = new GatedStore();
  store.open();
  const first = await launched(store);
  await first.client.event('module');
  const [key = ''] = store.kept.keys();
  store.kept.set(key, (store.kept.get(key) ?? new Uint8Array(0)).map((byte, at) => byte ^ Number(at === 99))); // prettier-ignore
  const second = await launched(store);
  await second.client.event('module');
  assert.equal(await status(second.client), 'Symbols loaded');
  assert.equal(second.client.events('progressStart').filter(({ title }) => title === 'Reading program').length, 1); // prettier-ignore
  first.session.dispose();
  second.session.dispose();
});
