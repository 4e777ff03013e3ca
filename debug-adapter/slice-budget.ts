/**
 * How many instructions the guest may run before the worker looks at its messages again. The speed of a
 * guest varies a hundredfold (plain loops, page faults, an exit at every instruction), so it is measured
 * from slice to slice; the aim keeps every answer well under 20 ms.
 */

/** Aim for one slice. */
const SLICE_MS = 5;
const SMALLEST = 1_000;
const LARGEST = 50_000_000;
/** Most that one slice may change the next, either way. */
const STEP = 4;

export class SliceBudget {
  /** Instructions for the next slice. */
  instructions = 100_000;

  /** A slice of `instructions` took so many milliseconds. */
  learn(instructions: number, milliseconds: number): void {
    const factor = milliseconds <= 0 ? STEP : SLICE_MS / milliseconds;
    const bounded = Math.min(Math.max(factor, 1 / STEP), STEP);
    const next = Math.round(instructions * bounded);
    this.instructions = Math.min(Math.max(next, SMALLEST), LARGEST);
  }
}
