/**
 * What the debug adapter and the machine's worker say to each other. The machine (emulator/) runs in a
 * worker so that the adapter stays free while the guest runs; everything that crosses is plain data.
 * machine-client.ts speaks from the adapter's side, machine-host.ts answers in the worker. Which kind of
 * worker it is (worker_threads, a Web Worker, the same thread in a test) is the entry points' affair.
 */
import type {
  AddressSpace,
  DataBreakpoint,
  DisassembledLine,
  EventBreakpoint,
  EventAction,
  ExitAction,
  ExitBreakpoint,
  ExitLogFilter,
  ExitLogRange,
  InstructionBreakpoint,
  MachineConfiguration,
  MachinePosition,
  MemoryPlace,
  MemoryRange,
  RegisterGroup,
  ResumeMode,
  StackFrame,
  VcpuSummary,
} from '../../emulator/debug-port.ts';
import type { LogLine } from '../../emulator/debugger/log-message.ts';
import type { StepTarget } from '../../emulator/debugger/step-target.ts';
import type { Detail } from '../../emulator/debugger/views/detail.ts';
import type { DeviceSummary } from '../../emulator/debugger/views/devices/devices.ts';
import type { ViewName } from '../../emulator/debugger/views/views.ts';
import type { Value } from '../../emulator/expressions/evaluator.ts';
import type { ExpressionSource } from '../../emulator/expressions/expression.ts';
import type { ExitStatistics } from '../../emulator/hypervisor/exit-statistics.ts';
import type { LoadedRange } from '../../emulator/loaders/loader.ts';
import type { Screen } from '../../emulator/picture.ts';
import type { ExitRecord, StopReason } from '../../emulator/stop-reason.ts';
import type { RuleStop, RunRules } from './run-rules.ts';

/** A two-way pipe for structured-cloneable values, in order, without loss while both ends live. */
export interface Channel {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** From now on this listener hears, in place of an earlier one. */
  onMessage(listener: (message: unknown) => void): void;
}

/** A worker as its owner sees it. */
export interface WorkerHandle {
  readonly channel: Channel;
  /**
   * Called once when the worker has ended without terminate(), with the cause in a few words; takes the
   * place of an earlier listener.
   */
  onDeath(listener: (cause: string) => void): void;
  /** Ends it at once, whatever it does. */
  terminate(): void;
}

export interface RunOptions {
  /** What to do while the guest waits in HLT: real time, or go on at once. */
  readonly idle: 'pace' | 'skip';
}

/** What the worker does on request: most of DebugPort, and the running of the guest. */
export interface MachineService {
  /** Builds the machine, in place of an earlier one, stopped before its first instruction. */
  create(configuration: MachineConfiguration, options: RunOptions): MachinePosition;
  /** Starts the guest; a `stopped` message tells the outcome. */
  resume(mode: ResumeMode): void;
  /** Goes on with what the last stop came into. */
  goOn(): void;
  /** Stops a running guest; does nothing to a stopped one. */
  pause(): void;
  isRunning(): boolean;
  position(): MachinePosition;
  vcpus(): readonly VcpuSummary[];
  look(vcpu: number): void;
  registers(): readonly RegisterGroup[];
  writeRegister(name: string, value: number | bigint): void;
  devices(): readonly DeviceSummary[];
  inspectDevice(name: string): readonly Detail[];
  writeDevice(name: string, path: readonly string[], value: number): void;
  readMemory(space: AddressSpace, address: number, count: number): MemoryRange;
  writeMemory(space: AddressSpace, address: number, bytes: Uint8Array): number;
  translate(linear: number): number | null;
  disassemble(address: number, offset: number, count: number): readonly DisassembledLine[];
  stack(limit: number, from?: StackFrame): readonly StackFrame[];
  loadedRanges(): readonly LoadedRange[];
  /** Sets those that are good and says for each (in order) what is wrong with it, or null. */
  setInstructionBreakpoints(
    breakpoints: readonly InstructionBreakpoint[],
  ): readonly (string | null)[];
  setExitBreakpoints(breakpoints: readonly ExitBreakpoint[]): readonly (string | null)[];
  setEventBreakpoints(breakpoints: readonly EventBreakpoint[]): readonly (string | null)[];
  stepTarget(): StepTarget | null;
  setNextInstruction(address: number): void;
  evaluate(expression: ExpressionSource): Value;
  /** As setInstructionBreakpoints. */
  setDataBreakpoints(breakpoints: readonly DataBreakpoint[]): readonly (string | null)[];
  placeOf(expression: ExpressionSource): MemoryPlace | null;
  assign(target: ExpressionSource, value: ExpressionSource): void;
  inspect(view: ViewName, address: number): readonly Detail[];
  exitLog(from: number, limit: number): readonly ExitRecord[];
  setExitFilter(filter: ExitLogFilter | null): void;
  intervene(action: ExitAction | null): void;
  inject(event: EventAction): void;
  exitLogRange(): ExitLogRange;
  exitCounts(): { readonly [name: string]: number };
  exitStatistics(): ExitStatistics;
  sendSerialInput(bytes: Uint8Array): void;
  screen(seen: number | null): Screen;
  sendKeys(codes: Uint8Array): void;
  /** What ends the run of a guest that nobody watches; replaces what was set before. */
  setRunRules(rules: RunRules): void;
  /** Whether batches carry new rows of the exit log. */
  followExits(follow: boolean): void;
}
export type ServiceMethod = keyof MachineService;

/** A stop of the machine, or by the rules of a run. */
export type HostStop = StopReason | RuleStop;

/** What the guest has put out since the last batch; bounded, losses are counted. */
export interface OutputBatch {
  readonly console: Uint8Array;
  /** Bytes lost before `console`. */
  readonly consoleDropped: number;
  readonly exits: readonly ExitRecord[];
  /** Rows left out before `exits`; the machine's log may still have them. */
  readonly exitsSkipped: number;
  /** Exits since power-on. */
  readonly exitsTotal: number;
  readonly notices: readonly string[];
  readonly noticesDropped: number;
  /**
   * What breakpoints with a log message have printed; `after` counts the bytes of the console's output
   * before it, the dropped ones included.
   */
  readonly logs: readonly LogLine[];
  readonly logsDropped: number;
}

/** An error of a call, as data. */
export interface CallFailure {
  /** Name of the error's class: "RangeError", "ExpressionError", "ConfigurationError". */
  readonly name: string;
  readonly message: string;
  /** Attribute of launch.json that is to blame, of a ConfigurationError. */
  readonly attribute?: string;
  /** Of the character that is to blame, of an ExpressionError. */
  readonly position?: number;
}

export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  /** The last batch was taken; the next one may come. */
  | { readonly kind: 'taken' }; // prettier-ignore

export type FromWorker =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: CallFailure }
  | { readonly kind: 'output'; readonly batch: OutputBatch }
  | { readonly kind: 'stopped'; readonly reason: HostStop; readonly position: MachinePosition };
