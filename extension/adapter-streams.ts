/** A debug adapter at the other end of streams: a process of its own, or a server to which one connects. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { connectStreams } from '../debug-adapter/host/transport.ts';
import type { MessageEnd } from './editor-adapter.ts';

/** Starts the bundle with the editor's own executable, which is Node when it is told so. */
export function startAdapterProcess(file: string): MessageEnd {
  const child = spawn(process.execPath, [file], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  const { end, gone } = endOf(child.stdout, child.stdin, () => child.kill());
  child.once('error', gone);
  return end;
}

/** Rejects with a sentence when nobody listens there. */
export async function connectToServer(host: string, port: number): Promise<MessageEnd> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `No debug adapter listens at ${host}:${port} (${problem}); start one there with "adapter --port ${port}", or correct "host" and "port" in launch.json.`,
      { cause },
    );
  }
  socket.setNoDelay(true);
  return endOf(socket, socket, () => socket.destroySoon()).end;
}

function endOf(
  input: Readable,
  output: Writable,
  close: () => void,
): { readonly end: MessageEnd; readonly gone: () => void } {
  const listeners = new Set<(message: object) => void>();
  const tell = (message: unknown): void => {
    if (typeof message !== 'object' || message === null) return;
    for (const listener of listeners) listener(message);
  };
  const gone = (): void => tell({ type: 'event', event: 'terminated', seq: 0 });
  const transport = connectStreams(input, output, tell, gone);
  const end: MessageEnd = {
    handleMessage: (message) => transport.send(message),
    onDidSendMessage: (listener) => {
      listeners.add(listener);
      return { dispose: () => listeners.delete(listener) };
    },
    dispose: () => {
      listeners.clear();
      close();
    },
  };
  return { end, gone };
}
