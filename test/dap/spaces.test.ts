/**
 * User programs by address space: two programs that begin at the same linear address (test/guests/spaces),
 * told apart by CR3. Names, lines, frames and breakpoints of each count in its own address space only.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import type { TestClient } from '../../debug-adapter/testing/test-client.ts';
import { testSession } from '../../debug-adapter/testing/test-session.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const GUEST = new URL('../guests/spaces/', import.meta.url);
const bytes = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, GUEST)));
const THREAD = { threadId: 1 };
const SOURCE = { path: '/program.c' };
const lineWith = (text: string): number =>
  readFileSync(new URL('program.c', GUEST), 'utf8').split('\n').findIndex((line) => line.includes(text)) + 1; // prettier-ignore
const FIRST = { file: '/first.elf', when: 'cr3 == first_directory' };
const SECOND = { file: '/second.elf', loadAddress: '0x08048000', when: 'cr3 == second_directory' };

interface Setup {
  readonly client: TestClient;
  readonly end: () => void;
}

async function launched(...programs: readonly object[]): Promise<Setup> {
  const names = ['first.elf', 'second.elf', 'spaces.elf'].map((name) => [`/${name}`, bytes(`built/${name}`)] as const); // prettier-ignore
  const files = new Map([...names, ['/program.c', bytes('program.c')] as const]);
  const host = { scheduler: nodeScheduler, clone: structuredClone };
  const { client, session } = testSession(createMachine, files, host);
  await client.ask('initialize', { adapterID: 'guestscope', supportsMemoryReferences: true });
  await client.ask('launch', {
    guest: { kernel: '/spaces.elf' },
    symbols: ['/spaces.elf', ...programs],
    machine: { memory: '16M', idle: 'skip' },
    stopOnEntry: false,
  });
  await client.event('initialized');
  return { client, end: () => session.dispose() };
}

async function set(
  client: TestClient,
  command: 'setFunctionBreakpoints' | 'setBreakpoints',
  argument: object,
): Promise<DebugProtocol.Breakpoint> {
  const { breakpoints } = await client.ask(command, argument);
  const [first] = breakpoints as DebugProtocol.Breakpoint[];
  assert.ok(first);
  return first;
}

/** Names and lines of the frames of the stop that comes next. */
async function nextStop(client: TestClient): Promise<readonly (readonly [string, number])[]> {
  await client.event('stopped');
  const { stackFrames } = await client.ask('stackTrace', THREAD);
  return (stackFrames as DebugProtocol.StackFrame[]).map(({ name, line }) => [
    name.replace(/\+.*/, ''),
    line,
  ]);
}

async function evaluated(client: TestClient, expression: string): Promise<string> {
  const { stackFrames } = await client.ask('stackTrace', THREAD);
  const frameId = (stackFrames as DebugProtocol.StackFrame[])[0]?.id;
  const { success, message, body } = await client.request('evaluate', { expression, frameId, context: 'watch' }); // prettier-ignore
  return success ? String((body as { result: unknown }).result) : String(message);
}

async function states(client: TestClient): Promise<readonly (string | undefined)[]> {
  const { modules } = await client.ask('modules');
  return (modules as DebugProtocol.Module[]).flatMap(({ name, symbolStatus }) =>
    /^(first|second)\.elf$/.test(name) && symbolStatus !== undefined ? [symbolStatus] : [],
  );
}

test('a program counts in its own address space only', async () => {
  const { client, end } = await launched(FIRST, SECOND);
  const byName = await set(client, 'setFunctionBreakpoints', { breakpoints: [{ name: 'first_program' }] }); // prettier-ignore
  assert.deepEqual([byName.verified, byName.instructionReference], [true, '0x08048000']);
  const line = lineWith('it has subtracted');
  const condition = 'rest == total - 5 && amount == 5';
  const byLine = await set(client, 'setBreakpoints', {
    source: SOURCE,
    breakpoints: [{ line, condition }],
  });
  assert.deepEqual([byLine.verified, byLine.line], [true, line]);
  await client.ask('configurationDone');

  const rounds = [];
  for (let round = 0; round < 2; round++) {
    const first = await nextStop(client);
    assert.equal(first[0]?.[0], 'first_program');
    const total = await evaluated(client, 'total');
    assert.match(await evaluated(client, 'subtract'), /'subtract'/);
    const firstStates = await states(client);
    assert.deepEqual(firstStates, ['Symbols loaded, of the current address space', 'Of another address space: cr3 == second_directory does not hold']); // prettier-ignore
    await client.ask('continue', THREAD);
    const second = await nextStop(client);
    assert.deepEqual(second.slice(0, 2).map(([name]) => name), ['subtract', 'second_program']); // prettier-ignore
    assert.equal(second[0]?.[1], line);
    assert.match(await evaluated(client, 'add'), /'add'/);
    rounds.push([total, await evaluated(client, 'total'), await evaluated(client, 'rest')]);
    await client.ask('continue', THREAD);
  }
  // 40 and 3 more in the one, 40 and 5 less in the other
  assert.deepEqual(rounds, [['40', '40', '35'], ['43', '35', '30']]); // prettier-ignore
  end();
});

test('what has no value is no address space: said once, and its breakpoints do not stop', async () => {
  const unreadable = { file: '/first.elf', when: 'dword[0xf0000000] == 1' };
  const { client, end } = await launched(unreadable, SECOND);
  const first = await set(client, 'setFunctionBreakpoints', {
    breakpoints: [{ name: 'first_program' }, { name: 'second_program' }],
  });
  assert.equal(first.verified, true);
  await client.ask('configurationDone');
  for (let round = 0; round < 2; round++) {
    assert.equal((await nextStop(client))[0]?.[0], 'second_program');
    await client.ask('continue', THREAD);
  }
  const said = client.events('output').filter(({ output }) => /symbols\[1\]\.when cannot be told/.test(String(output))); // prettier-ignore
  assert.equal(said.length, 1);
  end();
});

test('a load address is of programs and libraries', async () => {
  const files = new Map([['/spaces.elf', bytes('built/spaces.elf')], ['/System.map', new TextEncoder().encode('00100000 T start\n')]]); // prettier-ignore
  const host = { scheduler: nodeScheduler, clone: structuredClone };
  const { client, session } = testSession(createMachine, files, host);
  await client.ask('initialize', { adapterID: 'guestscope' });
  const symbols = [{ file: '/System.map', loadAddress: '0x1000' }];
  const { message } = await client.request('launch', { guest: { kernel: '/spaces.elf' }, symbols });
  assert.match(
    message ?? '',
    /"symbols\[0\]\.loadAddress".*System\.map is no ELF program or library/,
  );
  session.dispose();
});

test('a mistake in "when" is told at the breakpoint, by its attribute', async () => {
  const { client, end } = await launched({ file: '/first.elf', when: 'cr3 == nowhere' });
  const { verified, message } = await set(client, 'setFunctionBreakpoints', { breakpoints: [{ name: 'add' }] }); // prettier-ignore
  assert.equal(verified, false);
  assert.match(message ?? '', /symbols\[1\]\.when.*'nowhere'/s);
  end();
});
