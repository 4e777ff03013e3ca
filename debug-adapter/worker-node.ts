/** The machine's worker as a thread of Node: both ends of its channel. */
import { parentPort, Worker } from 'node:worker_threads';
import type { Channel, WorkerHandle } from './machine-channel.ts';
import type { MachineFactory } from './machine-host.ts';
import { serveMachine } from './machine-host.ts';
import { nodeScheduler } from './scheduler-node.ts';

/**
 * Starts a thread on the file, which must call serveThread(). A TypeScript file is run through tsx, as
 * the tests and a checkout do; a bundle runs as it is.
 */
export function startThread(file: URL): WorkerHandle {
  const typescript = file.pathname.endsWith('.ts');
  const worker = new Worker(file, {
    name: 'guestscope-machine',
    ...(typescript && { execArgv: ['--import', 'tsx'] }),
  });
  let terminated = false;
  const listeners: ((cause: string) => void)[] = [];
  let cause: string | null = null;
  const died = (what: string): void => {
    if (terminated || cause !== null) return;
    cause = what;
    for (const listener of listeners) listener(what);
  };
  worker.on('error', (error) => died(error instanceof Error ? error.message : String(error)));
  worker.on('messageerror', (error) => died(error.message));
  worker.on('exit', (code) => died(`exit status ${code}`));
  return {
    channel: {
      post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
      onMessage: (listener) => void worker.on('message', listener),
    },
    onDeath(listener) {
      if (cause === null) listeners.push(listener);
      else listener(cause);
    },
    terminate() {
      terminated = true;
      void worker.terminate();
    },
  };
}

/** Serves machines from inside the thread. */
export function serveThread(createMachine: MachineFactory): void {
  const port = parentPort;
  if (port === null) throw new Error('This file is a worker; start it through startThread().');
  const channel: Channel = {
    post: (message, transfer = []) => port.postMessage(message, [...transfer]),
    onMessage: (listener) => void port.on('message', listener),
  };
  serveMachine(channel, createMachine, nodeScheduler);
}
