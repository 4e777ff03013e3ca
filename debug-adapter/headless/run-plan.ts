/** What a run without an editor is to do: what the command line of `guestscope run` says, as data. */
import type { LaunchArguments } from '../launch/launch-json.ts';

/** Where to stop or to print, beside what launch.json says. */
export interface PlannedBreakpoint {
  /** An address or symbol, the reason of a VM exit, or an event of the machine. */
  readonly kind: 'place' | 'exit' | 'event';
  /** As it was written, for messages. */
  readonly written: string;
  readonly where: string;
  readonly condition?: string;
  /** Prints instead of stopping. */
  readonly logMessage?: string;
}

/** Something that is typed into the console. */
export interface PlannedInput {
  /** When the guest has printed this; null: at once. */
  readonly after: string | null;
  readonly text: string;
}

export interface RunPlan {
  readonly configuration: LaunchArguments;
  readonly breakpoints: readonly PlannedBreakpoint[];
  readonly expectations: readonly string[];
  readonly inputs: readonly PlannedInput[];
  /** Ends the run when the guest has printed this. */
  readonly untilConsole: string | null;
  /** Ends the run after so many instructions since power-on. */
  readonly maxInstructions: number | null;
  /** Ends the run at the stop of this number. */
  readonly maxStops: number | null;
  /** Ends the run when the guest has slept for so many seconds of its time. */
  readonly idleLimit: number;
}

/** Seconds of the guest's time; a kernel that boots sleeps for some of them. */
export const IDLE_LIMIT = 60;
