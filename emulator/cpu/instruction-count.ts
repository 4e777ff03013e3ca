/**
 * The count of retired instructions, which is the machine's clock, and what lies on it: the fuel of a
 * run, and the boundary at which STI and MOV SS keep interrupts out (SDM vol. 3, 6.8.3).
 *
 * Emitted code counts FUEL down where a block ends; an instruction within a block is ahead of it by its
 * ordinal. So retired = limit - FUEL + ordinal, exact at boundaries and whenever TypeScript runs. The
 * shadow of STI is the value of FUEL at the boundary that it protects, so that it passes by itself.
 */
import * as L from './layout.ts';
import type { CpuState } from './state.ts';

/** Layout SHADOW_FUEL where nothing is inhibited: no value that FUEL takes. */
const NO_SHADOW = -0x80000000;
/** Layout SHADOW_FUEL between inhibit() and the end of that instruction. */
const INHIBIT = -0x7fffffff;

/** Bits of the guest's interruptibility state (SDM vol. 3, table 25-3). */
export const INTERRUPTIBILITY = { STI: 1 << 0, MOV_SS: 1 << 1, SMI: 1 << 2, NMI: 1 << 3 } as const;

export class InstructionCount {
  readonly #i32: Int32Array;
  /** Retired instructions when FUEL reaches zero. */
  #limit = 0;
  /** Retired instructions at the boundary after MOV SS or POP SS. */
  #trapsHeldAt = -1;
  /** Instructions of the current block before the TypeScript instruction that is running. */
  ordinal = 0;

  constructor({ i32 }: CpuState) {
    this.#i32 = i32;
    this.#shadow = NO_SHADOW;
  }

  /** Retired instructions since power-on. */
  get retired(): number {
    return this.#limit - this.fuel + this.ordinal;
  }
  /** Instructions left, not counting those of the running block. */
  get fuel(): number {
    return this.#i32[L.FUEL >> 2];
  }
  set fuel(value: number) {
    this.#i32[L.FUEL >> 2] = value;
  }
  get #shadow(): number {
    return this.#i32[L.SHADOW_FUEL >> 2];
  }
  set #shadow(value: number) {
    this.#i32[L.SHADOW_FUEL >> 2] = value;
  }

  /** Begins a run of at most `instructions` (below 2^30). */
  refill(instructions: number): void {
    const { retired, inShadow } = this;
    this.fuel = instructions;
    this.#limit = retired + instructions;
    this.#shadow = inShadow ? instructions : NO_SHADOW;
  }

  /**
   * Leaves so much fuel, one for a single step; returns what putBack() takes. A shadow on this boundary
   * stays on it: it is there still when the instruction leaves the guest without retiring.
   */
  setAside(left = 1): number {
    const { inShadow } = this;
    const rest = this.fuel - left;
    this.fuel = left;
    this.#limit -= rest;
    this.#shadow = inShadow ? left : NO_SHADOW;
    return rest;
  }
  putBack(rest: number): void {
    if (this.#shadow >= 0) this.#shadow += rest;
    this.fuel += rest;
    this.#limit += rest;
  }

  /**
   * The running TypeScript instruction keeps interrupts out until the one after it is complete, and traps
   * too if it is MOV SS or POP SS.
   */
  inhibit(traps: boolean): void {
    this.#shadow = INHIBIT;
    if (traps) this.#trapsHeldAt = this.retired + 1;
  }
  /** At this boundary #DB for what has happened before it waits (SDM vol. 3, 6.8.3). */
  get holdsTraps(): boolean {
    return this.retired === this.#trapsHeldAt;
  }
  /** Blocking by STI or by MOV SS, as INTERRUPTIBILITY has it. */
  get blocking(): number {
    if (!this.inShadow) return 0;
    return this.holdsTraps ? INTERRUPTIBILITY.MOV_SS : INTERRUPTIBILITY.STI;
  }
  /** inhibit() was called in the running instruction. */
  get inhibits(): boolean {
    return this.#shadow === INHIBIT;
  }
  /** The running instruction is counted: a shadow that it asked for lies on this boundary. */
  settleShadow(): void {
    if (this.inhibits) this.#shadow = this.fuel;
  }
  /** An event was delivered: what comes next is not the instruction that STI or MOV SS protects. */
  endShadow(): void {
    this.#shadow = NO_SHADOW;
    this.#trapsHeldAt = -1;
  }
  /** This boundary, or that before the running TypeScript instruction, is protected. */
  get inShadow(): boolean {
    const shadow = this.#shadow;
    return shadow >= 0 && shadow === this.fuel - this.ordinal;
  }
}
