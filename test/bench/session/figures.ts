/** What is measured through the debug adapter. Times in milliseconds. */

export interface SessionOptions {
  /** Path of the adapter's bundle; the worker's lies beside it. */
  readonly adapter: string;
  /** Path of the story's folder. */
  readonly story: string;
  /** Paths of the Linux guest, or null where there is none. */
  readonly linux: { readonly kernel: string; readonly initrd: string; readonly commandLine: string } | null; // prettier-ignore
  /** Launches, round trips of each request, and pauses to measure. */
  readonly launches: number;
  readonly roundTrips: number;
  readonly pauses: number;
}

export interface Times {
  readonly median: number;
  readonly p95: number;
  readonly max: number;
  readonly count: number;
}

/** Milliseconds from request to response. */
export interface RequestTimes {
  readonly command: string;
  readonly stopped: { readonly median: number; readonly p99: number } | null;
  /** Null for what is refused while the guest runs. */
  readonly running: { readonly median: number; readonly p99: number } | null;
}

/** Hits a second of processor time of a breakpoint whose condition does not hold. */
export interface ConditionFigures {
  readonly instruction: number;
  readonly exit: number;
  readonly data: number;
  /** Interrupts. */
  readonly event: number;
}

export interface SessionFigures {
  /** Round trips by request. */
  readonly requests: readonly RequestTimes[];
  /** A second, of a breakpoint whose condition never holds. */
  readonly conditionalHits: number;
  /** From the launch request (F5) to the stop on entry. */
  readonly launchToEntry: Times;
  /** From the launch request to the stop at the exit breakpoint of the sample's launch.json. */
  readonly launchToExit: Times;
  /** From the start of the adapter's process until one instruction of the guest has been executed. */
  readonly coldStart: Times;
  /** Restart request to the stop on entry: the same machine from power-on, its files read anew. */
  readonly restart: Times;
  /** Request to `stopped` event. */
  readonly stepIn: Times;
  /** Request to response. */
  readonly registers: Times;
  readonly readMemory: Times;
  readonly disassemble: Times;
  /** Pause request to `stopped` event while Linux boots. */
  readonly pause: Times | null;
  readonly conditions: ConditionFigures;
}
