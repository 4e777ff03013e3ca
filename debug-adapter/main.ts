/**
 * The debug adapter as a program of its own, for any editor. The machine runs in a thread of this process.
 *
 *   adapter                           DAP over standard input and output, one session; ends when the client leaves
 *   adapter --port N [--host NAME]    DAP over TCP, a session for each connection; 0 chooses a free port
 *           [--once]                  … and ends when the last client has left, whatever became of it
 *           [--keep]                  … and keeps the guests of clients that vanish, for others to attach to
 *
 * A client of the server may leave its guest behind when it disconnects, and another may attach to it; with
 * --once there is nobody to come. Guests that wait end with the program.
 *
 * Over TCP the line "Guestscope listens on HOST:PORT" on standard output tells that clients may come, and
 * the program ends with SIGTERM or SIGINT. Exit status 2: wrong arguments; 1: the port cannot be used.
 */
import { parseArgs } from 'node:util';
import { nodeFiles } from './host/files-node.ts';
import { GuestLot } from './machine/guest-lot.ts';
import { nodeScheduler } from './host/scheduler-node.ts';
import { GuestscopeSession } from './session.ts';
import { cacheFolder, FolderStore } from './symbols/index-store-node.ts';
import { startServer } from './host/tcp-node.ts';
import { connectStreams } from './host/transport.ts';
import { machineWorker, startThread } from './worker-node.ts';

const USAGE = 'usage: adapter [--port N [--host NAME] [--once | --keep]]';

function newSession(
  ready: () => Promise<void>,
  left: () => void,
  lot: GuestLot | null = null,
): GuestscopeSession {
  return new GuestscopeSession({
    startWorker: () => startThread(machineWorker(import.meta.url)),
    files: nodeFiles,
    scheduler: nodeScheduler,
    indexStore: new FolderStore(cacheFolder()),
    clientReady: ready,
    disconnected: left,
    ...(lot !== null && { lot }),
  });
}

function serveStandardStreams(): void {
  const leave = (): void => {
    session.dispose();
    // What was written is flushed first; then nothing may keep the process.
    process.stdout.end(() => process.exit(0));
  };
  const session: GuestscopeSession = newSession(() => transport.ready(), leave);
  const transport = connectStreams(
    process.stdin,
    process.stdout,
    (message) => session.handleMessage(message),
    leave,
  );
  session.onDidSendMessage((message) => transport.send(message));
}

async function serveTcp({ host, port, once, keep }: TcpOptions): Promise<void> {
  const lot = once ? null : new GuestLot(nodeScheduler, keep);
  try {
    const server = await startServer({
      host,
      port,
      newSession: (ready, left) => newSession(ready, left, lot),
      emptied: () => {
        if (once) process.exit(0);
      },
      lot,
    });
    process.stdout.write(`Guestscope listens on ${server.host}:${server.port}\n`);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    process.stderr.write(`Port ${port} of ${host} cannot be used: ${problem}; give another one.\n`);
    process.exit(1);
  }
}

function wrongArguments(problem: string): never {
  process.stderr.write(`${problem}\n${USAGE}\n`);
  process.exit(2);
}

interface TcpOptions {
  readonly host: string;
  readonly port: number;
  readonly once: boolean;
  readonly keep: boolean;
}

/** Null: over the standard streams. */
function given(): TcpOptions | null {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        once: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    });
    const { port, host, once, keep } = values;
    if (port === undefined) return null;
    if (!/^\d{1,5}$/.test(port) || Number(port) > 0xffff)
      return wrongArguments(`"${port}" is no port; it is a number from 0 to 65535.`);
    if (once && keep) return wrongArguments('"--once" and "--keep" contradict each other.');
    return { host, port: Number(port), once, keep };
  } catch (cause) {
    return wrongArguments(cause instanceof Error ? cause.message : String(cause));
  }
}

const options = given();
if (options === null) serveStandardStreams();
else void serveTcp(options);
