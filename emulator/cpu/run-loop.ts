/**
 * A run of the processor: the loop that executes translated blocks and looks, at every boundary that
 * matters, for what waits there: traps of the last instruction, then other events (boundary.ts).
 *
 * WebAssembly executes until it needs help, and the loop acts on the reason. Where an access can be
 * observed by something other than the guest's own RAM, it leaves before the instruction, which is then
 * executed alone by a single step; hence state is exact wherever anything can be seen. The last
 * MAX_BLOCK instructions before a limit are stepped too, so that a limit is met to the instruction.
 */
import { Boundary, type BoundaryParts, leavesGuest } from './boundary.ts';
import type { CodeFinder } from './code-finder.ts';
import type { DebugTraps } from './debug-traps.ts';
import { deliverException } from './exceptions.ts';
import { AWAITED } from './exit-hook.ts';
import type { ExitHook } from './exit-hook.ts';
import type { InstructionCount } from './instruction-count.ts';
import * as L from './layout.ts';
import { GuestFault, VECTOR } from './processor.ts';
import type { RunSignals } from './run-signals.ts';
import { ACTIVITY, FLAG } from './state.ts';
import type { TimeStampCounter } from './time-stamp-counter.ts';
import type { CompiledTier } from './translate/compiled-tier.ts';
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

/** Layout INTERCEPTED under SVM. */
function interceptedBySvm(hook: ExitHook): number {
  const { PUSHF, POPF, IRET, INT, SMSW, CHECKS_FIRST } = L.INTERCEPTED_INSTRUCTION;
  const bits = { pushf: PUSHF, popf: POPF, iret: IRET, int: INT, smsw: SMSW } as const;
  let intercepted: number = CHECKS_FIRST;
  for (const kind of ['pushf', 'popf', 'iret', 'int', 'smsw'] as const) {
    if (hook.mayLeave?.(kind) !== false) intercepted |= bits[kind];
  }
  return intercepted;
}

export interface RunLoopParts {
  readonly cpu: BoundaryParts['cpu'];
  readonly hook: ExitHook;
  readonly interpreter: Interpreter;
  readonly finder: CodeFinder;
  readonly count: InstructionCount;
  readonly time: TimeStampCounter;
  readonly debug: DebugTraps;
  readonly signals: RunSignals;
  /** Null: everything is interpreted. */
  readonly tier: CompiledTier | null;
}

export class RunLoop {
  readonly #parts: RunLoopParts;
  readonly #boundary: Boundary;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  /** Linear address of an instruction that is executed although a breakpoint is set on it, or -1. */
  skipAt = -1;
  /** Times that execution was begun since power-on: a measure of the time that a run takes. */
  entries = 0;
  /** The hook is not asked: the hypervisor itself executes for the guest. */
  suppressed = false;
  /** An instruction or a delivery is complete for which the hypervisor's monitor trap is due. */
  #trapDue = false;

  constructor(buffer: ArrayBufferLike, parts: RunLoopParts) {
    this.#parts = parts;
    this.#boundary = new Boundary(parts);
    this.#i32 = new Int32Array(buffer);
    this.#u8 = new Uint8Array(buffer);
  }

  /** Runs at most `instructions` (below 2^30). */
  run(instructions: number): CpuOutcome {
    const { cpu, count, debug, signals } = this.#parts;
    count.refill(instructions);
    this.#chooseNative();
    signals.leave = false;
    let events = 0;
    const lastEntry = this.entries + ENTRY_LIMIT;
    for (;;) {
      if (cpu.state.get(L.ACTIVITY) === ACTIVITY.SHUTDOWN) return 'shutdown';
      const before = count.fuel;
      if (this.#trapDue && this.#monitorTrap()) return 'exit';
      if (debug.pending !== 0 && !count.holdsTraps) {
        // the delivery of an event has hit a breakpoint on data, or the monitor trap came first
        const outcome = this.#trap();
        if (outcome !== null) return outcome;
        this.#trapDue = this.#awaits(AWAITED.MONITOR_TRAP);
        if (++events > EVENT_LIMIT) return 'limit';
        continue;
      }
      const boundary = this.#boundary.look();
      if (boundary !== 'go') {
        if (boundary === 'exit') return 'exit';
        if (boundary === 'halted') return 'halted';
        this.#trapDue = this.#awaits(AWAITED.MONITOR_TRAP);
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
      this.#trapDue = this.#awaits(AWAITED.MONITOR_TRAP);
      if (signals.leave) {
        signals.leave = false;
        return 'leave';
      }
      if (count.fuel !== before) events = 0;
      else if (++events > EVENT_LIMIT) return 'limit';
    }
  }

  /** By the last look at a boundary. */
  #awaits(bits: number): boolean {
    return (this.#boundary.awaited & bits) !== 0;
  }
  /** The monitor trap, which comes before traps for debuggers (SDM vol. 3, 26.5.2): true if it leaves the guest. */
  #monitorTrap(): boolean {
    this.#trapDue = false;
    return this.#parts.hook.offer({ kind: 'monitor-trap' }, 0);
  }
  /** What the hook will not ask for is left to emitted code. */
  #chooseNative(): void {
    const { cpu, hook } = this.#parts;
    const { RDTSC, PAUSE } = L.NATIVE_INSTRUCTION;
    const rdtsc = hook.mayLeave?.('rdtsc') === false ? RDTSC : 0;
    const pause = hook.mayLeave?.('pause') === false ? PAUSE : 0;
    cpu.state.set(L.NATIVE, rdtsc | pause);
    cpu.state.set(L.INTERCEPTED, hook.isSvm === true ? interceptedBySvm(hook) : 0);
  }

  /** Whether the next instruction must be executed alone. */
  #mustStep(): boolean {
    const { cpu, count, debug } = this.#parts;
    if (count.fuel < R.MAX_BLOCK || this.skipAt >= 0 || debug.pending !== 0) return true;
    const flags = cpu.state.systemFlags;
    if ((flags & (FLAG.TF | FLAG.RF)) !== 0) return true;
    // an interrupt, or one that cannot be masked, waits behind the shadow of STI or MOV SS
    if (cpu.state.get(L.NMI) === L.NMI_STATE.PENDING) return true;
    if (this.#awaits(AWAITED.MONITOR_TRAP | AWAITED.NMI_WINDOW)) return true;
    return cpu.state.get(L.EVENT_PENDING) !== 0 && (flags & FLAG.IF) !== 0;
  }

  #runBlocks(): CpuOutcome | null {
    const { interpreter, finder, time, debug, signals, tier } = this.#parts;
    let record: number;
    try {
      record = finder.find();
    } catch (error) {
      return this.#endEarly(error);
    }
    signals.stale = false;
    debug.begin();
    if (tier === null) {
      time.publish();
      interpreter.run(record);
    } else this.#runTiers(record, tier);
    return this.#afterRun() ?? this.#trap();
  }
  /** As interpreter.run(), with looks at where the guest is in between, of which it notices nothing. */
  #runTiers(record: number, tier: CompiledTier): void {
    const { cpu, interpreter, finder, count, time } = this.#parts;
    let next = record;
    tier.begins(record);
    for (;;) {
      const rest = count.setAside(Math.min(count.fuel, tier.hotness.interval));
      time.publish();
      interpreter.run(next);
      count.putBack(rest);
      const ranOut = cpu.state.get(L.EXIT) === R.EXIT_CODE.FUEL;
      if (!ranOut || count.fuel < R.MAX_BLOCK) return;
      next = finder.resume();
      if (next === 0) return;
      tier.found(next);
    }
  }

  /** Executes exactly one instruction, with every access that it makes, and delivers its traps. */
  step(): CpuOutcome | null {
    const { cpu, finder, count, debug, signals } = this.#parts;
    const { state } = cpu;
    const linear = (state.segmentBase(L.SEGMENT.CS) + state.eip) >>> 0;
    const skip = this.skipAt === linear;
    this.skipAt = -1;
    if (!skip && finder.isBreakpoint(linear)) return 'breakpoint';
    const flags = state.systemFlags;
    // behind MOV SS and POP SS breakpoints on instructions are passed over (vol. 3, 6.8.3)
    const passes = (flags & FLAG.RF) !== 0 || count.holdsTraps || this.suppressed;
    if (debug.instructions.has(linear) && !passes) {
      return this.raise(VECTOR.DB, null, debug.instructionBits(linear));
    }
    let record: number;
    try {
      record = finder.findStep();
    } catch (error) {
      return this.#endEarly(error);
    }
    // RF lasts until an instruction is complete (vol. 3, 17.3.1.1), unless that one sets it
    state.systemFlags = flags & ~FLAG.RF;
    const { outcome, done } = this.#runAlone(record);
    if (outcome !== null) {
      if (!done) state.systemFlags |= flags & FLAG.RF;
      return outcome;
    }
    if (done && (flags & FLAG.TF) !== 0 && !signals.untraced) debug.singleStepped();
    if (this.#awaits(AWAITED.MONITOR_TRAP) && !this.suppressed) return null;
    return this.#trap();
  }
  /** `done`: the instruction has retired. */
  #runAlone(record: number): { readonly outcome: CpuOutcome | null; readonly done: boolean } {
    const { interpreter, count, time, debug, signals } = this.#parts;
    debug.begin();
    signals.untraced = false;
    // one unit of fuel makes every way out of the instruction a way out of the interpreter
    const rest = count.setAside();
    time.publish();
    signals.stepping = true;
    interpreter.run(record);
    signals.stepping = false;
    const done = count.fuel <= 0;
    const outcome = this.#afterRun();
    count.putBack(rest);
    return { outcome, done };
  }

  /** One instruction of `length` bytes counts as executed without having done anything. */
  skip(length: number): void {
    const { cpu, count, debug } = this.#parts;
    const { state } = cpu;
    const traced = (state.systemFlags & FLAG.TF) !== 0;
    state.eip = (state.eip + length) >>> 0;
    state.systemFlags &= ~FLAG.RF;
    count.fuel -= 1;
    count.endShadow();
    if (traced) debug.singleStepped();
    this.#trap();
  }

  /** #DB for what the last instruction did, at the boundary after it, which MOV SS may keep free of it. */
  #trap(): CpuOutcome | null {
    const { cpu, hook, count, debug } = this.#parts;
    if (debug.pending === 0 || count.holdsTraps) return null;
    cpu.state.set(L.ACTIVITY, ACTIVITY.RUNNING);
    const bits = debug.take();
    const outcome = this.raise(VECTOR.DB, null, bits);
    const comesAgain = outcome === 'exit' && hook.held === true && cpu.vectoring === null;
    if (comesAgain) debug.pending = bits;
    return outcome;
  }

  /** Acts on why the interpreter returned. Null: go on. */
  #afterRun(): CpuOutcome | null {
    const { cpu, debug } = this.#parts;
    const { state } = cpu;
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
        debug.abandon();
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
        // the machine's or the guest's own
        this.#backTo(record);
        return this.step();
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
    const { debug, signals } = this.#parts;
    const { outcome } = signals;
    signals.outcome = null;
    if (outcome !== null) debug.abandon();
    if (outcome !== 'fault') return outcome;
    const { vector, errorCode, qualification } = signals.raised;
    return this.raise(vector, errorCode, qualification);
  }
  /** Delivers an exception at CS:EIP; 'exit' if it left the guest instead. */
  raise(vector: number, errorCode: number | null, qualification: number): CpuOutcome | null {
    const fault = Object.assign(new GuestFault(), { vector, errorCode, qualification });
    const left = leavesGuest(() => {
      deliverException(this.#parts.cpu, fault);
    });
    if (left) return 'exit';
    // no instruction has retired, so a shadow of STI or MOV SS would not have passed by itself
    this.#parts.count.endShadow();
    return null;
  }
}
