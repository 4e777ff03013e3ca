/** Whoever runs the benchmark's guest: this emulator or another one, each in a process of its own. */
import type { Pass } from './marks.ts';

export interface Contender {
  /** Key in the figures. */
  readonly name: string;
  /** Head of its column; names the version. */
  readonly title: string;
  /** Runs all loops once more, then rests. */
  pass(): Promise<Pass>;
  close(): void;
}

/** A contender that is not there, with the reason as a sentence. */
export interface Absent {
  readonly title: string;
  readonly reason: string;
}

export interface GuestOptions {
  /** How many times each loop's count is halved (0 to 9); 0 for figures, 9 to see that it runs. */
  readonly halvings: number;
}

/** RAM that the guest needs (memory.inc.s), bytes. */
export const GUEST_MEMORY = 64 << 20;
