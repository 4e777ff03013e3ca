/** A session whose machine runs in the test's own thread, with files that are in memory. */
import type { DebugPort } from '../../emulator/debug-port.ts';
import { type Files, wholeFile } from '../host/files.ts';
import type { GuestLot } from '../machine/guest-lot.ts';
import type { MachineFactory } from '../machine/machine-host.ts';
import type { Scheduler } from '../host/scheduler.ts';
import { GuestscopeSession, type SessionEnvironment } from '../session.ts';
import { FakeMachine } from './fake-machine.ts';
import type { Clone } from './local-worker.ts';
import { LocalWorker } from './local-worker.ts';
import { TestClient } from './test-client.ts';

/** What this folder's types do not know: timers and structured clone. */
export interface TestHost {
  readonly scheduler: Scheduler;
  readonly clone: Clone;
  /** Of the server that the sessions belong to. */
  readonly lot?: GuestLot;
}

export interface TestSetup<Machine> {
  readonly session: GuestscopeSession;
  readonly client: TestClient;
  readonly workers: readonly LocalWorker[];
  /** In the order in which they were built. */
  readonly machines: readonly Machine[];
  readonly files: Map<string, Uint8Array>;
}
export type FakeSetup = TestSetup<FakeMachine>;

/** What a test's host has beside files, a scheduler and a machine. */
type TestEnvironment = Partial<
  Pick<SessionEnvironment, 'clientReady' | 'symbolsAtOnce' | 'indexStore'>
>;

/** Files that are in memory, by name. */
export function memoryFiles(files: ReadonlyMap<string, Uint8Array>): Files {
  const readFile = (name: string): Promise<Uint8Array> => {
    const bytes = files.get(name);
    if (bytes !== undefined) return Promise.resolve(bytes);
    return Promise.reject(Object.assign(new Error('not there'), { code: 'ENOENT' }));
  };
  return {
    readFile,
    open: (name) => readFile(name).then(wholeFile),
    exists: (name) => Promise.resolve(files.has(name)),
    inflate: () => Promise.reject(new Error('nothing is packed here')),
  };
}

/** @param createMachine the emulator's, or one that makes fakes. */
export function testSession<Machine extends DebugPort>(
  createMachine: (...given: Parameters<MachineFactory>) => Machine,
  files: Map<string, Uint8Array>,
  host: TestHost,
  more: TestEnvironment = {},
): TestSetup<Machine> {
  const workers: LocalWorker[] = [];
  const machines: Machine[] = [];
  const session = new GuestscopeSession({
    startWorker() {
      const build: MachineFactory = (configuration) => {
        const machine = createMachine(configuration);
        machines.push(machine);
        return machine;
      };
      const worker = new LocalWorker(build, host.scheduler, host.clone);
      workers.push(worker);
      return worker;
    },
    files: memoryFiles(files),
    scheduler: host.scheduler,
    ...more,
    ...(host.lot !== undefined && { lot: host.lot }),
  });
  return { session, client: new TestClient(session), workers, machines, files };
}

/** On the fake machine; @param program bytes at 0x100000, as the file "/guest". */
export function fakeSession(
  program: readonly number[],
  host: TestHost,
  more: TestEnvironment = {},
): FakeSetup {
  const files = new Map([['/guest', Uint8Array.from(program)]]);
  return testSession((given) => new FakeMachine(given), files, host, more);
}

/** What an editor with a memory view says of itself in `initialize`. */
export const EDITOR = {
  supportsVariablePaging: true,
  supportsMemoryReferences: true,
  supportsProgressReporting: true,
  supportsInvalidatedEvent: true,
  supportsMemoryEvent: true,
};

/**
 * Initialized, launched and let go; waits for the entry stop unless it is switched off.
 * @param abilities what the client says of itself beside or instead of EDITOR
 */
export async function begin(
  client: TestClient,
  attributes: { readonly [name: string]: unknown } = {},
  abilities: object = {},
): Promise<void> {
  await client.ask('initialize', { adapterID: 'guestscope', ...EDITOR, ...abilities });
  await client.ask('launch', {
    guest: { kernel: '/guest' },
    machine: { idle: 'skip' },
    ...attributes,
  });
  await client.event('initialized');
  await client.ask('configurationDone');
  if (attributes['stopOnEntry'] !== false) await client.event('stopped');
}
