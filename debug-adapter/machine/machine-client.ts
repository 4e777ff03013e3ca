/**
 * The adapter's side of the machine: calls as promises, stops and output as callbacks. It never leaves a
 * caller waiting: when the worker dies every open call fails with the cause, and a call that is not
 * answered in time fails too.
 */
import type { AdapterError } from '../errors.ts';
import { failure } from '../errors.ts';
import type {
  CallFailure,
  FromWorker,
  HostStop,
  MachineService,
  OutputBatch,
  ServiceMethod,
  ToWorker,
  WorkerHandle,
} from './machine-channel.ts';
import type { MachinePosition } from '../../emulator/debug-port.ts';
import type { Scheduler } from '../host/scheduler.ts';

export interface MachineListener {
  /** A machine was built; stops that were told before belong to an earlier one. */
  created(): void;
  stopped(reason: HostStop, position: MachinePosition): void;
  /** The next batch comes when the promise is fulfilled. */
  output(batch: OutputBatch): Promise<void>;
  /** The worker has ended by itself; nothing will come any more. */
  died(error: AdapterError): void;
}

/** An error that the machine answered: a bad condition, a register that does not exist, … */
export class MachineRefusal extends Error {
  /** Class of the error in the worker. */
  readonly kind: string;
  readonly attribute: string | undefined;
  /** Of the character of an expression. */
  readonly position: number | undefined;

  constructor({ name, message, attribute, position }: CallFailure) {
    super(message);
    this.name = 'MachineRefusal';
    this.kind = name;
    this.attribute = attribute;
    this.position = position;
  }
}

/** A worker with its machine, on its way from one client to the next. */
export interface ReleasedWorker {
  readonly worker: WorkerHandle;
  /** Answers with lower numbers belong to earlier clients. */
  readonly nextId: number;
}

/** Slowest answer that is waited for; building a machine and its memory is not under this limit. */
const ANSWER_SECONDS = 15;

interface OpenCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class MachineClient {
  private readonly worker: WorkerHandle;
  private readonly listener: MachineListener;
  private readonly scheduler: Scheduler;
  private readonly open = new Map<number, OpenCall>();
  private nextId: number;
  /** A batch of output was received and not yet taken. */
  private holdsBatch = false;
  private ended: AdapterError | null = null;

  constructor({ worker, nextId }: ReleasedWorker, listener: MachineListener, scheduler: Scheduler) {
    this.worker = worker;
    this.nextId = nextId;
    this.listener = listener;
    this.scheduler = scheduler;
    worker.channel.onMessage((message) => this.receive(message as FromWorker));
    worker.onDeath((cause) => {
      const error = failure('workerEnded', { cause });
      if (this.end(error)) listener.died(error);
    });
  }

  /**
   * Rejects with MachineRefusal when the machine refuses, with AdapterError when there is none to
   * answer.
   */
  call<M extends ServiceMethod>(
    method: M,
    ...args: Parameters<MachineService[M]>
  ): Promise<ReturnType<MachineService[M]>> {
    return new Promise((resolve, reject) => {
      if (this.ended !== null) {
        reject(this.ended);
        return;
      }
      const id = this.nextId++;
      const cancel =
        method === 'create'
          ? () => undefined
          : this.scheduler.after(ANSWER_SECONDS * 1000, () => {
              this.open.delete(id);
              reject(failure('workerSilent', { method, seconds: String(ANSWER_SECONDS) }));
            });
      this.open.set(id, {
        resolve: (value) => {
          cancel();
          if (method === 'create') this.listener.created();
          resolve(value as ReturnType<MachineService[M]>);
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      });
      this.post({ kind: 'call', id, method, args });
    });
  }

  /** Ends the worker; open calls fail. */
  dispose(): void {
    if (this.end(failure('sessionEnded', { command: 'This' }))) this.worker.terminate();
  }

  /** Gives the worker away, machine and all; open calls fail here, and nothing more is heard. */
  release(): ReleasedWorker {
    if (this.holdsBatch) this.post({ kind: 'taken' });
    if (!this.end(failure('sessionEnded', { command: 'This' })))
      throw new RangeError('the worker has ended, or was given away');
    return { worker: this.worker, nextId: this.nextId };
  }

  private end(error: AdapterError): boolean {
    if (this.ended !== null) return false;
    this.ended = error;
    for (const call of this.open.values()) call.reject(error);
    this.open.clear();
    return true;
  }

  private receive(message: FromWorker): void {
    if (this.ended !== null) return;
    switch (message.kind) {
      case 'result':
        this.take(message.id)?.resolve(message.value);
        break;
      case 'failure':
        this.take(message.id)?.reject(new MachineRefusal(message.failure));
        break;
      case 'stopped':
        this.listener.stopped(message.reason, message.position);
        break;
      case 'output': {
        this.holdsBatch = true;
        const taken = (): void => {
          this.holdsBatch = false;
          this.post({ kind: 'taken' });
        };
        this.listener.output(message.batch).then(taken, taken);
        break;
      }
    }
  }

  private take(id: number): OpenCall | undefined {
    const call = this.open.get(id);
    this.open.delete(id);
    return call;
  }

  private post(message: ToWorker): void {
    if (this.ended === null) this.worker.channel.post(message);
  }
}
