/** The tests' DAP client over a pair of streams: a process, or a connection. */
import type { Readable, Writable } from 'node:stream';
import { connectStreams } from '../host/transport.ts';
import { TestClient } from './test-client.ts';

/** @param gone called once when the adapter has closed the streams. */
export function streamClient(
  input: Readable,
  output: Writable,
  gone: () => void = () => undefined,
): TestClient {
  const listeners: ((message: object) => void)[] = [];
  const transport = connectStreams(
    input,
    output,
    (message) => {
      for (const listener of listeners) listener(message as object);
    },
    gone,
  );
  return new TestClient({
    handleMessage: (message) => transport.send(message),
    onDidSendMessage: (listener) => {
      listeners.push(listener as (message: object) => void);
      return { dispose: () => undefined };
    },
  });
}
