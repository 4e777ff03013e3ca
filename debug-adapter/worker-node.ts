/** The machine's worker as a thread of Node: both ends of its channel. */
import { parentPort, Worker } from 'node:worker_threads';
import type { Channel, WorkerHandle } from './machine/machine-channel.ts';
import type { MachineFactory } from './machine/machine-host.ts';
import { serveMachine } from './machine/machine-host.ts';
import { nodeScheduler } from './host/scheduler-node.ts';

/**
 * Starts a thread on the file, which must call serveThread(). A TypeScript file is run through tsx, as
 * the tests and a checkout do; a bundle runs as it is.
 */
export function startThread(file: URL): WorkerHandle {
  const name = 'guestscope-machine';
  const worker = file.pathname.endsWith('.ts')
    ? new Worker(throughTsx(file), { name, eval: true })
    : new Worker(file, { name });
  let terminated = false;
  let tell: (cause: string) => void = () => undefined;
  let cause: string | null = null;
  const died = (what: string): void => {
    if (terminated || cause !== null) return;
    cause = what;
    tell(what);
  };
  worker.on('error', (error) => died(error instanceof Error ? error.message : String(error)));
  worker.on('messageerror', (error) => died(error.message));
  worker.on('exit', (code) => died(`exit status ${code}`));
  return {
    channel: {
      post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
      onMessage: (listener) => void worker.removeAllListeners('message').on('message', listener),
    },
    onDeath(listener) {
      if (cause === null) tell = listener;
      else listener(cause);
    },
    terminate() {
      terminated = true;
      void worker.terminate();
    },
  };
}

/** The worker's file beside the one that asks: a bundle beside a bundle, a source beside a source. */
export function machineWorker(importMetaUrl: string): URL {
  const typescript = importMetaUrl.endsWith('.ts');
  return new URL(typescript ? './machine-worker-main.ts' : './machine-worker.cjs', importMetaUrl);
}

/** A thread does not inherit tsx from a program that runs under it, so it is registered anew. */
function throughTsx(file: URL): string {
  const url = JSON.stringify(file.href);
  return `
    const { createRequire } = require('node:module');
    const { pathToFileURL } = require('node:url');
    const api = createRequire(${url}).resolve('tsx/esm/api').replace(/cjs$/, 'mjs');
    import(pathToFileURL(api).href).then(({ register }) => { register(); return import(${url}); });`;
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
