/**
 * The worker's side: owns the machine, answers calls and runs the guest in short slices, so that between
 * two of them a pause, a memory read or a key press is seen within milliseconds. The machine itself is
 * synchronous and knows nothing of this.
 *
 *   resume → slice → slice → … → stopped
 *              ↘ idle: the guest waits in HLT; the next slice comes when its time has come, or when
 *                something arrives from outside
 *
 * What the guest puts out leaves through output-pump.ts.
 */
import type {
  DataBreakpoint,
  DebugPort,
  EventBreakpoint,
  ExitBreakpoint,
  ExitLogFilter,
  InstructionBreakpoint,
  MachineConfiguration,
  MachinePosition,
} from '../../emulator/debug-port.ts';
import type { StopReason } from '../../emulator/stop-reason.ts';
import { describeFailure } from '../errors.ts';
import type {
  CallFailure,
  Channel,
  FromWorker,
  HostStop,
  MachineService,
  RunOptions,
  ToWorker,
} from './machine-channel.ts';
import { OutputPump } from './output-pump.ts';
import { Pacer } from './pacing.ts';
import { RunLimits } from './run-rules.ts';
import type { Scheduler } from '../host/scheduler.ts';
import { SLICE_MS, SliceBudget } from './slice-budget.ts';

/** Builds a machine; the emulator's createMachine, or a test's fake. */
export type MachineFactory = (configuration: MachineConfiguration) => DebugPort;

/** Longest single timer; a longer wait is continued. */
const LONGEST_WAIT_MS = 60_000;

/** Serves one channel until the worker is terminated. */
export function serveMachine(
  channel: Channel,
  createMachine: MachineFactory,
  scheduler: Scheduler,
): void {
  const host = new MachineHost(channel, createMachine, scheduler);
  channel.onMessage((message) => {
    const request = message as ToWorker;
    if (request.kind === 'taken') host.batchTaken();
    else host.call(request.id, request.method, request.args);
  });
}

type AnyService = { readonly [method: string]: (...args: readonly unknown[]) => unknown };

class MachineHost {
  private readonly channel: Channel;
  private readonly createMachine: MachineFactory;
  private readonly scheduler: Scheduler;
  private readonly service: AnyService;
  private machine: DebugPort | null = null;
  private configuration: MachineConfiguration | null = null;
  private options: RunOptions = { idle: 'pace' };
  /** Kept for the next machine: a reset or restart does not lose them. */
  private instructionBreakpoints: readonly InstructionBreakpoint[] = [];
  private exitBreakpoints: readonly ExitBreakpoint[] = [];
  private exitFilter: ExitLogFilter | null = null;
  private eventBreakpoints: readonly EventBreakpoint[] = [];
  private dataBreakpoints: readonly DataBreakpoint[] = [];
  /** Counts resumes and stops, so that a slice that was planned for an earlier run does nothing. */
  private run = 0;
  private running = false;
  /** The guest asked for a reset, or shut down: going on means power-on. */
  private resetPending = false;
  private cancelWait: (() => void) | null = null;
  private readonly budget = new SliceBudget();
  private readonly limits = new RunLimits();
  private readonly pacer = new Pacer();
  private readonly output: OutputPump;

  constructor(channel: Channel, createMachine: MachineFactory, scheduler: Scheduler) {
    this.channel = channel;
    this.createMachine = createMachine;
    this.scheduler = scheduler;
    this.output = new OutputPump(scheduler, (batch) => this.post({ kind: 'output', batch }));
    // Calls come as data; the client's types have checked them.
    this.service = this.methods() as unknown as AnyService;
  }

  call(id: number, method: string, args: readonly unknown[]): void {
    try {
      if (!Object.hasOwn(this.service, method)) throw new RangeError(`no method "${method}"`);
      this.post({ kind: 'result', id, value: this.service[method]?.(...args) });
    } catch (cause) {
      this.post({ kind: 'failure', id, failure: asData(cause) });
    }
  }

  batchTaken(): void {
    this.output.taken();
  }

  private methods(): MachineService {
    const machine = (): DebugPort => {
      if (this.machine === null) throw new RangeError('there is no machine yet');
      return this.machine;
    };
    return {
      create: (configuration, options) => this.create(configuration, options),
      resume: (mode) => {
        if (this.running) throw new RangeError('the guest runs already');
        if (this.resetPending) this.powerOn();
        machine().resume(mode);
        this.start();
      },
      goOn: () => {
        if (this.running) throw new RangeError('the guest runs already');
        machine();
        this.start();
      },
      pause: () => {
        if (!this.running) return;
        machine().requestPause();
        this.wake();
      },
      isRunning: () => this.running,
      position: () => machine().position(),
      vcpus: () => machine().vcpus(),
      look: (vcpu) => machine().look(vcpu),
      registers: () => machine().registers(),
      writeRegister: (name, value) => machine().writeRegister(name, value),
      readMemory: (space, address, count) => machine().readMemory(space, address, count),
      writeMemory: (space, address, bytes) => machine().writeMemory(space, address, bytes),
      translate: (linear) => machine().translate(linear),
      disassemble: (address, offset, count) => machine().disassemble(address, offset, count),
      devices: () => machine().devices(),
      inspectDevice: (name) => machine().inspectDevice(name),
      writeDevice: (name, path, value) => machine().writeDevice(name, path, value),
      loadedRanges: () => machine().loadedRanges(),
      stack: (limit, from) => machine().stack(limit, from),
      setInstructionBreakpoints: (breakpoints) => {
        this.instructionBreakpoints = breakpoints;
        return setGood(breakpoints, (list) => machine().setInstructionBreakpoints(list));
      },
      setExitBreakpoints: (breakpoints) => {
        this.exitBreakpoints = breakpoints;
        return setGood(breakpoints, (list) => machine().setExitBreakpoints(list));
      },
      setEventBreakpoints: (breakpoints) => {
        this.eventBreakpoints = breakpoints;
        return setGood(breakpoints, (list) => machine().setEventBreakpoints(list));
      },
      stepTarget: () => machine().stepTarget(),
      setNextInstruction: (address) => machine().setNextInstruction(address),
      evaluate: (expression) => machine().evaluate(expression),
      setDataBreakpoints: (breakpoints) => {
        this.dataBreakpoints = breakpoints;
        return setGood(breakpoints, (list) => machine().setDataBreakpoints(list));
      },
      placeOf: (expression) => machine().placeOf(expression),
      assign: (target, value) => machine().assign(target, value),
      inspect: (view, address) => machine().inspect(view, address),
      exitLog: (from, limit) => machine().exitLog(from, limit),
      setExitFilter: (filter) => {
        machine().setExitFilter(filter);
        this.exitFilter = filter;
      },
      intervene: (action) => machine().intervene(action),
      inject: (event) => machine().inject(event),
      exitLogRange: () => machine().exitLogRange(),
      exitCounts: () => machine().exitCounts(),
      exitStatistics: () => machine().exitStatistics(),
      setRunRules: (rules) => {
        machine().watchConsole(rules.texts);
        this.limits.set(rules);
        this.output.keepAll = rules.keepOutput;
      },
      sendSerialInput: (bytes) => {
        machine().sendSerialInput(bytes);
        this.limits.disturbed();
        this.wake();
      },
      screen: (seen) => machine().screen(seen),
      sendKeys: (codes) => {
        machine().sendKeys(codes);
        this.limits.disturbed();
        this.wake();
      },
      followExits: (follow) => this.output.follow(follow),
    };
  }

  private create(configuration: MachineConfiguration, options: RunOptions): MachinePosition {
    // The new one first: if it cannot be built, the old one stays as it is.
    const machine = this.createMachine(configuration);
    this.halt();
    this.configuration = configuration;
    this.options = options;
    this.adopt(machine);
    return machine.position();
  }

  /** A reset that the guest asked for: the same machine from power-on. */
  private powerOn(): void {
    if (this.configuration !== null) this.adopt(this.createMachine(this.configuration));
  }

  private adopt(machine: DebugPort): void {
    this.machine = machine;
    this.resetPending = false;
    this.output.adopt(machine);
    setGood(this.instructionBreakpoints, (list) => machine.setInstructionBreakpoints(list));
    machine.setExitFilter(this.exitFilter);
    setGood(this.exitBreakpoints, (list) => machine.setExitBreakpoints(list));
    setGood(this.eventBreakpoints, (list) => machine.setEventBreakpoints(list));
    setGood(this.dataBreakpoints, (list) => machine.setDataBreakpoints(list));
    machine.watchConsole(this.limits.current.texts);
  }

  private start(): void {
    this.running = true;
    this.limits.disturbed();
    const run = ++this.run;
    this.scheduler.yield(() => this.slice(run));
  }

  private halt(): void {
    this.running = false;
    this.run++;
    this.cancelWait?.();
    this.cancelWait = null;
  }

  /** Ends a wait for the guest's next timer: something has arrived from outside. */
  private wake(): void {
    if (this.cancelWait === null) return;
    this.cancelWait();
    this.cancelWait = null;
    const { run } = this;
    this.scheduler.yield(() => this.slice(run));
  }

  private slice(run: number): void {
    const { machine } = this;
    if (run !== this.run || machine === null) return;
    const reason = this.runSlice(machine);
    switch (reason.kind) {
      case 'budget':
        this.output.pump();
        this.output.whenRoom(() => this.scheduler.yield(() => this.slice(run)));
        break;
      case 'idle': {
        const { retired, time } = machine.position();
        const here = { retired, time, printed: this.output.printed };
        const quiet = this.limits.idle(here, reason.wakeAt);
        if (quiet !== null) {
          this.stop(machine, quiet);
          break;
        }
        this.output.pump();
        this.output.whenRoom(() => this.rest(run, time, reason.wakeAt));
        break;
      }
      default:
        this.stop(machine, reason);
    }
  }

  /** Runs for the time of a slice, or until something happens. */
  private runSlice(machine: DebugPort): HostStop {
    const started = this.scheduler.now();
    let before = started;
    let reason: StopReason;
    do {
      const instructions = this.limits.within(
        this.budget.instructions,
        () => machine.position().retired,
      );
      if (instructions === 0) return this.limits.atLimit;
      reason = runGuarded(machine, instructions);
      this.output.collect(machine);
      const now = this.scheduler.now();
      if (reason.kind === 'budget') this.budget.learn(instructions, now - before);
      before = now;
    } while (reason.kind === 'budget' && before - started < SLICE_MS && !this.output.isFull);
    return reason;
  }

  /** The guest waits for virtual time `wakeAt`; Infinity: only something from outside can wake it. */
  private rest(run: number, time: number, wakeAt: number): void {
    const forever = !Number.isFinite(wakeAt);
    if (!forever && this.options.idle === 'skip') {
      this.scheduler.yield(() => this.slice(run));
      return;
    }
    const until = forever
      ? Infinity
      : this.scheduler.now() + this.pacer.delay(this.scheduler.now(), time, wakeAt);
    const wait = (): void => {
      const left = until - this.scheduler.now();
      this.cancelWait = this.scheduler.after(Math.min(Math.max(left, 0), LONGEST_WAIT_MS), () => {
        if (until - this.scheduler.now() > 1) wait();
        else this.wake();
      });
    };
    wait();
  }

  private stop(machine: DebugPort, reason: HostStop): void {
    this.halt();
    this.resetPending =
      reason.kind === 'reset' || reason.kind === 'triple-fault' || reason.kind === 'power-off';
    this.output.drain();
    this.post({ kind: 'stopped', reason, position: machine.position() });
  }

  private post(message: FromWorker): void {
    this.channel.post(message);
  }
}

/** A mistake inside the machine is a stop that says so, with the state still there to look at. */
function runGuarded(machine: DebugPort, budget: number): StopReason {
  try {
    return machine.run(budget);
  } catch (cause) {
    const description = `Guestscope made a mistake while it ran the guest: ${describeFailure(cause)}`;
    return { kind: 'guest-error', description };
  }
}

/**
 * Sets all breakpoints that can be set. DebugPort refuses a whole list for one bad condition, so after a
 * refusal each is tried alone to find out which ones are bad.
 */
function setGood<B>(
  breakpoints: readonly B[],
  set: (list: readonly B[]) => void,
): readonly (string | null)[] {
  try {
    set(breakpoints);
    return breakpoints.map(() => null);
  } catch {
    const problems = breakpoints.map((breakpoint) => problemOf(() => set([breakpoint])));
    set(breakpoints.filter((_, index) => problems[index] === null));
    return problems;
  }
}

function problemOf(attempt: () => void): string | null {
  try {
    attempt();
    return null;
  } catch (cause) {
    return describeFailure(cause);
  }
}

function asData(cause: unknown): CallFailure {
  const name = cause instanceof Error ? cause.name : 'Error';
  const { attribute, position } = (cause ?? {}) as { attribute?: unknown; position?: unknown };
  return {
    name,
    message: describeFailure(cause),
    ...(typeof attribute === 'string' && { attribute }),
    ...(typeof position === 'number' && { position }),
  };
}
