/**
 * A worker for tests that is no thread: the machine's host on the same event loop, behind channels that
 * deliver later and by structured clone, as real ones do. It can be made to die.
 */
import type { Channel, WorkerHandle } from '../machine/machine-channel.ts';
import type { MachineFactory } from '../machine/machine-host.ts';
import { serveMachine } from '../machine/machine-host.ts';
import type { Scheduler } from '../host/scheduler.ts';

/** Copies a value as a message does; given because this folder's types know no host. */
export type Clone = (value: unknown) => unknown;

export class LocalWorker implements WorkerHandle {
  readonly channel: Channel;
  private tell: (cause: string) => void = () => undefined;
  private alive = true;

  constructor(createMachine: MachineFactory, scheduler: Scheduler, clone: Clone) {
    interface Side {
      hear(message: unknown): void;
    }
    const toHost: Side = { hear: () => undefined };
    const toClient: Side = { hear: () => undefined };
    const end = (own: Side, other: Side): Channel => ({
      post: (message) => {
        const copy = clone(message);
        scheduler.yield(() => {
          if (this.alive) other.hear(copy);
        });
      },
      onMessage: (listener) => (own.hear = listener),
    });
    this.channel = end(toClient, toHost);
    // A terminated thread does nothing more.
    const whileAlive = (callback: () => void) => (): void => {
      if (this.alive) callback();
    };
    const own: Scheduler = {
      ...scheduler,
      yield: (callback) => scheduler.yield(whileAlive(callback)),
      after: (delay, callback) => scheduler.after(delay, whileAlive(callback)),
    };
    serveMachine(end(toHost, toClient), createMachine, own);
  }

  onDeath(listener: (cause: string) => void): void {
    this.tell = listener;
  }

  terminate(): void {
    this.alive = false;
  }

  /** The worker ends by itself, as after an uncaught error. */
  die(cause: string): void {
    this.alive = false;
    this.tell(cause);
  }
}
