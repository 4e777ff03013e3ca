/**
 * Hardware breakpoints and the traps that wait for the end of an instruction (SDM vol. 3, 17.2 "Debug
 * registers", 17.3.1 "#DB"): what DR7 enables of DR0 to DR3, what the running instruction has hit, and
 * the bits of DR6 with which #DB is due at the next boundary.
 *
 * Nothing is looked at while DR7 enables nothing. Breakpoints on instructions end translated blocks
 * (code-finder.ts); those on data keep their page out of the TLB (paging.ts), so that every access to it
 * comes by. Accesses that the processor makes itself, to tables and stacks of handlers, count as well.
 * Not emulated: LE and GE (all breakpoints are exact), branch trace.
 */
import * as L from './layout.ts';
import type { RunSignals } from './run-signals.ts';
import { CR4, type CpuState } from './state.ts';
import type { Watchpoints } from './watchpoints.ts';

/** DR6.BS. */
const SINGLE_STEP = 1 << 14;
/** DR7: L0 G0 … L3 G3. */
const ENABLED = 0xff;
/** R/W fields of DR7. */
const CONDITION = { EXECUTION: 0, WRITE: 1, PORT: 2, ACCESS: 3 } as const;

/** Bytes by the LEN fields. */
const LENGTHS = [1, 2, 8, 4] as const;

interface Breakpoint {
  /** Bit of DR6. */
  readonly bit: number;
  readonly condition: number;
  /** Linear, or a port; aligned to the length. */
  readonly address: number;
  readonly length: number;
}

export class DebugTraps {
  readonly #state: CpuState;
  readonly #signals: RunSignals;
  /** A debugger's, which share the beginning and the end of instructions with them. */
  readonly #watch: Watchpoints;
  /** DR6 bits of the #DB that is due at the next boundary, 0: none. */
  pending = 0;
  /** Of which these were due before the running instruction. */
  #before = 0;
  /** Linear addresses of breakpoints on instructions. */
  instructions: ReadonlySet<number> = new Set();
  #breakpoints: readonly Breakpoint[] = [];
  /** Registers that they were read from. */
  #from: readonly number[] = [];

  constructor(state: CpuState, signals: RunSignals, watch: Watchpoints) {
    this.#state = state;
    this.#signals = signals;
    this.#watch = watch;
  }

  // ---- what is enabled

  /** After a debug register or CR4.DE may have changed. True: other breakpoints are enabled now. */
  refresh(): boolean {
    const state = this.#state;
    const dr7 = state.dr(7);
    if ((dr7 & ENABLED) === 0 && this.#breakpoints.length === 0) return false;
    const from = [dr7, state.cr(4) & CR4.DE, state.dr(0), state.dr(1), state.dr(2), state.dr(3)];
    if (from.every((value, at) => value === this.#from[at])) return false;
    this.#from = from;
    this.#breakpoints = [0, 1, 2, 3].flatMap((n) => this.#enabled(n));
    const execution = this.#breakpoints.filter((each) => each.condition === CONDITION.EXECUTION);
    this.instructions = new Set(execution.map(({ address }) => address));
    let data = 0;
    for (const { bit, condition } of this.#breakpoints) {
      if (condition === CONDITION.WRITE || condition === CONDITION.ACCESS) data |= bit;
    }
    state.set(L.DATA_BREAKPOINTS, data);
    return true;
  }
  /** DRn as DR7 has it, if it does. */
  #enabled(n: number): Breakpoint[] {
    const state = this.#state;
    const dr7 = state.dr(7);
    if (((dr7 >>> (2 * n)) & 3) === 0) return [];
    const field = dr7 >>> (16 + 4 * n);
    const condition = field & 3;
    // without CR4.DE the condition 2 is undefined (17.2.4)
    if (condition === CONDITION.PORT && (state.cr(4) & CR4.DE) === 0) return [];
    const length = condition === CONDITION.EXECUTION ? 1 : LENGTHS[(field >>> 2) & 3];
    return [{ bit: 1 << n, condition, address: (state.dr(n) & -length) >>> 0, length }];
  }

  // ---- what is hit

  /** DR6 bits of the breakpoints on an instruction. */
  instructionBits(linear: number): number {
    return this.#bits(CONDITION.EXECUTION, CONDITION.EXECUTION, linear, 1);
  }
  /** DR6 bits of the breakpoints that an access to memory hits. */
  dataBits(linear: number, size: number, write: boolean): number {
    const also = write ? CONDITION.WRITE : CONDITION.ACCESS;
    return this.#bits(CONDITION.ACCESS, also, linear, size);
  }
  #bits(condition: number, or: number, address: number, size: number): number {
    let bits = 0;
    for (const each of this.#breakpoints) {
      if (each.condition !== condition && each.condition !== or) continue;
      if (address < each.address + each.length && each.address < address + size) bits |= each.bit;
    }
    return bits;
  }
  /** The running instruction has accessed memory or a port. */
  accessed(linear: number, size: number, write: boolean): void {
    this.#hit(this.dataBits(linear, size, write));
  }
  accessedPort(port: number, size: number): void {
    this.#hit(this.#bits(CONDITION.PORT, CONDITION.PORT, port, size));
  }
  #hit(bits: number): void {
    if (bits === 0) return;
    this.pending |= bits;
    this.#signals.stale = true;
  }

  // ---- when it is told

  /** An instruction begins. */
  begin(): void {
    this.#before = this.pending;
    this.#watch.begin();
  }
  /** It ended early: what it has hit is forgotten. */
  abandon(): void {
    this.pending = this.#before;
    this.#watch.abandon();
  }
  /** It is complete and began with TF set. */
  singleStepped(): void {
    this.pending |= SINGLE_STEP;
  }
  /** The bits of the #DB that is delivered now. */
  take(): number {
    const bits = this.pending;
    this.pending = 0;
    this.#before = 0;
    return bits;
  }
}
