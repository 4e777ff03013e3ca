/** The debug adapter as a process of its own, DAP over its standard streams. */
import { spawn } from 'node:child_process';
import { connectStreams } from '../debug-adapter/transport.ts';
import type { MessageEnd } from './editor-adapter.ts';

/** Starts the bundle with the editor's own executable, which is Node when it is told so. */
export function startAdapterProcess(file: string): MessageEnd {
  const listeners = new Set<(message: object) => void>();
  const child = spawn(process.execPath, [file], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  const tell = (message: unknown) => {
    if (typeof message !== 'object' || message === null) return;
    for (const listener of listeners) listener(message);
  };
  const gone = () => tell({ type: 'event', event: 'terminated', seq: 0 });
  child.once('error', gone);
  const transport = connectStreams(child.stdout, child.stdin, tell, gone);
  return {
    handleMessage: (message) => transport.send(message),
    onDidSendMessage: (listener) => {
      listeners.add(listener);
      return { dispose: () => listeners.delete(listener) };
    },
    dispose: () => {
      listeners.clear();
      child.kill();
    },
  };
}
