/**
 * The rows that the page of VM exits can show, by index: the log itself, of which pages come when they
 * are in sight, or what a filter lets through, which is kept here.
 */
import type { ExitRow } from '../../debug-adapter/protocol.ts';

/** Rows beyond this many are forgotten, the farthest from sight first; they can be asked for again. */
const CACHE_LIMIT = 8192;
/** Rows asked for at once around a gap. */
const FETCH = 200;
/** Browsers clip taller elements; of a longer log the newest rows are shown. */
const MOST_ROWS = 500_000;
/** Matches that are kept; of more, the newest. */
const MOST_MATCHES = 100_000;

/** What the table draws: rows `first` to `end`, null for one that is not known yet. */
export interface RowSource {
  readonly first: number;
  readonly end: number;
  row(number: number): ExitRow | null;
}

export class LogRows implements RowSource {
  first = 0;
  end = 0;
  readonly #cache = new Map<number, ExitRow>();
  #asked = -1;

  clear(): void {
    this.#cache.clear();
    this.first = this.end = 0;
    this.#asked = -1;
  }

  row(number: number): ExitRow | null {
    return this.#cache.get(number) ?? null;
  }

  /** @param sight number of a row in sight: those around it are kept */
  add(rows: readonly ExitRow[], first: number, end: number, sight: number): void {
    for (const row of rows) this.#cache.set(row.row ?? row.ordinal, row);
    // a page that comes late must not shorten the log
    this.end = Math.max(this.end, end);
    this.first = Math.max(this.first, first, this.end - MOST_ROWS);
    this.#asked = -1;
    if (this.#cache.size <= CACHE_LIMIT) return;
    const far = [...this.#cache.keys()].sort((a, b) => Math.abs(b - sight) - Math.abs(a - sight));
    for (const number of far.slice(0, this.#cache.size - CACHE_LIMIT / 2)) this.#cache.delete(number); // prettier-ignore
  }

  /** The page to ask for so that these rows are known; null when they are, or it was asked for. */
  gap(from: number, to: number): { readonly from: number; readonly count: number } | null {
    for (let number = from; number < to; number++) {
      if (this.#cache.has(number)) continue;
      const start = Math.max(this.first, number - FETCH / 4);
      if (start === this.#asked) return null;
      this.#asked = start;
      return { from: start, count: FETCH };
    }
    return null;
  }
}

export class MatchedRows implements RowSource {
  first = 0;
  #rows: ExitRow[] = [];

  clear(): void {
    this.first = 0;
    this.#rows = [];
  }

  get end(): number {
    return this.first + this.#rows.length;
  }

  row(number: number): ExitRow | null {
    return this.#rows[number - this.first] ?? null;
  }

  add(rows: readonly ExitRow[]): void {
    this.#rows.push(...rows);
    if (this.#rows.length <= MOST_MATCHES) return;
    const dropped = this.#rows.length - MOST_MATCHES / 2;
    this.first += dropped;
    this.#rows = this.#rows.slice(dropped);
  }
}
