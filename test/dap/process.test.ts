/** The adapter as a process of its own, as editors other than VS Code start it: real streams and threads. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TestClient } from '../../debug-adapter/testing/test-client.ts';
import { connectStreams } from '../../debug-adapter/transport.ts';

const MAIN = fileURLToPath(new URL('../../debug-adapter/main.ts', import.meta.url));
const STORY = fileURLToPath(new URL('../../extension/sample/story/story.bin', import.meta.url));
const LAUNCH = { guest: { kernel: STORY, format: 'flat', loadAddress: '0x7c00' } };

function start(): { readonly client: TestClient; readonly process: ChildProcess } {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const listeners: ((message: object) => void)[] = [];
  const transport = connectStreams(
    child.stdout,
    child.stdin,
    (message) => {
      for (const listener of listeners) listener(message as object);
    },
    () => undefined,
  );
  const client = new TestClient({
    handleMessage: (message) => transport.send(message),
    onDidSendMessage: (listener) => {
      listeners.push(listener as (message: object) => void);
      return { dispose: () => undefined };
    },
  });
  return { client, process: child };
}

async function untilRunning(client: TestClient): Promise<void> {
  await client.ask('initialize', {});
  await client.ask('launch', LAUNCH);
  await client.ask('configurationDone');
  assert.equal((await client.event('stopped'))['reason'], 'entry');
  await client.ask('continue', { threadId: 1 });
}

describe('adapter process', () => {
  it('launches, reads memory while the guest runs, pauses, and ends when told goodbye', async () => {
    const { client, process: child } = start();
    await untilRunning(client);
    const { data } = await client.ask('readMemory', { memoryReference: 'phys:0x7c00', count: 2 });
    assert.equal(data, Buffer.from([0xfa, 0xfc]).toString('base64'), 'cli, cld');
    await client.ask('pause', { threadId: 1 });
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
});
