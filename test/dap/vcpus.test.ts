/**
 * The adapter's conversation about a machine with two processors, from the real machine: a thread for
 * each, stops that name theirs, registers and stacks of either, and steps of one with the other held.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import { begin, testSession } from '../../debug-adapter/testing/test-session.ts';
import type { TestClient } from '../../debug-adapter/testing/test-client.ts';
import type { DebugPort } from '../../emulator/debug-port.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const GUEST = new URL('../guests/smp/built/smp.bin', import.meta.url);
/** Where start-up interrupts lead (smp.s). */
const OTHERS = '0x00008000';
const [FIRST, SECOND] = [{ threadId: 1 }, { threadId: 2 }];

type Rows = readonly { readonly name: string; readonly value: string }[];

/** Stopped where the second processor begins. */
async function atTheStart(): Promise<{ client: TestClient; dispose: () => void }> {
  const files = new Map([['/smp.bin', new Uint8Array(readFileSync(GUEST))]]);
  const host = { scheduler: nodeScheduler, clone: structuredClone };
  const { client, session } = testSession<DebugPort>(createMachine, files, host);
  await begin(client, {
    guest: { kernel: '/smp.bin', format: 'flat' },
    machine: { memory: '16M', vcpus: 2, idle: 'skip' },
    hypervisor: { interface: 'bare' },
  });
  const breakpoints = [{ instructionReference: OTHERS }];
  await client.ask('setInstructionBreakpoints', { breakpoints });
  await client.ask('continue', FIRST);
  const stop = await client.event('stopped');
  assert.deepEqual([stop['threadId'], stop['allThreadsStopped']], [2, true]);
  await client.ask('setInstructionBreakpoints', { breakpoints: [] });
  return { client, dispose: () => session.dispose() };
}

async function topFrame(client: TestClient, thread: object): Promise<{ id: number; at: number }> {
  const { stackFrames } = await client.ask('stackTrace', thread);
  const [frame] = stackFrames as readonly { id: number; instructionPointerReference: string }[];
  assert.ok(frame !== undefined);
  return { id: frame.id, at: Number(frame.instructionPointerReference) };
}
async function generalRegisters(client: TestClient, frameId: number): Promise<number> {
  const { scopes } = await client.ask('scopes', { frameId });
  const [{ variablesReference } = { variablesReference: 0 }] = scopes as readonly {
    variablesReference: number;
  }[];
  const { variables } = await client.ask('variables', { variablesReference });
  const rows = variables as readonly { name: string; variablesReference: number }[];
  return rows.find(({ name }) => name === 'General')?.variablesReference ?? 0;
}
async function register(client: TestClient, reference: number, name: string): Promise<string> {
  const { variables } = await client.ask('variables', { variablesReference: reference });
  return (variables as Rows).find((row) => row.name === name)?.value ?? '';
}

it('has a thread for each processor, each with its stack and registers', async () => {
  const { client, dispose } = await atTheStart();
  const { threads } = await client.ask('threads');
  assert.deepEqual(threads, [
    { id: 1, name: 'vCPU 0' },
    { id: 2, name: 'vCPU 1' },
  ]);
  const second = await topFrame(client, SECOND);
  assert.equal(second.at, 0x8000);
  const first = await topFrame(client, FIRST);
  assert.ok(first.at > 0x8000, 'in the delay after the start-up interrupt');
  // the rows of either are asked for in any order
  const general = {
    second: await generalRegisters(client, second.id),
    first: await generalRegisters(client, first.id),
  };
  assert.match(await register(client, general.second, 'eip'), /^0x00000000/);
  assert.equal(Number.parseInt(await register(client, general.first, 'eip'), 16), first.at);
  const set = { variablesReference: general.second, name: 'edx', value: '0x77' };
  await client.ask('setVariable', set);
  assert.match(await register(client, general.second, 'edx'), /^0x00000077/);
  assert.doesNotMatch(await register(client, general.first, 'edx'), /^0x00000077/);
  const cs = async (frameId: number): Promise<unknown> =>
    (await client.ask('evaluate', { expression: 'cs', frameId }))['result'];
  assert.notEqual(await cs(first.id), await cs(second.id));
  assert.match(await client.refused('stackTrace', { threadId: 3 }), /no thread 3, they are 1 to 2/);
  dispose();
});

it('steps the thread that is named, alone if it is asked to', async () => {
  const { client, dispose } = await atTheStart();
  const retired = async (): Promise<readonly number[]> => {
    const first = await topFrame(client, FIRST);
    const second = await topFrame(client, SECOND);
    return [first.at, second.at];
  };
  const [held] = await retired();
  for (let n = 0; n < 5; n++) {
    await client.ask('stepIn', { ...SECOND, singleThread: true });
    const stop = await client.event('stopped');
    assert.deepEqual([stop['reason'], stop['threadId']], ['step', 2]);
  }
  const [still, moved] = await retired();
  assert.equal(still, held);
  // CLI, XOR, MOV DS, LGDT, MOV EAX of smp.s
  assert.equal(moved, 0x800d);
  await client.ask('next', FIRST);
  const stop = await client.event('stopped');
  assert.deepEqual([stop['reason'], stop['threadId']], ['step', 1]);
  const alone = await client.ask('continue', { ...SECOND, singleThread: true });
  assert.equal(alone['allThreadsContinued'], false);
  await client.ask('pause', SECOND);
  assert.equal((await client.event('stopped'))['reason'], 'pause');
  dispose();
});
