/**
 * What all exits since power-on add up to, whether the log keeps them or not: how many there were of each
 * reason, of each detail (port, register, hypercall, page: exit-keys.ts), from each guest address, over
 * time, and which interrupts went in. In bounded memory, whatever the guest does, and part of the
 * machine's state: going back takes the counts back.
 */
import { CounterTable, type CounterTableState } from './counter-table.ts';
import { exitKey } from './exit-keys.ts';
import { NONE } from './exit-outcome.ts';
import { ExitRate, type ExitRateState, FIRST_WIDTH } from './exit-rate.ts';
import { exitReason } from './exit-reasons.ts';
import type { GuestInterface } from './guest-interface.ts';
import { REASON_SLOTS, reasonOfSlot, reasonSlot } from './reason-slots.ts';
import type { RecordedExit } from './vm-exit.ts';

const VECTORS = 256;

/** Plain values. */
export interface ExitCountsState {
  /** By slot (reason-slots.ts). */
  readonly reasons: readonly (readonly [slot: number, count: number])[];
  readonly interrupts: readonly (readonly [vector: number, count: number])[];
  /** By reason and key (exit-keys.ts). */
  readonly details: CounterTableState;
  /** By linear address and reason. */
  readonly addresses: CounterTableState;
  readonly rate: ExitRateState;
}

/** The counts in words: plain data for whoever shows them. */
export interface ExitStatistics {
  /** Exits since power-on. */
  readonly total: number;
  /** In the order of their numbers. */
  readonly reasons: readonly CountedReason[];
  /** The most frequent first, as are those that follow. */
  readonly details: readonly CountedDetail[];
  readonly addresses: readonly CountedAddress[];
  /** Interrupts that went in, by vector. */
  readonly interrupts: readonly { readonly vector: number; readonly count: number }[];
  /** Exits whose detail or address was too rare to be kept when there were too many different ones. */
  readonly others: { readonly details: number; readonly addresses: number };
  readonly rate: {
    /** Retired instructions of a stretch. */
    readonly width: number;
    /** Stretches from power-on, exits of each by reason name. */
    readonly stretches: readonly { readonly [reason: string]: number }[];
  };
}
export interface CountedReason {
  readonly reason: string;
  readonly number: number;
  readonly count: number;
}
export interface CountedDetail {
  readonly reason: string;
  /** What tells the exits of this reason apart: "port", "MSR". */
  readonly what: string;
  /** "out 0x3f8". */
  readonly detail: string;
  readonly count: number;
}
export interface CountedAddress {
  /** Linear address of the instruction. */
  readonly address: number;
  readonly reason: string;
  readonly count: number;
}

export const NO_COUNTS: ExitCountsState = {
  reasons: [],
  interrupts: [],
  details: { entries: [], others: 0 },
  addresses: { entries: [], others: 0 },
  rate: { width: FIRST_WIDTH, buckets: [] },
};

export class ExitCounts {
  readonly #reasons = new Float64Array(REASON_SLOTS);
  readonly #interrupts = new Float64Array(VECTORS);
  readonly #details = new CounterTable();
  readonly #addresses = new CounterTable();
  readonly #rate = new ExitRate();
  readonly #detailed: boolean;

  /** @param detailed false: only by reason */
  constructor(detailed: boolean) {
    this.#detailed = detailed;
  }

  add(exit: RecordedExit): void {
    const { reason } = exit;
    const slot = reasonSlot(reason);
    this.#reasons[slot]++;
    if (!this.#detailed) return;
    const key = exitKey(reason);
    if (key !== null) this.#details.add(reason, key.of(exit));
    this.#addresses.add((exit.csBase + exit.rip) >>> 0, reason);
    this.#rate.add(exit.position, slot);
  }
  /** @param vector of an interrupt that went in, or NONE */
  interrupted(vector: number): void {
    if (vector !== NONE) this.#interrupts[vector & (VECTORS - 1)]++;
  }

  ofReason(reason: number): number {
    return this.#reasons[reasonSlot(reason)];
  }

  byName(): { readonly [name: string]: number } {
    return Object.fromEntries(
      counted(this.#reasons).map(([slot, count]) => [nameOf(reasonOfSlot(slot)), count]),
    );
  }

  statistics(total: number, guestInterface: GuestInterface | null): ExitStatistics {
    const { width, buckets } = this.#rate.state();
    return {
      total,
      reasons: counted(this.#reasons).map(([slot, count]) => {
        const number = reasonOfSlot(slot);
        return { reason: nameOf(number), number, count };
      }),
      details: this.#details.entries().flatMap(([reason, key, count]) => {
        const row = exitKey(reason);
        if (row === null) return [];
        const { what } = row;
        return [{ reason: nameOf(reason), what, detail: row.text(key, guestInterface), count }];
      }),
      addresses: this.#addresses.entries().map(([address, reason, count]) => ({
        address, reason: nameOf(reason), count,
      })), // prettier-ignore
      interrupts: counted(this.#interrupts)
        .map(([vector, count]) => ({ vector, count }))
        .sort((a, b) => b.count - a.count || a.vector - b.vector),
      others: { details: this.#details.others, addresses: this.#addresses.others },
      rate: {
        width,
        stretches: buckets.map((row) =>
          Object.fromEntries(row.map(([slot, count]) => [nameOf(reasonOfSlot(slot)), count])),
        ),
      },
    };
  }

  state(): ExitCountsState {
    return {
      reasons: counted(this.#reasons),
      interrupts: counted(this.#interrupts),
      details: this.#details.state(),
      addresses: this.#addresses.state(),
      rate: this.#rate.state(),
    };
  }
  restore({ reasons, interrupts, details, addresses, rate }: ExitCountsState): void {
    this.#reasons.fill(0);
    this.#interrupts.fill(0);
    for (const [slot, count] of reasons) this.#reasons[slot] = count;
    for (const [vector, count] of interrupts) this.#interrupts[vector] = count;
    this.#details.restore(details);
    this.#addresses.restore(addresses);
    this.#rate.restore(rate);
  }
}

const nameOf = (reason: number): string => exitReason(reason)?.name ?? reason.toString();

/** Numbers with a count, ascending. */
function counted(counts: Float64Array): readonly (readonly [number, number])[] {
  return Array.from(counts, (count, number) => [number, count] as const).filter(
    ([, count]) => count > 0,
  );
}
