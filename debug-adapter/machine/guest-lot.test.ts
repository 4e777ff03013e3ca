/** Guests that are left at a server: they run or wait there, and another session takes them over. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GuestLot, MOST_GUESTS } from './guest-lot.ts';
import { nodeScheduler } from '../host/scheduler-node.ts';
import type { FakeSetup } from '../testing/test-session.ts';
import { begin, EDITOR, fakeSession } from '../testing/test-session.ts';

/** Counts in eax for ever. */
const LOOP = [0x40, 0xeb, 0xfd];
/** Switches itself off. */
const THEN_OFF = [0x40, 0xff];
const THREAD = { threadId: 1 };
const EAX = { expression: 'eax', context: 'watch' };

function server(keeps = false): {
  readonly lot: GuestLot;
  readonly connect: (program?: readonly number[]) => FakeSetup;
} {
  const lot = new GuestLot(nodeScheduler, keeps);
  const host = { scheduler: nodeScheduler, clone: structuredClone, lot };
  return { lot, connect: (program = LOOP) => fakeSession(program, host) };
}

/** As far as the attach; gives the client before configurationDone. */
async function attached(
  { client }: FakeSetup,
  attributes: object = {},
): Promise<FakeSetup['client']> {
  await client.ask('initialize', EDITOR);
  await client.ask('attach', attributes);
  await client.event('initialized');
  return client;
}

/** Until a guest that is being left has its place. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => nodeScheduler.yield(resolve));
}

const eaxOf = async ({ client }: Pick<FakeSetup, 'client'>): Promise<number> =>
  Number((await client.ask('evaluate', EAX))['result']);

describe('a guest that is left at a server', () => {
  it('is announced to be possible there, and nowhere else', async () => {
    const capabilities = await server().connect().client.ask('initialize');
    assert.equal(capabilities['supportSuspendDebuggee'], true);
    assert.equal(capabilities['supportTerminateDebuggee'], true);
    const { client } = fakeSession(LOOP, { scheduler: nodeScheduler, clone: structuredClone });
    await client.ask('initialize');
    assert.match(await client.refused('attach'), /serves one session; start "adapter --port N"/);
  });

  it('runs on, and stops at breakpoints of its next client', async () => {
    const { lot, connect } = server();
    const first = connect();
    await begin(first.client, { name: 'Counter' });
    await first.client.ask('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x100001' }],
    });
    await first.client.ask('disconnect', { terminateDebuggee: false });
    assert.equal(lot.waiting, 1);
    const second = connect();
    const client = await attached(second, { guest: 'Counter' });
    assert.equal(lot.waiting, 0);
    const before = await eaxOf(second);
    await client.ask('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x100000', condition: `eax == ${before + 1000}` }],
    });
    await client.ask('configurationDone');
    await client.event('continued');
    await client.event('stopped');
    assert.equal(await eaxOf(second), before + 1000);
    assert.equal(second.workers.length, 0, 'no machine was built');
    lot.close();
    second.session.dispose();
  });

  it('waits where it is when it is suspended, however it was before', async () => {
    for (const running of [false, true]) {
      const { lot, connect } = server();
      const first = connect();
      await begin(first.client);
      await first.client.ask('evaluate', { expression: 'edx = 77', context: 'repl' });
      if (running) await first.client.ask('continue', THREAD);
      await first.client.ask('disconnect', { suspendDebuggee: true, terminateDebuggee: false });
      const second = connect();
      const client = await attached(second);
      await client.ask('configurationDone');
      const { reason } = await client.event('stopped');
      assert.equal(reason, running ? 'pause' : 'entry');
      const edx = await client.ask('evaluate', { expression: 'edx', context: 'watch' });
      assert.equal(edx['result'], '0x0000004d');
      lot.close();
      second.session.dispose();
    }
  });

  it('is left running by whoever has attached and says nothing, and stops if that is asked', async () => {
    const { lot, connect } = server();
    const first = connect();
    await begin(first.client);
    await first.client.ask('disconnect', { terminateDebuggee: false });
    const second = connect();
    await attached(second);
    await second.client.ask('disconnect');
    assert.equal(lot.waiting, 1);
    const third = connect();
    await attached(third, { stopOnEntry: true });
    await third.client.ask('configurationDone');
    assert.equal((await third.client.event('stopped'))['reason'], 'pause');
    await third.client.ask('disconnect', { terminateDebuggee: true });
    assert.equal(lot.waiting, 0);
  });

  it('ends with its client when that vanishes, unless the server keeps it', async () => {
    for (const keeps of [false, true]) {
      const { lot, connect } = server(keeps);
      const { client, session } = connect();
      await begin(client);
      await client.ask('continue', THREAD);
      const { machine } = session.guest;
      session.dispose();
      assert.equal(lot.waiting, keeps ? 1 : 0);
      await assert.rejects(machine.call('position'), /the session has ended/);
      lot.close();
    }
  });

  it('is one that waits until it is taken over, whatever becomes of who tries', async () => {
    const { lot, connect } = server();
    const first = connect();
    await begin(first.client);
    await first.client.ask('disconnect', { suspendDebuggee: true });
    const hasty = connect();
    await hasty.client.ask('initialize');
    hasty.client.send('attach');
    await until(() => lot.waiting === 0);
    hasty.client.send('disconnect', { suspendDebuggee: true });
    await until(() => lot.waiting === 1);
    const slow = connect();
    await slow.client.ask('initialize');
    const wrong = { breakOn: [{ event: 'exception.PF', condition: '1 +' }] };
    assert.match(await slow.client.refused('attach', wrong), /"breakOn\[0\]"/);
    await slow.client.ask('attach');
    slow.session.dispose();
    assert.equal(lot.waiting, 0, 'vanished: ended');
  });

  it('has ended when it has switched itself off meanwhile', async () => {
    const { lot, connect } = server();
    const first = connect(THEN_OFF);
    await begin(first.client);
    await first.client.ask('disconnect', { terminateDebuggee: false });
    await until(() => lot.waiting === 0);
    const { client } = connect();
    await client.ask('initialize');
    assert.match(await client.refused('attach'), /^There is no guest to attach to;/);
  });

  it('is none of more than a few', async () => {
    const { lot, connect } = server();
    for (let count = 0; count < MOST_GUESTS; count++) {
      const { client } = connect();
      await begin(client, { name: `Guest ${count}` });
      await client.ask('disconnect', { suspendDebuggee: true });
    }
    const { client } = connect();
    await client.ask('initialize');
    assert.match(
      await client.refused('launch', { guest: { kernel: '/guest' } }),
      /^This server has 16 guests already: 1 "Guest 0" \(waits\), /,
    );
    assert.match(
      await client.refused('attach'),
      /^More than one guest could be meant: 1 "Guest 0"/,
    );
    lot.close();
    assert.equal(lot.waiting, 0);
  });
});
