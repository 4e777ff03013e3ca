/**
 * A kernel that does not run where it was linked (test/guests/moved): breakpoints that were set before it
 * is in its place follow it, and so do its names and lines.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import { testSession } from '../../debug-adapter/testing/test-session.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const GUEST = new URL('../guests/moved/', import.meta.url);
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, GUEST)));
const THREAD = { threadId: 1 };
/** Where moved.ld puts start_kernel, and how far moved.s moves it. */
const LINKED = 0xc0100000;
const SLIDE = 0x400000;

const hex = (address: number): string => `0x${address.toString(16)}`;
const lineWith = (text: string): number =>
  readFileSync(new URL('moved.s', GUEST), 'utf8').split('\n').findIndex((line) => line.trim().startsWith(text)) + 1; // prettier-ignore

test('breakpoints set before the boot stop in a kernel that has moved', async () => {
  const files = new Map([
    ['/moved.bin', file('built/moved.bin')],
    ['/moved.elf', file('built/moved.elf')],
    ['/moved.s', file('moved.s')],
  ]);
  const { client, session } = testSession(createMachine, files, {
    scheduler: nodeScheduler,
    clone: structuredClone,
  });
  await client.ask('initialize', { adapterID: 'guestscope', supportsMemoryReferences: true });
  await client.ask('launch', {
    guest: { kernel: '/moved.bin', format: 'flat', loadAddress: '0x7c00' },
    symbols: ['/moved.elf'],
    machine: { memory: '16M', idle: 'skip' },
    stopOnEntry: false,
  });
  await client.event('initialized');
  const set = async (command: string, argument: object): Promise<DebugProtocol.Breakpoint> => {
    const [first] = (await client.ask(command, argument))[
      'breakpoints'
    ] as DebugProtocol.Breakpoint[];
    assert.ok(first?.verified, first?.message);
    return first;
  };
  const byName = await set('setFunctionBreakpoints', {
    breakpoints: [{ name: 'start_kernel', condition: 'eip == start_kernel' }],
  });
  assert.equal(byName.instructionReference, hex(LINKED));
  const line = lineWith('inc');
  const byLine = await set('setBreakpoints', {
    source: { path: '/moved.s' },
    breakpoints: [{ line }],
  });
  await client.ask('configurationDone');

  const named = await client.event('stopped');
  assert.deepEqual(named['hitBreakpointIds'], [byName.id]);
  const changed = client
    .events('breakpoint')
    .map(({ breakpoint }) => breakpoint as DebugProtocol.Breakpoint);
  assert.deepEqual(new Set(changed.map(({ id }) => id)), new Set([byName.id, byLine.id]));
  assert.ok(
    changed.some(({ instructionReference }) => instructionReference === hex(LINKED + SLIDE)),
  );
  const said = client.events('output').map(({ output }) => String(output));
  assert.ok(
    said.some((text) => /^moved\.elf runs 4 MiB \(0x400000\) above/.test(text)),
    said.join(),
  );

  const top = async (): Promise<DebugProtocol.StackFrame | undefined> =>
    ((await client.ask('stackTrace', THREAD))['stackFrames'] as DebugProtocol.StackFrame[])[0];
  const frame = await top();
  assert.deepEqual([frame?.name, frame?.source?.path], ['start_kernel', '/moved.s']);
  await client.ask('continue', THREAD);
  const inner = await client.event('stopped');
  assert.deepEqual([inner['reason'], inner['hitBreakpointIds']], ['breakpoint', [byLine.id]]);
  assert.equal((await top())?.line, line);
  session.dispose();
});

test('a file of another build than the kernel in memory is told', async () => {
  const elf = file('built/moved.elf');
  // the byte behind the note's name is the first of the build ID
  const note = Buffer.from(elf).indexOf(Buffer.from('GNU\0', 'latin1'));
  elf[note + 4] = (elf[note + 4] ?? 0) ^ 0xff;
  const files = new Map([
    ['/moved.bin', file('built/moved.bin')],
    ['/moved.elf', elf],
  ]);
  const { client, session } = testSession(createMachine, files, {
    scheduler: nodeScheduler,
    clone: structuredClone,
  });
  await client.ask('initialize', { adapterID: 'guestscope' });
  await client.ask('launch', {
    guest: { kernel: '/moved.bin', format: 'flat', loadAddress: '0x7c00' },
    symbols: ['/moved.elf'],
    machine: { memory: '16M', idle: 'skip' },
    stopOnEntry: false,
  });
  await client.ask('configurationDone');
  let said = '';
  while (!said.includes('another build')) said = String((await client.event('output'))['output']);
  const id = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(note + 4, note + 24)).toString('hex'); // prettier-ignore
  assert.ok(said.includes(`build ID ${id(elf)} in the file, ${id(file('built/moved.elf'))} in memory`)); // prettier-ignore
  session.dispose();
});
