/** The adapter as a process of its own, as editors other than VS Code start it: real streams and threads. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { streamClient } from '../../debug-adapter/testing/stream-client-node.ts';
import type { TestClient } from '../../debug-adapter/testing/test-client.ts';
import { assertGolden, play, transcriptOf } from './transcript.ts';

const MAIN = fileURLToPath(new URL('../../debug-adapter/main.ts', import.meta.url));
const STORY = fileURLToPath(new URL('../../extension/sample/story/story.bin', import.meta.url));
const LAUNCH = { guest: { kernel: STORY, format: 'flat', loadAddress: '0x7c00' } };
const THREAD = { threadId: 1 };

function startAdapter(args: readonly string[], stdin: 'pipe' | 'ignore'): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    stdio: [stdin, 'pipe', 'inherit'],
  });
}

function start(): { readonly client: TestClient; readonly process: ChildProcess } {
  const child = startAdapter([], 'pipe');
  assert.ok(child.stdin && child.stdout);
  return { client: streamClient(child.stdout, child.stdin), process: child };
}

/** A server on a port that it chooses. */
async function startServer(
  more: readonly string[] = [],
): Promise<{ readonly port: number; readonly process: ChildProcess }> {
  const child = startAdapter(['--port', '0', ...more], 'ignore');
  assert.ok(child.stdout);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const [, port] = /^Guestscope listens on 127\.0\.0\.1:(\d+)$/.exec(line) ?? [];
  return { port: Number(port), process: child };
}

async function newClient(port: number): Promise<TestClient> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return streamClient(socket, socket);
}

async function untilRunning(client: TestClient): Promise<void> {
  await client.ask('initialize', {});
  await client.ask('launch', LAUNCH);
  await client.ask('configurationDone');
  assert.equal((await client.event('stopped'))['reason'], 'entry');
  await client.ask('continue', THREAD);
}

describe('adapter process', () => {
  it('launches, reads memory while the guest runs, pauses, and ends when told goodbye', async () => {
    const { client, process: child } = start();
    await untilRunning(client);
    const { data } = await client.ask('readMemory', { memoryReference: 'phys:0x7c00', count: 2 });
    assert.equal(data, Buffer.from([0xfa, 0xfc]).toString('base64'), 'cli, cld');
    await client.ask('pause', THREAD);
    assert.equal((await client.event('stopped'))['reason'], 'pause');
    await client.ask('disconnect');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('ends when the client vanishes in the middle of a run', async () => {
    const { client, process: child } = start();
    await untilRunning(client);
    child.stdin?.destroy();
    child.stdout?.destroy();
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0);
  });

  it('says what is wrong with its arguments', async () => {
    const wrong = [
      ['--port', 'x'],
      ['--port', '65536'],
      ['--nonsense'],
      ['--port', '0', '--once', '--keep'],
    ];
    for (const args of wrong) {
      const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args]);
      const said: Buffer[] = [];
      child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
      assert.deepEqual(await once(child, 'close'), [2, null]);
      assert.match(Buffer.concat(said).toString(), /usage: adapter \[--port N/);
    }
  });
});

describe('adapter process over TCP', () => {
  it('told to serve once, ends when its client has vanished', async () => {
    const { port, process: child } = await startServer(['--once']);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    await untilRunning(streamClient(socket, socket));
    socket.resetAndDestroy();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('keeps a guest that was left running, for the next client, and ends with it', async () => {
    const { port, process: child } = await startServer();
    const first = await newClient(port);
    await untilRunning(first);
    await first.ask('disconnect', { terminateDebuggee: false });
    const second = await newClient(port);
    await second.ask('initialize', {});
    await second.ask('attach', { stopOnEntry: true });
    const history = await second.ask('guestscope/consoleHistory');
    assert.equal(typeof history['text'], 'string');
    await second.ask('configurationDone');
    await second.event('stopped');
    await second.ask('continue', THREAD);
    await second.ask('disconnect');
    child.kill('SIGTERM');
    assert.deepEqual(
      await once(child, 'exit'),
      [null, 'SIGTERM'],
      'its guest keeps it from nothing',
    );
  });

  it('serves one client after another and two at once, and ends with SIGTERM', async () => {
    const { port, process: child } = await startServer();
    const busy = await newClient(port);
    await untilRunning(busy);
    const client = await newClient(port);
    await play(client, [
      ['initialize', { adapterID: 'guestscope', clientID: 'plain' }],
      ['launch', LAUNCH],
      { until: 'initialized' },
      [
        'setInstructionBreakpoints',
        { breakpoints: [{ instructionReference: '0x7c00', offset: 2 }] },
      ],
      ['configurationDone'],
      { until: 'stopped' },
      ['continue', THREAD],
      { until: 'stopped' },
      ['stackTrace', THREAD],
      ['readMemory', { memoryReference: 'phys:0x7c00', count: 2 }],
      ['evaluate', { expression: 'eip', context: 'watch' }],
      ['disconnect'],
    ]);
    assertGolden('tcp-story', transcriptOf(client.said).replaceAll(STORY, 'story.bin'));
    await busy.ask('pause', THREAD);
    assert.equal((await busy.event('stopped'))['reason'], 'pause', 'the other goes on');
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM']);
  });
});
