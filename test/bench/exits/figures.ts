/** What recording exits costs. */

export interface ExitsOptions {
  /** Pairs of runs to compare. */
  readonly pairs: number;
  /** Exits of each run. */
  readonly exits: number;
}

export interface RecordingFigures {
  /** Instructions from one exit to the next. */
  readonly instructionsPerExit: number;
  /** Median over the pairs: time with recording by time without. */
  readonly ratio: number;
  /** Least and greatest of the pairs. */
  readonly range: readonly [least: number, most: number];
  /** Medians of CPU time, ns an exit with the instructions before it. */
  readonly with: number;
  readonly without: number;
  readonly pairs: number;
}

/** Guests that differ in how often they leave. */
export interface ExitsFigures {
  readonly recording: readonly RecordingFigures[];
}
