/**
 * Source lines over the protocol, on the sample guest and its own assembly files: breakpoints on lines,
 * stops that show a line, steps by line and by instruction, lines in disassembly.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import type { Body, TestClient } from '../../debug-adapter/testing/test-client.ts';
import { EDITOR, testSession } from '../../debug-adapter/testing/test-session.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const STORY = new URL('../../extension/sample/story/', import.meta.url);
const THREAD = { threadId: 1 };
/** Lines of a file of the story. */
const source = (name: string): readonly string[] =>
  readFileSync(new URL(name, STORY), 'utf8').split('\n');

/** Number of the n-th line (from 1) that holds a text. */
function lineWith(name: string, text: string): number {
  const index = source(name).findIndex((line) => line.replace(/\s+/g, ' ').includes(text));
  assert.ok(index >= 0, `${name}: ${text}`);
  return index + 1;
}

/** Sources lie in `folder`; the file of symbols in /story. */
async function launched(
  folder: string,
  attributes: object = {},
  counting: object = {},
): Promise<{ readonly client: TestClient; readonly dispose: () => void }> {
  const files = new Map(
    readdirSync(STORY).map((name) => [
      `${name.endsWith('.s') ? folder : '/story'}/${name}`,
      new Uint8Array(readFileSync(new URL(name, STORY))),
    ]),
  );
  const { session, client } = testSession(createMachine, files, {
    scheduler: nodeScheduler,
    clone: structuredClone,
  });
  await client.ask('initialize', { adapterID: 'guestscope', ...EDITOR, ...counting });
  await client.ask('launch', {
    guest: { kernel: '/story/story.bin', format: 'flat', loadAddress: '0x7c00' },
    symbols: ['/story/story.elf'],
    machine: { memory: '16M', idle: 'skip' },
    hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
    ...attributes,
  });
  await client.event('initialized');
  return { client, dispose: () => session.dispose() };
}

async function setBreakpoints(
  client: TestClient,
  path: string,
  ...lines: readonly number[]
): Promise<readonly DebugProtocol.Breakpoint[]> {
  const breakpoints = lines.map((line) => ({ line }));
  const body = await client.ask('setBreakpoints', { source: { path }, breakpoints });
  return body['breakpoints'] as readonly DebugProtocol.Breakpoint[];
}

async function stopAt(client: TestClient): Promise<Body> {
  return client.event('stopped');
}

async function frames(client: TestClient): Promise<readonly DebugProtocol.StackFrame[]> {
  const body = await client.ask('stackTrace', THREAD);
  return body['stackFrames'] as readonly DebugProtocol.StackFrame[];
}

/** "story.s:43 call find_hypervisor" of the topmost frame. */
async function here(client: TestClient): Promise<string> {
  const [frame] = await frames(client);
  assert.ok(frame?.source?.name !== undefined, frame?.name);
  const text = source(frame.source.name)[frame.line - 1] ?? '';
  return `${frame.source.name}: ${text.trim().replace(/\s+/g, ' ')}`;
}

test('a breakpoint on a line stops there, and steps go by line', async () => {
  const { client, dispose } = await launched('/story');
  const wanted = lineWith('story.s', 'call find_hypervisor');
  const [set] = await setBreakpoints(client, '/story/story.s', wanted);
  assert.ok(set?.verified);
  assert.equal(set.line, wanted);
  assert.equal(set.source?.path, '/story/story.s');
  await client.ask('configurationDone');
  await stopAt(client);
  await client.ask('continue', THREAD);
  const stop = await stopAt(client);
  assert.equal(stop['reason'], 'breakpoint');
  assert.deepEqual(stop['hitBreakpointIds'], [set.id]);
  assert.equal(await here(client), 'story.s: call find_hypervisor');

  await client.ask('next', THREAD);
  assert.equal((await stopAt(client))['reason'], 'step');
  assert.equal(await here(client), 'story.s: call print_what_was_found');
  await client.ask('stepIn', THREAD);
  await stopAt(client);
  const [callee, caller] = await frames(client);
  assert.equal(callee?.name, 'print_what_was_found');
  assert.equal(callee.source?.name, 'hooks.s');
  assert.equal(caller?.line, wanted + 1, 'a caller stands at its call, not behind it');
  await client.ask('stepOut', THREAD);
  await stopAt(client);
  assert.equal(await here(client), 'story.s: say "5 MSRs: IA32_APIC_BASE = "');

  // the macro is two instructions, the second a call
  await client.ask('next', { ...THREAD, granularity: 'instruction' });
  await stopAt(client);
  assert.equal(await here(client), 'story.s: say "5 MSRs: IA32_APIC_BASE = "');
  await client.ask('next', THREAD);
  await stopAt(client);
  assert.equal(await here(client), 'story.s: mov ecx, MSR_IA32_APIC_BASE');
  dispose();
});

test('lines without code move, and what cannot be bound says why', async () => {
  const { client, dispose } = await launched('/story');
  const label = lineWith('story.s', 'function power_off');
  const [moved, none] = await setBreakpoints(client, '/story/story.s', label, 10_000);
  assert.equal(moved?.line, label + 1);
  assert.equal(none?.verified, false);
  assert.match(none?.message ?? '', /^No code was made from this line/);
  const [elsewhere] = await setBreakpoints(client, '/other/story.c', 1);
  assert.match(elsewhere?.message ?? '', /"sourceMap"/);
  dispose();
});

test('a file of symbols without line numbers is told', async () => {
  const { client, dispose } = await launched('/story', { symbols: [] });
  const [unbound] = await setBreakpoints(client, '/story/story.s', 1);
  assert.match(unbound?.message ?? '', /compiled with -g/);
  dispose();
});

test('sources elsewhere are found by sourceMap, and only named when they are not there', async () => {
  const mapped = await launched('/src', { sourceMap: { '.': '/src' } });
  const line = lineWith('real-mode.s', 'lgdt');
  const [set] = await setBreakpoints(mapped.client, '/src/real-mode.s', line);
  assert.ok(set?.verified);
  await mapped.client.ask('configurationDone');
  await stopAt(mapped.client);
  await mapped.client.ask('continue', THREAD);
  await stopAt(mapped.client);
  assert.match(await here(mapped.client), /^real-mode\.s: lgdt/);
  mapped.dispose();

  const missing = await launched('/src');
  await missing.client.ask('configurationDone');
  await stopAt(missing.client);
  const [frame] = await frames(missing.client);
  assert.equal(frame?.source, undefined);
  assert.match(frame?.name ?? '', / \(real-mode\.s:\d+\)$/);
  missing.dispose();
});

test('disassembly names the line where its code begins, counted as the client counts', async () => {
  const { client, dispose } = await launched('/story', {}, { linesStartAt1: false });
  const body = await client.ask('disassemble', {
    memoryReference: '0x00007c00',
    instructionCount: 2,
  });
  const [first] = body['instructions'] as readonly DebugProtocol.DisassembledInstruction[];
  assert.equal(first?.location?.path, '/story/real-mode.s');
  assert.equal((first?.line ?? 0) + 1, lineWith('real-mode.s', ' cli'));
  dispose();
});
