/**
 * The time-stamp counter (SDM vol. 3, 17.17): the platform's time plus TSC_OFFSET (25.6.5), modulo 2^64.
 * Emitted code reads it without a call: time passes with the instructions that retire, so between two
 * looks at the platform the counter is a base minus FUEL.
 */
import type { InstructionCount } from './instruction-count.ts';
import * as L from './layout.ts';
import type { Platform } from './platform.ts';
import type { CpuState } from './state.ts';

const WORD = 0x100000000;

export class TimeStampCounter {
  readonly #state: CpuState;
  readonly #platform: Platform;
  readonly #count: InstructionCount;

  constructor(state: CpuState, platform: Platform, count: InstructionCount) {
    this.#state = state;
    this.#platform = platform;
    this.#count = count;
  }

  /** Two unsigned halves. */
  read(): { readonly low: number; readonly high: number } {
    const now = this.#platform.now();
    const low = (now >>> 0) + this.#state.get(L.TSC_OFFSET);
    return { low: low >>> 0, high: this.#high(now, low) };
  }
  /** Before emitted code runs, at a boundary: sets layout TSC_BASE. */
  publish(): void {
    const now = this.#platform.now();
    const low = (now >>> 0) + this.#state.get(L.TSC_OFFSET) + this.#count.fuel;
    this.#state.set(L.TSC_BASE, low);
    this.#state.set(L.TSC_BASE + 4, this.#high(now, low));
  }
  /** Upper half of the sum whose lower halves made `low`. */
  #high(now: number, low: number): number {
    const carry = Math.floor(low / WORD);
    return (Math.floor(now / WORD) + this.#state.get(L.TSC_OFFSET + 4) + carry) >>> 0;
  }
}
