/**
 * A run of the processor: the loop that executes translated blocks and looks, at every boundary that
 * matters, for interrupts, windows and exits (SDM vol. 3, 6.9 "Priority among simultaneous exceptions
 * and interrupts").
 *
 * WebAssembly executes until it needs help, and the loop acts on the reason. Where an access can be
 * observed by something other than the guest's own RAM, it leaves before the instruction, which is then
 * executed alone by a single step; hence state is exact wherever anything can be seen. The last
 * MAX_BLOCK instructions before a limit are stepped too, so that a limit is met to the instruction.
 */
import type { CodeFinder } from './code-finder.ts';
import { deliverException, deliverInterrupt } from './exceptions.ts';
import type { ExitHook, GuestEvent } from './exit-hook.ts';
import type { InstructionCount } from './instruction-count.ts';
import * as L from './layout.ts';
import { GuestFault, VECTOR, VmExitSignal } from './processor.ts';
import type { Processor } from './processor.ts';
import type { RunSignals } from './run-signals.ts';
import { ACTIVITY, FLAG } from './state.ts';
import type { TimeStampCounter } from './time-stamp-counter.ts';
import type { Interpreter } from './translate/interpreter.ts';
import * as R from './translate/record.ts';

/** Why run() returned. */
export type CpuOutcome =
  /** The limit is reached, or many events were delivered without an instruction. */
  | 'limit'
  /** The hook holds an exit. */
  | 'exit'
  /** Before an instruction with a breakpoint. */
  | 'breakpoint'
  | 'halted'
  | 'shutdown'
  /** `unimplementedInstruction` says which; raiseUndefined() goes on. */
  | 'unimplemented'
  /** requestLeave() was called, by a device for example, or execution was begun very often. */
  | 'leave';

/** Events delivered in a row without a retired instruction before run() returns for a look around. */
const EVENT_LIMIT = 256;
/**
 * Times that execution is begun before run() returns for a look around: a repeated string instruction
 * takes far longer than it counts.
 */
const ENTRY_LIMIT = 1024;
/** DR6.BS. */
const SINGLE_STEP = 1 << 14;

export interface RunLoopParts {
  readonly cpu: Processor & { interruptible(): boolean };
  readonly hook: ExitHook;
  readonly interpreter: Interpreter;
  readonly finder: CodeFinder;
  readonly count: InstructionCount;
  readonly time: TimeStampCounter;
  readonly signals: RunSignals;
}

export class RunLoop {
  readonly #parts: RunLoopParts;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  /** Linear address of an instruction that is executed although a breakpoint is set on it, or -1. */
  skipAt = -1;
  /** Times that execution was begun since power-on: a measure of the time that a run takes. */
  entries = 0;
  /** The hook is not asked: the hypervisor itself executes for the guest. */
  suppressed = false;

  constructor(buffer: ArrayBufferLike, parts: RunLoopParts) {
    this.#parts = parts;
    this.#i32 = new Int32Array(buffer);
    this.#u8 = new Uint8Array(buffer);
  }

  /** Runs at most `instructions` (below 2^30). */
  run(instructions: number): CpuOutcome {
    const { cpu, count, signals } = this.#parts;
    count.refill(instructions);
    this.#chooseNative();
    signals.leave = false;
    let events = 0;
    const lastEntry = this.entries + ENTRY_LIMIT;
    for (;;) {
      if (cpu.state.get(L.ACTIVITY) === ACTIVITY.SHUTDOWN) return 'shutdown';
      const before = count.fuel;
      const boundary = this.#atBoundary();
      if (boundary !== 'go') {
        if (boundary === 'exit') return 'exit';
        if (boundary === 'halted') return 'halted';
        if (signals.leave) {
          signals.leave = false;
          return 'leave';
        }
        if (++events > EVENT_LIMIT) return 'limit';
        continue;
      }
      if (count.fuel <= 0) return 'limit';
      if (++this.entries > lastEntry) return 'leave';
      const outcome = this.#mustStep() ? this.step() : this.#runBlocks();
      if (outcome !== null) return outcome;
      if (signals.leave) {
        signals.leave = false;
        return 'leave';
      }
      if (count.fuel !== before) events = 0;
      else if (++events > EVENT_LIMIT) return 'limit';
    }
  }

  /** What the hook will not ask for is left to emitted code. */
  #chooseNative(): void {
    const { cpu, hook } = this.#parts;
    const { RDTSC, PAUSE } = L.NATIVE_INSTRUCTION;
    const rdtsc = hook.mayLeave?.('rdtsc') === false ? RDTSC : 0;
    const pause = hook.mayLeave?.('pause') === false ? PAUSE : 0;
    cpu.state.set(L.NATIVE, rdtsc | pause);
  }

  /** Interrupts and windows, between two instructions. */
  #atBoundary(): 'go' | 'again' | 'exit' | 'halted' {
    const { cpu, hook } = this.#parts;
    const { state, platform } = cpu;
    const pending = platform.interruptPending();
    const window = hook.wantsInterruptWindow;
    if (pending || window) {
      const open = cpu.interruptible();
      if (pending && this.#offered({ kind: 'external-interrupt' })) return 'exit';
      if (window && open && this.#offered({ kind: 'interrupt-window' })) return 'exit';
      if (pending && open && !window) {
        state.set(L.ACTIVITY, ACTIVITY.RUNNING);
        const vector = platform.acknowledgeInterrupt();
        return this.#guarded(() => {
          deliverInterrupt(cpu, vector, 'external', state.eip);
        })
          ? 'again'
          : 'exit';
      }
    }
    state.set(L.EVENT_PENDING, pending || window ? 1 : 0);
    return state.get(L.ACTIVITY) === ACTIVITY.HALTED ? 'halted' : 'go';
  }
  #offered(event: GuestEvent): boolean {
    return !this.suppressed && this.#parts.hook.offer(event, 0);
  }

  /** Whether the next instruction must be executed alone. */
  #mustStep(): boolean {
    const { cpu, count } = this.#parts;
    if (count.fuel < R.MAX_BLOCK || this.skipAt >= 0) return true;
    const flags = cpu.state.systemFlags;
    if ((flags & (FLAG.TF | FLAG.RF)) !== 0) return true;
    // an interrupt waits behind the shadow of STI or MOV SS
    return cpu.state.get(L.EVENT_PENDING) !== 0 && (flags & FLAG.IF) !== 0;
  }

  #runBlocks(): CpuOutcome | null {
    const { interpreter, finder, time, signals } = this.#parts;
    let record: number;
    try {
      record = finder.find();
    } catch (error) {
      return this.#endEarly(error);
    }
    signals.stale = false;
    time.publish();
    interpreter.run(record);
    return this.#afterRun();
  }

  /** Executes exactly one instruction, with every access that it makes. */
  step(): CpuOutcome | null {
    const { cpu, interpreter, finder, count, time, signals } = this.#parts;
    const { state } = cpu;
    const linear = (state.segmentBase(L.SEGMENT.CS) + state.eip) >>> 0;
    const skip = this.skipAt === linear;
    this.skipAt = -1;
    if (!skip && finder.isBreakpoint(linear)) return 'breakpoint';
    const flags = state.systemFlags;
    let record: number;
    try {
      record = finder.findStep();
    } catch (error) {
      return this.#endEarly(error);
    }
    // RF lasts until an instruction is complete (vol. 3, 17.3.1.1), unless that one sets it
    state.systemFlags = flags & ~FLAG.RF;
    // one unit of fuel makes every way out of the instruction a way out of the interpreter
    const rest = count.setAside();
    time.publish();
    signals.stepping = true;
    interpreter.run(record);
    signals.stepping = false;
    const done = count.fuel <= 0;
    const outcome = this.#afterRun();
    count.putBack(rest);
    if (outcome !== null && !done) state.systemFlags |= flags & FLAG.RF;
    const traced = (flags & FLAG.TF) !== 0;
    if (traced && outcome === null && done) return this.singleStepTrap();
    return outcome === null && signals.outcome !== null ? this.#finishOutcome() : outcome;
  }

  /** #DB with DR6.BS after an instruction that began with TF set. */
  singleStepTrap(): CpuOutcome | null {
    return this.raise(VECTOR.DB, null, SINGLE_STEP);
  }

  /** Acts on why the interpreter returned. Null: go on. */
  #afterRun(): CpuOutcome | null {
    const { state } = this.#parts.cpu;
    const record = state.get(L.RECORD);
    switch (state.get(L.EXIT)) {
      case R.EXIT_CODE.LOOKUP:
      case R.EXIT_CODE.FUEL:
      case R.EXIT_CODE.EVENT:
      case R.EXIT_CODE.STEPPED:
        return null;
      case R.EXIT_CODE.TYPESCRIPT:
        return this.#finishOutcome();
      case R.EXIT_CODE.EXCEPTION: {
        this.#backTo(record);
        const error = state.i32[L.RAISED_ERROR >> 2];
        return this.raise(state.get(L.RAISED_VECTOR), error < 0 ? null : error, 0);
      }
      case R.EXIT_CODE.SLOW: {
        this.#backTo(record);
        const slow = state.get(L.SLOW);
        state.set(L.SLOW, 0);
        if (slow === R.SLOW_OUTCOME.STEP) return this.step();
        return this.#finishOutcome();
      }
      case R.EXIT_CODE.BREAKPOINT:
        this.#backTo(record);
        return 'breakpoint';
      default:
        throw new Error(`the interpreter left with code ${String(state.get(L.EXIT))}`);
    }
  }
  /** RIP and fuel as they were before the instruction of a record. */
  #backTo(record: number): void {
    const { cpu, count } = this.#parts;
    count.fuel -= this.#u8[record + R.R_ORDINAL];
    cpu.state.eip = this.#i32[(record + R.R_EIP) >> 2];
  }

  #endEarly(thrown: unknown): CpuOutcome | null {
    this.#parts.signals.sort(thrown);
    return this.#finishOutcome();
  }
  /** What an exception or signal inside a run left behind: delivers a fault, reports the rest. */
  #finishOutcome(): CpuOutcome | null {
    const { signals } = this.#parts;
    const { outcome } = signals;
    signals.outcome = null;
    if (outcome !== 'fault') return outcome;
    const { vector, errorCode, qualification } = signals.raised;
    return this.raise(vector, errorCode, qualification);
  }
  /** Delivers an exception at CS:EIP; 'exit' if it left the guest instead. */
  raise(vector: number, errorCode: number | null, qualification: number): CpuOutcome | null {
    const fault = Object.assign(new GuestFault(), { vector, errorCode, qualification });
    const delivered = this.#guarded(() => {
      deliverException(this.#parts.cpu, fault);
    });
    return delivered ? null : 'exit';
  }
  /** True when done, false when an event left the guest. */
  #guarded(action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      if (error instanceof VmExitSignal) return false;
      throw error;
    }
  }
}
