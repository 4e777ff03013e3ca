/**
 * The log of exits: the last of them as they were recorded, what became of each, and what all of them
 * since power-on add up to (exit-statistics.ts). Adding one is a few stores: rows are numbers in arrays,
 * since objects that live this long would cost the collector more than the exit itself. Names and texts
 * are made when a row is looked at.
 *
 * Rows are numbered from 0 in the order in which they are kept. Where there was no filter the number of a
 * row is the ordinal of its exit; what a filter holds back is counted and has no row.
 */
import type { ExitOutcome } from './exit-outcome.ts';
import { SVM_ONLY } from './exit-reasons.ts';
import { ExitRows } from './exit-rows.ts';
import { ExitCounts, type ExitCountsState, type ExitStatistics } from './exit-statistics.ts';
import type { GuestInterface } from './guest-interface.ts';
import type { RecordedExit } from './vm-exit.ts';

/** Rows that the ring keeps unless launch.json says otherwise, and at most. */
export const LOG_CAPACITY = 65_536;
export const MOST_LOG_ROWS = 1_000_000;

export interface ExitLogOptions {
  /** Rows kept, at most MOST_LOG_ROWS; 0: none. */
  readonly capacity: number;
  /** Whether exits are also counted by detail, address and time, beside their reason. */
  readonly statistics: boolean;
}

/** Which exits are kept. */
export interface ExitFilter {
  /** Numbers of their reasons; null: all. */
  readonly reasons: ReadonlySet<number> | null;
  /** Asked for those; null: all of them. */
  readonly keeps: ((exit: RecordedExit) => boolean) | null;
}

/** A row of the log. */
export interface LoggedExit extends RecordedExit {
  readonly row: number;
  /** null: it waits for the hypervisor. */
  readonly outcome: ExitOutcome | null;
}

/** The log's part of a snapshot, plain values. The ring is not part of the machine's state. */
export interface ExitLogState {
  readonly exits: number;
  readonly counts: ExitCountsState;
}

const NO_ROW = -1;
/** Without the flags of a failed entry. */
const REASON_BITS = 2 * SVM_ONLY - 1;

export class ExitLog {
  readonly #capacity: number;
  readonly #rows: ExitRows;
  readonly #counts: ExitCounts;
  #filter: ExitFilter | null = null;
  /** Exits since power-on. */
  #total = 0;
  /** Number of the next row, and its slot. */
  #next = 0;
  #slot = 0;
  /** Rows in the ring. */
  #kept = 0;

  constructor({ capacity, statistics }: Partial<ExitLogOptions> = {}) {
    this.#capacity = capacity ?? LOG_CAPACITY;
    this.#rows = new ExitRows(this.#capacity);
    this.#counts = new ExitCounts(statistics ?? true);
  }

  /** Exits since power-on: the ordinal of the next. */
  get total(): number {
    return this.#total;
  }
  /** Number of the next row. */
  get end(): number {
    return this.#next;
  }
  /** Number of the oldest row that is kept; `end` when there is none. */
  get first(): number {
    return this.#next - this.#kept;
  }

  /** Which exits are kept from now on; null: all. All are counted. */
  setFilter(filter: ExitFilter | null): void {
    this.#filter = filter;
  }

  /**
   * Counts an exit and keeps it if the filter lets it; they must come with their ordinals in order.
   * Returns what settle() wants to know.
   */
  add(exit: RecordedExit): number {
    this.#total = exit.ordinal + 1;
    this.#counts.add(exit);
    if (this.#capacity === 0 || !this.#keeps(exit)) return NO_ROW;
    this.#rows.write(exit, this.#slot);
    this.#slot = this.#slot + 1 === this.#capacity ? 0 : this.#slot + 1;
    if (this.#kept < this.#capacity) this.#kept++;
    return this.#next++;
  }

  /** What became of an exit. @param row as add() returned it */
  settle(row: number, outcome: ExitOutcome): void {
    this.#counts.interrupted(outcome.interrupt);
    if (row >= this.first && row < this.#next) this.#rows.writeOutcome(outcome, this.#slotOf(row));
  }

  /** Kept rows with number >= `from`, oldest first, at most `limit`. */
  read(from: number, limit: number): readonly LoggedExit[] {
    const rows: LoggedExit[] = [];
    const first = Math.max(from, this.first);
    const last = Math.min(this.#next, first + Math.max(0, limit));
    for (let row = first; row < last; row++) {
      const slot = this.#slotOf(row);
      rows.push({ ...this.#rows.read(slot), row, outcome: this.#rows.readOutcome(slot) });
    }
    return rows;
  }

  /** Exits since power-on by reason name, in the order of the reasons' numbers. */
  countsByName(): { readonly [name: string]: number } {
    return this.#counts.byName();
  }
  /** Exits of this reason since power-on. */
  count(reason: number): number {
    return this.#counts.ofReason(reason);
  }
  statistics(guestInterface: GuestInterface | null): ExitStatistics {
    return this.#counts.statistics(this.#total, guestInterface);
  }

  state(): ExitLogState {
    return { exits: this.#total, counts: this.#counts.state() };
  }
  /** Goes on from a state with what the ring still has of the exits before it. */
  restore({ exits, counts }: ExitLogState): void {
    this.#total = exits;
    this.#counts.restore(counts);
    while (this.#kept > 0 && this.#rows.ordinal(this.#slotOf(this.#next - 1)) >= exits) {
      this.#next--;
      this.#kept--;
      this.#slot = (this.#slot === 0 ? this.#capacity : this.#slot) - 1;
    }
    if (this.#kept === 0) this.#next = exits;
  }

  #keeps(exit: RecordedExit): boolean {
    const filter = this.#filter;
    if (filter === null) return true;
    if (filter.reasons !== null && !filter.reasons.has(exit.reason & REASON_BITS)) return false;
    return filter.keeps === null || filter.keeps(exit);
  }
  #slotOf(row: number): number {
    return (this.#slot + this.#capacity - (this.#next - row)) % this.#capacity;
  }
}
