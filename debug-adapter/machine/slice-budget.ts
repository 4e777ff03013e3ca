/**
 * How many instructions the guest may run before the worker looks at the clock again. The speed of a
 * guest varies a hundredfold (plain loops, page faults, an exit at every instruction), so it is measured
 * from one piece to the next. Pieces are a tenth of a slice, so that even a guest that suddenly becomes
 * slow is interruptible soon.
 */

/** Time that the guest runs between two looks at the messages. */
export const SLICE_MS = 4;
/** Aim for one piece. */
const PIECE_MS = SLICE_MS / 10;
const SMALLEST = 1_000;
const LARGEST = 2_000_000;
/** Most that one piece may change the next, either way. */
const STEP = 4;

export class SliceBudget {
  /** Instructions for the next piece. */
  instructions = 10_000;

  /** A piece of `instructions` took so many milliseconds. */
  learn(instructions: number, milliseconds: number): void {
    const factor = milliseconds <= 0 ? STEP : PIECE_MS / milliseconds;
    const bounded = Math.min(Math.max(factor, 1 / STEP), STEP);
    const next = Math.round(instructions * bounded);
    this.instructions = Math.min(Math.max(next, SMALLEST), LARGEST);
  }
}
