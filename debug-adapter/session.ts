/**
 * A debug session from `initialize` to the end, as the Debug Adapter Protocol knows it. Messages come in
 * through handleMessage() and go out through onDidSendMessage(), so that the same object serves stdio, an
 * editor that holds it in its own process (the shape is VS Code's DebugAdapter), and tests.
 *
 *   new ── initialize → initialized ── launch → configuring ── configurationDone → stopped ⇄ running → ended
 *
 * Here is what changes the state. Who answers which request, and when it is legal, is in
 * request-table.ts; how they are lined up, in dispatcher.ts; what is known of the guest, in guest.ts.
 */
import { Event } from '@vscode/debugadapter/lib/messages.js';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { MachinePosition, ResumeMode } from '../emulator/debug-port.ts';
import type { AttachConfiguration } from './launch/attach-configuration.ts';
import type { ClientAbilities } from './client-abilities.ts';
import { NO_ABILITIES } from './client-abilities.ts';
import { Dispatcher } from './dispatcher.ts';
import type { AdapterError } from './errors.ts';
import { failure } from './errors.ts';
import { setFilterOfLaunch } from './exits/exit-log-filter.ts';
import type { Files } from './host/files.ts';
import { threadOf } from './focus.ts';
import { Guest } from './guest.ts';
import { GuestOutput } from './machine/guest-output.ts';
import type { GuestLot, GuestPlace } from './machine/guest-lot.ts';
import { type Plan, type PowerPlan, powerPlan, symbolsOf } from './launch/launch-plan.ts';
import { setBreakpointsOfLaunch } from './launch/launch-breakpoints.ts';
import type { StepPlan } from './source-level/line-step.ts';
import { asAttached, checkedAttachment } from './launch/launching.ts';
import type { HostStop, WorkerHandle } from './machine/machine-channel.ts';
import type { ReleasedWorker } from './machine/machine-client.ts';
import { MachineClient, MachineRefusal } from './machine/machine-client.ts';
import type { Fate } from './machine/parked-guest.ts';
import type { CustomEventName, CustomEvents, PositionBody, SummaryBody } from './protocol.ts';
import type { Progress, Work } from './progress.ts';
import { hookAtStop } from './paravirt-hooks/hook-stop.ts';
import { ParavirtHooks } from './paravirt-hooks/paravirt-hooks.ts';
import type { Scheduler } from './host/scheduler.ts';
import { SymbolWatch } from './source-level/symbol-watch.ts';
import { describeJump, describeStop, type StopDescription } from './stops.ts';
import type { IndexStore } from './symbols/index-store.ts';

export type SessionState = 'new' | 'initialized' | 'configuring' | 'stopped' | 'running' | 'ended';

/** What a session needs of its host. */
export interface SessionEnvironment {
  /** Starts a worker that serves a machine (machine-host.ts). */
  startWorker(): WorkerHandle;
  readonly files: Files;
  readonly scheduler: Scheduler;
  /** Bytes of a file's debugging information that a launch waits for; absent: as symbol-files.ts has it. */
  readonly symbolsAtOnce?: number;
  /** Where indexes of debugging information are kept; absent: they are built in each session. */
  readonly indexStore?: IndexStore;
  /** Fulfilled when the client can take more; output waits for it. Absent: it always can. */
  readonly clientReady?: () => Promise<void>;
  /** Called when the client has said goodbye and was answered. */
  readonly disconnected?: () => void;
  /** Where guests wait for another client, in a server; absent: a guest ends with its session. */
  readonly lot?: GuestLot;
}

export class GuestscopeSession {
  readonly environment: SessionEnvironment;
  private readonly dispatcher: Dispatcher;
  private readonly output: GuestOutput;
  readonly watch: SymbolWatch;
  private readonly listeners = new Set<(message: DebugProtocol.ProtocolMessage) => void>();
  private sequence = 1;
  private disposed = false;
  private currentState: SessionState = 'new';
  private currentGuest: Guest | null = null;
  /** What the client can do, from `initialize`. */
  abilities: ClientAbilities = NO_ABILITIES;
  /** Arguments of the launch, for a restart that brings none. */
  private launchArguments: unknown = undefined;
  /** With which the client hears of the guest first; null: it runs at once. */
  private firstStop: HostStop | null = null;
  /** Why the guest is stopped; null while it runs and before its first instruction. */
  private lastStop: HostStop | null = null;
  /** The guest's at the server; null where it ends with the session. */
  private place: GuestPlace | null = null;
  /** How the guest was taken over; null for one that was launched here. */
  private attachment: AttachConfiguration | null = null;
  /** How the guest goes on when the files are read that its breakpoints need; null: it does not wait. */
  private held: ResumeMode | null = null;
  /** Number of the machine that counts now; a stop of an earlier one is too late. */
  private machineNumber = 0;

  constructor(environment: SessionEnvironment) {
    this.environment = environment;
    this.dispatcher = new Dispatcher(
      this,
      (message) => this.send(message),
      (error) => this.report(error),
    );
    this.watch = new SymbolWatch(this, this.dispatcher, environment);
    this.output = new GuestOutput({
      custom: (name, body) => this.custom(name, body),
      print: (category, output) => this.event('output', { category, output }),
    });
  }

  // -------------------------------------------------------------------------------- for the client

  /** Subscribes to what the session sends. */
  onDidSendMessage = (
    listener: (message: DebugProtocol.ProtocolMessage) => void,
  ): { dispose(): void } => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };

  /** Takes one message of the client, whatever it is; never throws. */
  handleMessage(message: unknown): void {
    if (!this.disposed) this.dispatcher.receive(message);
  }

  /** The client is gone: ends the machine, unless the server keeps it, and says nothing more. */
  dispose(): void {
    if (this.environment.lot?.keepsAbandoned === true) this.leaveBehind('as it is');
    this.close();
  }

  // ------------------------------------------------------------------------------ for the handlers

  get state(): SessionState {
    return this.currentState;
  }

  /** Throws the numbered error before a launch; the request table lets nobody come so far. */
  get guest(): Guest {
    if (this.currentGuest === null) throw failure('notLaunched', { command: 'This' });
    return this.currentGuest;
  }

  get hasGuest(): boolean {
    return this.currentGuest !== null && this.currentState !== 'ended';
  }

  get consoleHistory(): string {
    return this.output.history;
  }

  event(event: string, body?: unknown): void {
    const { type } = new Event(event);
    this.send({ type, event, ...(body !== undefined && { body }) });
  }

  custom<Name extends CustomEventName>(name: Name, body: CustomEvents[Name]): void {
    this.event(name, body);
  }

  cancel(sequence: number): void {
    this.dispatcher.cancel(sequence);
  }

  cancelProgress(id: string): void {
    this.dispatcher.cancelProgress(id);
  }

  /** Whether guests can be left behind, and others be taken over. */
  get hasLot(): boolean {
    return this.environment.lot !== undefined;
  }

  /** A guest that was launched here ends with the session, if nothing else is said. */
  get isAttached(): boolean {
    return this.attachment !== null;
  }

  /**
   * The client leaves; the host is told so that it can leave too.
   * @param fate null: the guest ends
   */
  disconnect(fate: Fate | null): void {
    if (fate !== null) this.leaveBehind(fate);
    this.close();
    this.environment.disconnected?.();
  }

  private close(): void {
    this.disposed = true;
    this.dispatcher.clear();
    this.end();
    this.listeners.clear();
  }

  initialized(abilities: ClientAbilities): void {
    this.abilities = abilities;
    this.currentState = 'initialized';
  }

  /** Builds the machine; throws the numbered error for what is wrong with the configuration. */
  launch(raw: unknown, progress: Progress): Promise<void> {
    return progress.during('Launching the guest', (work) => this.build(raw, progress, work));
  }

  private async build(raw: unknown, progress: Progress, work: Work): Promise<void> {
    const plan = await powerPlan(raw, this.attachment, this.environment, progress, work);
    const place = this.environment.lot?.enter(plan.configuration.name) ?? null;
    const machine = this.startMachine({ worker: this.environment.startWorker(), nextId: 1 });
    const guest = this.guestOn(machine, plan);
    try {
      await this.power(guest, plan);
      progress.check();
    } catch (cause) {
      machine.dispose();
      place?.leave();
      throw cause;
    }
    this.adopt(guest, place, raw);
  }

  private guestOn(machine: MachineClient, { configuration, sources }: Plan): Guest {
    const guest = new Guest(machine, configuration, sources, () => this.output.everything);
    guest.variables.paging = this.abilities.paging;
    return guest;
  }

  private adopt(guest: Guest, place: GuestPlace | null, launchArguments: unknown): void {
    this.launchArguments = launchArguments;
    this.place = place;
    this.currentGuest = guest;
    this.currentState = 'configuring';
    this.watch.readOn(() => this.release());
  }

  /** Takes over a guest that waits at the server; throws the numbered error when that cannot be. */
  async attach(raw: unknown, progress: Progress): Promise<void> {
    const attachment = checkedAttachment(raw);
    const { lot } = this.environment;
    if (lot === undefined) throw failure('attachUnavailable', {});
    const files = await symbolsOf(attachment, this.environment, progress);
    const { place, worker, knowledge, wasRunning } = await lot.claim(attachment.guest);
    const { launchArguments, stop, output } = knowledge;
    this.output.continueFrom(output);
    const machine = this.startMachine(worker);
    const configuration = asAttached(knowledge.configuration, attachment);
    const own = attachment.symbols.length > 0 ? files : knowledge;
    const plan = { ...own, configuration, debug: true };
    const guest = this.guestOn(machine, plan);
    this.adopt(guest, place, launchArguments);
    this.lastStop = stop;
    try {
      progress.check();
      guest.looksAt((await machine.call('position')).vcpu);
      await this.furnish(guest, plan);
      await this.watch.lookForImages();
    } catch (cause) {
      // as it was, for another attempt
      this.leaveBehind(wasRunning ? 'running' : 'stopped');
      this.currentState = this.disposed ? 'ended' : 'initialized';
      this.currentGuest = null;
      throw cause;
    }
    this.attachment = attachment;
    const goesOn = wasRunning && !attachment.stopOnEntry;
    this.firstStop = goesOn ? null : withoutIds(stop ?? { kind: 'entry' });
  }

  /** Gives the guest to the server, for another session; a guest that there is none of stays away. */
  private leaveBehind(fate: Fate): void {
    const { currentGuest: guest, place } = this;
    if (!this.hasGuest || guest === null || place === null) return;
    const { configuration, files, sources, machine } = guest;
    const knowledge = {
      configuration,
      launchArguments: this.launchArguments,
      files,
      sources,
      stop: this.lastStop,
      output: this.output,
    };
    this.currentState = 'ended';
    this.place = null;
    this.watch.stop();
    this.dispatcher.cancelAll();
    place.park(machine.release(), knowledge, fate);
  }

  /** The same guest from power-on, its files read anew; `raw` may bring a changed configuration. */
  async restart(raw: unknown, progress: Progress): Promise<void> {
    // a client that has attached knows how it attached, not how the guest was launched
    const given = this.isAttached ? this.launchArguments : (raw ?? this.launchArguments);
    await progress.during('Restarting the guest', async (work) => {
      const plan = await powerPlan(given, this.attachment, this.environment, progress, work);
      const before = this.guest.files;
      await this.power(this.guest, plan);
      this.watch.stop();
      before.close();
    });
    this.launchArguments = given;
    this.output.restart();
    this.currentState = 'stopped';
    this.watch.readOn(() => this.release());
  }

  /** Everything is set: stops on entry or runs. */
  async begin(): Promise<void> {
    const { guest } = this;
    const { machine } = guest;
    if (this.firstStop !== null) await this.stopped(this.firstStop, await machine.call('position'));
    else {
      await this.resume({ kind: 'continue' });
      const threadId = threadOf(guest.variables.vcpu);
      this.event('continued', { threadId, allThreadsContinued: true });
    }
  }

  /** @param lineStep what decides when a step by line is over */
  async resume(mode: ResumeMode, lineStep: StepPlan | null = null): Promise<void> {
    const { guest } = this;
    guest.lineStep = lineStep;
    const before = this.currentState;
    this.currentState = 'running';
    this.lastStop = null;
    try {
      // what is to stop it must be there before it runs; a pause ends the waiting
      this.held = this.watch.isAwaited ? mode : null;
      if (this.held === null) await guest.machine.call('resume', mode);
      guest.moved();
    } catch (cause) {
      if (this.state === 'running') this.currentState = before;
      throw cause;
    }
  }

  /** Stops the guest, which answers when it has; one that waits for its files to be read stays where it is. */
  async pause(): Promise<void> {
    const { machine } = this.guest;
    if (this.held === null) return machine.call('pause');
    this.held = null;
    this.dispatcher.enqueue(async () =>
      this.stopped({ kind: 'pause' }, await machine.call('position')),
    );
  }

  /** Registers or memory were changed from outside: tells the views. */
  async changed(): Promise<void> {
    const { guest } = this;
    guest.changed();
    if (this.abilities.invalidated) this.event('invalidated', { areas: ['variables', 'stacks'] });
    this.memoryChanged();
    this.custom('guestscope.position', await this.position());
  }

  /** How the run is where the guest is stopped, and whether what is expected holds. */
  async summary(): Promise<SummaryBody> {
    const { guest } = this;
    const { outcome = 'running', status = null } = guest.stop ?? {};
    const { retired, time } = await guest.machine.call('position');
    const exits = await guest.machine.call('exitCounts');
    const expectations = await guest.expectations.check(guest, { outcome, status });
    return { outcome, status, position: retired, time, exits, expectations };
  }

  /** The next instruction was set by hand: a stop at another place. */
  async jumped(reason: 'goto' | 'restart'): Promise<void> {
    const { guest } = this;
    guest.moved();
    const stop = describeJump(reason);
    guest.stop = stop;
    this.custom('guestscope.position', await this.position());
    this.tellStop(stop, guest.variables.vcpu);
  }

  async position(): Promise<PositionBody> {
    const position = await this.guest.machine.call('position');
    return this.described(position, this.currentState === 'running');
  }

  /** Ends the machine for good. */
  end(): void {
    if (this.currentState === 'ended') return;
    this.currentState = 'ended';
    this.watch.stop();
    this.dispatcher.cancelAll();
    this.currentGuest?.machine.dispose();
    this.currentGuest?.files.close();
    this.place?.leave();
    this.event('terminated');
  }

  // ---------------------------------------------------------------------------------- the machine

  private startMachine(worker: ReleasedWorker): MachineClient {
    return new MachineClient(
      worker,
      {
        stopped: (reason, position) => {
          this.lastStop = reason;
          const number = this.machineNumber;
          this.dispatcher.enqueue(async () => {
            if (number === this.machineNumber) await this.stopped(reason, position);
          });
        },
        created: () => this.machineNumber++,
        output: async (batch) => {
          if (this.currentGuest !== null) this.output.take(batch, this.currentGuest.symbols);
          await this.environment.clientReady?.();
        },
        died: (error) => this.died(error),
      },
      this.environment.scheduler,
    );
  }

  /** Puts a fresh machine under the guest, with the breakpoints of launch.json. */
  private async power(guest: Guest, plan: PowerPlan): Promise<void> {
    const { configuration, machine, debug } = plan;
    try {
      const options = { idle: configuration.machine.idle };
      guest.looksAt((await guest.machine.call('create', machine, options)).vcpu);
    } catch (cause) {
      if (!(cause instanceof MachineRefusal)) throw cause;
      const attribute = cause.attribute ?? 'guest.kernel';
      throw failure('configurationRefused', { attribute, problem: cause.message });
    }
    this.firstStop = configuration.stopOnEntry && debug ? { kind: 'entry' } : null;
    this.lastStop = null;
    await this.furnish(guest, plan);
    await setFilterOfLaunch(guest, configuration.hypervisor.log);
  }

  /** What the configuration says of a guest that has its machine: symbols, breakpoints. */
  private async furnish(guest: Guest, plan: Plan): Promise<void> {
    const { configuration, files, sources, debug } = plan;
    guest.configuration = configuration;
    guest.use(files, sources);
    guest.hooks = new ParavirtHooks(guest.machine, files.kernel);
    guest.breakpoints.enabled = debug;
    guest.moved();
    guest.expectations.configure(guest, configuration.expect);
    guest.stepInterrupts = configuration.stepping.interrupts;
    this.output.printConsole = configuration.console === 'debugConsole';
    await setBreakpointsOfLaunch(guest);
    await this.watch.begin(guest);
  }

  private async stopped(reason: HostStop, position: MachinePosition): Promise<void> {
    const { guest } = this;
    if (this.currentState === 'ended' || reason.kind === 'budget' || reason.kind === 'idle') return;
    guest.spaces.forget();
    if (await this.watch.isOwnStop(reason)) return guest.machine.call('goOn');
    await this.watch.lookForSpaces();
    if (reason.kind === 'step' && guest.lineStep !== null) {
      const mode = await guest.lineStep.goOn(position.linearEip, guest.machine);
      if (mode !== null) return guest.machine.call('resume', mode);
    }
    guest.lineStep = null;
    await this.watch.lookForModules();
    const place = await this.described(position, false);
    const hookText = await hookAtStop(guest, reason, position.linearEip);
    // the client may have left meanwhile
    if (!this.hasGuest) return;
    this.currentState = 'stopped';
    guest.moved();
    guest.looksAt(position.vcpu);
    const stop = describeStop(reason, guest.breakpoints, guest.symbols, hookText);
    guest.stop = stop;
    this.custom('guestscope.position', place);
    if (reason.kind === 'power-off') {
      this.custom('guestscope.summary', await this.summary());
      this.event('output', { category: 'console', output: `${stop.text ?? ''}\n` });
      this.event('exited', { exitCode: reason.code });
      this.end();
      return;
    }
    this.memoryChanged();
    this.tellStop(stop, position.vcpu);
  }

  private tellStop(stop: StopDescription, vcpu: number): void {
    this.event('stopped', {
      reason: stop.reason,
      description: stop.description,
      threadId: threadOf(vcpu),
      allThreadsStopped: true,
      ...(stop.text !== undefined && { text: stop.text }),
      ...(stop.consoleText !== undefined && { consoleText: stop.consoleText }),
      hitBreakpointIds: stop.ids ?? [],
    });
  }

  /** A guest that waited for its files to be read goes on. */
  private async release(): Promise<void> {
    const { held } = this;
    this.held = null;
    if (held !== null && this.currentState === 'running') await this.guest.machine.call('resume', held); // prettier-ignore
  }

  /** Tells a client that shows memory which of it may be stale. */
  private memoryChanged(): void {
    if (!this.abilities.memoryEvents) return;
    for (const body of this.guest.staleViews()) this.event('memory', body);
  }

  private died(error: AdapterError): void {
    if (this.currentState === 'ended') return;
    this.report(error);
    this.end();
  }

  private report({ message }: AdapterError): void {
    if (this.currentState !== 'ended')
      this.event('output', { category: 'important', output: `${message}\n` });
  }

  private async described(position: MachinePosition, running: boolean): Promise<PositionBody> {
    const { symbols, sources } = this.guest;
    if (!running) await this.watch.lookForSpaces();
    const symbol = symbols.describe(position.linearEip);
    const place = await sources.placeOf(position.linearEip, this.abilities);
    return {
      ...position,
      running,
      ...(symbol !== null && { symbol }),
      ...(place !== null && { source: { path: place.source.path ?? '', line: place.line } }),
    };
  }

  private send(message: { readonly type: string; readonly [name: string]: unknown }): void {
    if (this.disposed) return;
    const complete = { ...message, seq: this.sequence++ };
    for (const listener of this.listeners) listener(complete);
  }
}

/** A stop that came of another client's breakpoints, which are no longer there. */
function withoutIds(stop: HostStop): HostStop {
  return 'ids' in stop ? { ...stop, ids: [] } : stop;
}
