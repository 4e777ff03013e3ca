/** Sessions over TCP: apart from each other, and gone when their client is. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { nodeFiles } from './files-node.ts';
import { nodeScheduler } from './scheduler-node.ts';
import { GuestscopeSession } from '../session.ts';
import type { NewSession, TcpServer } from './tcp-node.ts';
import { startServer } from './tcp-node.ts';
import { FakeMachine } from '../testing/fake-machine.ts';
import { LocalWorker } from '../testing/local-worker.ts';
import { streamClient } from '../testing/stream-client-node.ts';
import type { TestClient } from '../testing/test-client.ts';
import { begin } from '../testing/test-session.ts';

/** Counts in eax for ever. */
const LOOP = Uint8Array.of(0x40, 0xeb, 0xfd);

describe('sessions over TCP', { timeout: 60_000 }, () => {
  let server: TcpServer;
  /** One for each session that has ended. */
  let disposed: (() => void)[] = [];

  beforeEach(async () => {
    disposed = [];
    const newSession: NewSession = (clientReady, disconnected) => {
      const session = new GuestscopeSession({
        startWorker: () =>
          new LocalWorker((given) => new FakeMachine(given), nodeScheduler, structuredClone),
        files: { ...nodeFiles, readFile: () => Promise.resolve(LOOP) },
        scheduler: nodeScheduler,
        clientReady,
        disconnected,
      });
      const dispose = session.dispose.bind(session);
      session.dispose = () => {
        dispose();
        disposed.shift()?.();
      };
      return session;
    };
    server = await startServer({ host: '127.0.0.1', port: 0, newSession });
  });
  afterEach(() => server.close());

  async function newClient(): Promise<{ readonly client: TestClient; readonly socket: Socket }> {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    return { client: streamClient(socket, socket), socket };
  }
  const nextEnd = (): Promise<void> => new Promise((resolve) => disposed.push(resolve));

  it('have their own machines', async () => {
    const [{ client: first }, { client: second }] = [await newClient(), await newClient()];
    await Promise.all([begin(first), begin(second)]);
    assert.equal(server.sessions(), 2);
    await first.ask('evaluate', { expression: 'eax = 0x1234', context: 'repl' });
    await second.ask('continue', { threadId: 1 });
    const eax = { expression: 'eax', context: 'watch' };
    assert.equal((await first.ask('evaluate', eax))['result'], '0x00001234');
    await second.ask('pause', { threadId: 1 });
    assert.equal((await second.event('stopped'))['reason'], 'pause');
    assert.deepEqual(first.events('continued'), [], 'what one does the other does not hear');
  });

  it('end when the client says goodbye, and the other one goes on', async () => {
    const [{ client, socket }, { client: other }] = [await newClient(), await newClient()];
    await Promise.all([begin(client), begin(other)]);
    const closed = once(socket, 'close');
    await client.ask('disconnect');
    await closed;
    assert.equal((await other.ask('threads'))['threads'] instanceof Array, true);
  });

  it('end when the client vanishes while the guest runs, and in the middle of a message', async () => {
    const { client, socket } = await newClient();
    await begin(client);
    await client.ask('continue', { threadId: 1 });
    let ended = nextEnd();
    socket.resetAndDestroy();
    await ended;
    const half = await newClient();
    ended = nextEnd();
    half.socket.end('Content-Length: 100\r\n\r\n{"seq":1,');
    await ended;
    const { client: next } = await newClient();
    await begin(next);
  });

  it('do not hear a web page', async () => {
    const { socket } = await newClient();
    const request = JSON.stringify({ type: 'request', seq: 1, command: 'initialize' });
    const heard: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    const ended = nextEnd();
    socket.end(`POST / HTTP/1.1\r\nContent-Length: ${request.length}\r\n\r\n${request}`);
    await ended;
    assert.deepEqual(heard, []);
  });
});

it('a port that is in use is refused', async () => {
  const newSession = (): never => assert.fail('no client came');
  const first = await startServer({ host: '127.0.0.1', port: 0, newSession });
  const second = startServer({ host: '127.0.0.1', port: first.port, newSession });
  await assert.rejects(second, /EADDRINUSE/);
  await first.close();
});
