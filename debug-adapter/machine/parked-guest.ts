/**
 * A guest whose client has left it behind: its machine goes on in its worker, stopped or running, without
 * breakpoints, and what it prints is kept, until another session takes it over. Where it is when that
 * happens is a place between two instructions like any other, so nothing is lost of it.
 */
import type { AdapterError } from '../errors.ts';
import { GuestOutput } from './guest-output.ts';
import type { LaunchConfiguration } from '../launch/launch-configuration.ts';
import type { HostStop } from './machine-channel.ts';
import type { ReleasedWorker } from './machine-client.ts';
import { MachineClient } from './machine-client.ts';
import { NO_RULES } from './run-rules.ts';
import type { Scheduler } from '../host/scheduler.ts';
import type { Sources } from '../source-level/sources.ts';
import { describeStop } from '../stops.ts';
import { Breakpoints } from '../breakpoints.ts';
import type { GuestSymbols } from '../symbols/symbol-files.ts';

/** What a session knows of its guest beside the machine. */
export interface GuestKnowledge {
  readonly configuration: LaunchConfiguration;
  /** As the client sent them, for a restart. */
  readonly launchArguments: unknown;
  readonly files: GuestSymbols;
  readonly sources: Sources;
  /** Why it is stopped; null while it runs and before its first instruction. */
  readonly stop: HostStop | null;
  readonly output: GuestOutput;
}

/** What a guest is to do without a client; "as it is": run if it runs. */
export type Fate = 'running' | 'stopped' | 'as it is';

/** A guest at rest, for the session that takes it over. */
export interface TakenGuest {
  readonly worker: ReleasedWorker;
  readonly knowledge: GuestKnowledge;
  readonly wasRunning: boolean;
}

/** A machine that stopped so stays as it is: going on would boot it again. */
const ENDED: readonly HostStop['kind'][] = ['triple-fault', 'reset', 'power-off'];

export class ParkedGuest {
  private readonly machine: MachineClient;
  private readonly knowledge: GuestKnowledge;
  private readonly settled: Promise<void>;
  private stop: HostStop | null;
  private running = false;
  private ended: string | null = null;
  private readonly gone: () => void;
  private onStop: () => void = () => undefined;

  /** @param gone called once when the guest has ended by itself. */
  constructor(
    worker: ReleasedWorker,
    knowledge: GuestKnowledge,
    fate: Fate,
    scheduler: Scheduler,
    gone: () => void,
  ) {
    this.gone = gone;
    const output = new GuestOutput({ custom: () => undefined, print: () => undefined });
    output.continueFrom(knowledge.output);
    this.knowledge = { ...knowledge, output };
    this.stop = knowledge.stop;
    this.machine = new MachineClient(
      worker,
      {
        created: () => undefined,
        stopped: (reason) => this.stopped(reason),
        output: (batch) => {
          output.take(batch, knowledge.files.symbols);
          return Promise.resolve();
        },
        died: ({ message }: AdapterError) => this.end(message),
      },
      scheduler,
    );
    // who takes it over hears what went wrong
    this.settled = this.settle(fate).catch((cause: unknown) => this.end(String(cause)));
  }

  /** Stops it and gives it away; gives the sentence why there is nothing to give. */
  async take(): Promise<TakenGuest | string> {
    await this.settled;
    const wasRunning = this.running;
    try {
      await this.rest();
    } catch (cause) {
      this.end(String(cause));
    }
    if (this.ended !== null) return this.ended;
    const knowledge = { ...this.knowledge, stop: this.stop };
    return { worker: this.machine.release(), knowledge, wasRunning: wasRunning && this.onlyPaused };
  }

  /** Ends the guest for good. */
  dispose(): void {
    this.ended ??= 'The server has ended.';
    this.knowledge.files.close();
    this.machine.dispose();
  }

  private get onlyPaused(): boolean {
    return this.stop?.kind === 'pause';
  }

  private async settle(fate: Fate): Promise<void> {
    const { machine } = this;
    // the old client has gone before it was told
    if (this.stop?.kind === 'power-off') {
      this.stopped(this.stop);
      return;
    }
    const ran = await machine.call('isRunning');
    await this.rest();
    await machine.call('setInstructionBreakpoints', []);
    await machine.call('setExitBreakpoints', []);
    await machine.call('setEventBreakpoints', []);
    await machine.call('setDataBreakpoints', []);
    await machine.call('setRunRules', NO_RULES);
    await machine.call('followExits', false);
    const goesOn = fate === 'running' || (fate === 'as it is' && ran && this.onlyPaused);
    if (!goesOn || this.ended !== null) return;
    if (this.stop !== null && ENDED.includes(this.stop.kind)) return;
    this.running = true;
    this.stop = null;
    await machine.call('resume', { kind: 'continue' });
  }

  /** Fulfilled when the guest does not run. */
  private async rest(): Promise<void> {
    const stopped = new Promise<void>((resolve) => (this.onStop = resolve));
    await this.machine.call('pause');
    if (await this.machine.call('isRunning')) await stopped;
  }

  private stopped(reason: HostStop): void {
    this.running = false;
    this.stop = reason;
    if (reason.kind === 'power-off') {
      const { text = '' } = describeStop(reason, new Breakpoints(), this.knowledge.files.symbols);
      this.end(text);
    }
    this.onStop();
  }

  private end(why: string): void {
    if (this.ended !== null) return;
    this.ended = why;
    this.onStop();
    this.knowledge.files.close();
    this.machine.dispose();
    this.gone();
  }
}
