/**
 * What ends the run of a guest that nobody watches: a position, a long sleep, a text on its console. All
 * are of the guest's own time, so that a run ends at the same instruction however fast the host is.
 */

/** What is absent is not watched. */
export interface RunRules {
  /** Stops when so many instructions have been retired since power-on. */
  readonly position?: number;
  /**
   * Stops when the guest has slept for so many ns of its time without printing, nearly without executing
   * anything; and at once when nothing of its own would wake it.
   */
  readonly quiet?: number;
  /** Stops after the byte of COM1's output that completes one of these. */
  readonly texts: readonly Uint8Array[];
  /** The guest waits for the client, rather than that output is left out. */
  readonly keepOutput: boolean;
}

export const NO_RULES: RunRules = { texts: [], keepOutput: false };

/** Stops that come from the rules, beside those that the machine knows. */
export type RuleStop =
  | { readonly kind: 'limit'; readonly position: number }
  /** `time` it has slept, in ns; null when nothing would wake it. */
  | { readonly kind: 'quiet'; readonly time: number | null };

/** Part of the time that a sleeping guest may spend on instructions: timer ticks do little. */
const BUSY = 0.1;

/** Where the guest was when it fell idle. */
export interface IdlePlace {
  /** Retired instructions. */
  readonly retired: number;
  /** Virtual ns. */
  readonly time: number;
  /** Bytes that it has printed. */
  readonly printed: number;
}

export class RunLimits {
  private rules: RunRules = NO_RULES;
  /** Since when it sleeps. */
  private asleep: IdlePlace | null = null;

  set(rules: RunRules): void {
    this.rules = rules;
    this.asleep = null;
  }

  get current(): RunRules {
    return this.rules;
  }

  /** The guest runs anew, or something has arrived from outside: what was a sleep is over. */
  disturbed(): void {
    this.asleep = null;
  }

  /** Of `budget` instructions, those up to the limit. */
  within(budget: number, retired: () => number): number {
    const { position } = this.rules;
    return position === undefined ? budget : Math.min(budget, Math.max(position - retired(), 0));
  }

  get atLimit(): RuleStop {
    return { kind: 'limit', position: this.rules.position ?? 0 };
  }

  /** The guest waits until virtual time `wakeAt`: the stop, if it has waited long enough. */
  idle(here: IdlePlace, wakeAt: number): RuleStop | null {
    const { quiet } = this.rules;
    if (quiet === undefined) return null;
    if (wakeAt === Infinity) return { kind: 'quiet', time: null };
    const before = this.asleep;
    const time = before === null ? 0 : here.time - before.time;
    const sleeps =
      before !== null &&
      here.printed === before.printed &&
      here.retired - before.retired <= time * BUSY;
    if (!sleeps) this.asleep = here;
    return sleeps && time >= quiet ? { kind: 'quiet', time } : null;
  }
}
