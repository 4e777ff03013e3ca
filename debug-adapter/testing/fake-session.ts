/** A session on the fake machine in the test's own thread, with files that are in memory. */
import type { Files } from '../files.ts';
import type { Scheduler } from '../scheduler.ts';
import { GuestscopeSession } from '../session.ts';
import { FakeMachine } from './fake-machine.ts';
import type { Clone } from './local-worker.ts';
import { LocalWorker } from './local-worker.ts';
import { TestClient } from './test-client.ts';

export interface FakeSetup {
  readonly session: GuestscopeSession;
  readonly client: TestClient;
  readonly workers: readonly LocalWorker[];
  readonly machines: readonly FakeMachine[];
  readonly files: Map<string, Uint8Array>;
}

/** @param program bytes at 0x100000, as the file "/guest". */
export function fakeSession(
  program: readonly number[],
  host: { readonly scheduler: Scheduler; readonly clone: Clone },
  clientReady?: () => Promise<void>,
): FakeSetup {
  const files = new Map([['/guest', Uint8Array.from(program)]]);
  const workers: LocalWorker[] = [];
  const machines: FakeMachine[] = [];
  const readable: Files = {
    readFile(name) {
      const bytes = files.get(name);
      if (bytes !== undefined) return Promise.resolve(bytes);
      return Promise.reject(Object.assign(new Error('not there'), { code: 'ENOENT' }));
    },
  };
  const session = new GuestscopeSession({
    startWorker() {
      const worker = new LocalWorker(
        (configuration) => {
          const machine = new FakeMachine(configuration);
          machines.push(machine);
          return machine;
        },
        host.scheduler,
        host.clone,
      );
      workers.push(worker);
      return worker;
    },
    files: readable,
    scheduler: host.scheduler,
    ...(clientReady !== undefined && { clientReady }),
  });
  return { session, client: new TestClient(session), workers, machines, files };
}

/** Initialized, launched and let go; waits for the entry stop unless it is switched off. */
export async function begin(
  client: TestClient,
  attributes: { readonly [name: string]: unknown } = {},
): Promise<void> {
  await client.ask('initialize', { adapterID: 'guestscope' });
  await client.ask('launch', {
    guest: { kernel: '/guest' },
    machine: { idle: 'skip' },
    ...attributes,
  });
  await client.event('initialized');
  await client.ask('configurationDone');
  if (attributes['stopOnEntry'] !== false) await client.event('stopped');
}
