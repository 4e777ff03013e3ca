/**
 * Bad input through the whole adapter and the real machine: every one ends in a clear sentence or in a
 * stop whose state can be looked at, never in a hang or a lost session.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import { begin, testSession } from '../../debug-adapter/testing/test-session.ts';
import type { TestSetup } from '../../debug-adapter/testing/test-session.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';
import type { DebugPort } from '../../emulator/debug-port.ts';

const THREAD = { threadId: 1 };

function setup(files: { readonly [name: string]: Uint8Array }): TestSetup<DebugPort> {
  const host = { scheduler: nodeScheduler, clone: structuredClone };
  return testSession(createMachine, new Map(Object.entries(files)), host);
}

describe('a kernel that cannot be used', () => {
  async function sentence(
    guest: { readonly [attribute: string]: unknown },
    files: { readonly [name: string]: Uint8Array },
    machine: { readonly [attribute: string]: unknown } = {},
  ): Promise<string> {
    const { client, session } = setup(files);
    await client.ask('initialize');
    const text = await client.refused('launch', { guest, machine });
    assert.match(text, /^launch\.json: "[a-zA-Z.[\]0-9]+"/, text);
    assert.doesNotMatch(text, /undefined|NaN|\[object/, text);
    // The session is still there, and a good launch succeeds in it.
    const good = { kernel: '/good', format: 'flat', loadAddress: '0x7c00' };
    await client.ask('launch', { guest: good, machine: { memory: '1M' } });
    session.dispose();
    return text;
  }
  const good = { '/good': Uint8Array.of(0xf4) };

  it('is missing', async () => {
    assert.match(
      await sentence({ kernel: '/none' }, good),
      /"guest.kernel" names \/none.*no such file/,
    );
  });

  it('is empty', async () => {
    const files = { ...good, '/k': new Uint8Array(0) };
    assert.match(await sentence({ kernel: '/k' }, files), /"guest\.kernel"/);
  });

  it('is of the wrong kind', async () => {
    const files = {
      ...good,
      '/k': new TextEncoder().encode('<!doctype html><p>404</p>'.repeat(50)),
    };
    for (const format of ['bzimage', 'multiboot'])
      assert.match(await sentence({ kernel: '/k', format }, files), /"guest\.(kernel|format)"/);
  });

  it('is truncated', async () => {
    const header = new Uint8Array(2048);
    // A boot sector with the Linux setup header's magic and nothing behind it (boot.rst, "The real-mode
    // kernel header").
    header.set([0x55, 0xaa], 0x1fe);
    header.set(new TextEncoder().encode('HdrS'), 0x202);
    header.set([0x0f, 0x02], 0x206);
    header[0x1f1] = 30;
    const files = { ...good, '/k': header };
    assert.match(await sentence({ kernel: '/k', format: 'bzimage' }, files), /"guest\.kernel"/);
  });

  it('does not fit into memory', async () => {
    const files = { ...good, '/k': new Uint8Array(3 << 20).fill(0x90) };
    const guest = { kernel: '/k', format: 'flat', loadAddress: '0x100000' };
    assert.match(await sentence(guest, files, { memory: '2M' }), /"(guest\.|machine\.)\w+"/);
  });

  it('comes with modules, an entry or an address that it cannot have', async () => {
    const flat = { kernel: '/good', format: 'flat' };
    for (const [guest, expected] of [
      [{ ...flat, modules: ['/none a'] }, /"guest\.modules\[0\]" names \/none, .*no such file/],
      [{ ...flat, modules: ['/good'] }, /"guest\.modules": .*flat has no way to find modules/],
      [{ ...flat, modules: [{ file: '' }] }, /"guest\.modules\[0\]\.file" is ""/],
      [{ ...flat, entry: '16-bit' }, /"guest\.entry": .*flat has only one entry/],
      [{ ...flat, entry: '64-bit' }, /"guest\.entry" is "64-bit", and must be one of/],
      [{ ...flat, loadAddress: '0x1000000' }, /"guest\.loadAddress": .*below 1 MiB/],
      [{ kernel: '/good', format: 'pvh' }, /"guest\.kernel": \/good is no pvh image/],
    ] as const)
      assert.match(await sentence(guest, good), expected);
  });

  it('asks for a processor, profile or amount of memory that there is not', async () => {
    for (const [attribute, machine] of [
      ['machine.cpu', { cpu: 'pentium9' }],
      ['machine.memory', { memory: '64' }],
    ] as const)
      assert.ok((await sentence({ kernel: '/good' }, good, machine)).includes(`"${attribute}"`));
  });
});

describe('a guest that misbehaves', () => {
  const BAD = new URL('../guests/bad/built/', import.meta.url);

  async function start(name: string, attributes = {}): Promise<TestSetup<DebugPort>> {
    const files = { '/guest': new Uint8Array(readFileSync(new URL(`${name}.bin`, BAD))) };
    const run = setup(files);
    await begin(run.client, {
      guest: { kernel: '/guest', format: 'flat', loadAddress: '0x7c00' },
      machine: { memory: '16M', idle: 'skip' },
      ...attributes,
    });
    await run.client.ask('continue', THREAD);
    return run;
  }

  /** The state is there: registers, a stack, a disassembly. */
  async function assertAlive({ client, session }: TestSetup<DebugPort>): Promise<void> {
    const { stackFrames } = await client.ask('stackTrace', THREAD);
    const [{ instructionPointerReference } = { instructionPointerReference: '' }] = stackFrames as {
      instructionPointerReference: string;
    }[];
    const { instructions } = await client.ask('disassemble', {
      memoryReference: instructionPointerReference,
      instructionOffset: -20,
      instructionCount: 50,
    });
    assert.equal((instructions as unknown[]).length, 50);
    await client.ask('evaluate', { expression: 'r', context: 'repl' });
    session.dispose();
  }

  for (const [name, text] of [
    ['triple-fault', /^Triple fault: /],
    ['jump-into-nothing', /^Triple fault: /],
    ['halt-forever', /nothing can wake it/],
  ] as const)
    it(`stops with what happened: ${name}`, async () => {
      const run = await start(name);
      assert.match(String((await run.client.event('stopped'))['text']), text);
      await assertAlive(run);
    });

  for (const name of ['endless-loop', 'runaway', 'serial-flood'])
    it(`can be paused: ${name}`, async () => {
      const run = await start(name);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await run.client.ask('pause', THREAD);
      assert.equal((await run.client.event('stopped'))['reason'], 'pause');
      await assertAlive(run);
    });

  it('reads ones where there is no memory, and goes on', async () => {
    const { client, session } = await start('unmapped-memory');
    assert.deepEqual(await client.event('exited'), { exitCode: 0xff });
    session.dispose();
  });

  it('boots again after a triple fault when told to go on', async () => {
    const run = await start('triple-fault');
    await run.client.event('stopped');
    await run.client.ask('continue', THREAD);
    assert.match(String((await run.client.event('stopped'))['text']), /^Triple fault: /);
    assert.equal(run.machines.length, 2);
    await assertAlive(run);
  });
});
