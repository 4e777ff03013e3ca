/**
 * Counts by a pair of 32-bit keys, in bounded memory: what a hostile guest makes up cannot grow it. When
 * the table is full, the less frequent half is given up and its counts go to `others`; what stays has
 * been counted exactly since it came in. No order of slots can be seen, so that the same run gives the
 * same counts, and so does one that goes on from a saved state.
 */

/** Slots; a power of two. */
const SIZE = 4096;
const SHIFT = 20;
/** Slots in use beyond which half of them are given up. */
const FULL = (SIZE * 3) / 4;

export type Counted = readonly [first: number, second: number, count: number];

/** Plain values, by count and then by key. */
export interface CounterTableState {
  readonly entries: readonly Counted[];
  readonly others: number;
}

export class CounterTable {
  readonly #keys = new Uint32Array(SIZE * 2);
  /** 0: the slot is free. */
  readonly #counts = new Float64Array(SIZE);
  #used = 0;
  #others = 0;

  /** Sum of what was given up: each count may be too low by at most this. */
  get others(): number {
    return this.#others;
  }

  add(first: number, second: number): void {
    const slot = this.#slot(first, second);
    if (this.#counts[slot]++ === 0) this.#insert(slot, first, second);
  }

  /** The most frequent first, ties by key. */
  entries(): readonly Counted[] {
    const entries: Counted[] = [];
    this.#counts.forEach((count, slot) => {
      if (count > 0) entries.push([this.#keys[slot * 2], this.#keys[slot * 2 + 1], count]);
    });
    return entries.sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1]);
  }

  state(): CounterTableState {
    return { entries: this.entries(), others: this.#others };
  }
  restore({ entries, others }: CounterTableState): void {
    this.#counts.fill(0);
    this.#used = 0;
    for (const [first, second, count] of entries) {
      const slot = this.#slot(first, second);
      this.#counts[slot] = count;
      this.#insert(slot, first, second);
    }
    this.#others = others;
  }

  /** Slot of the keys, or the free one where they belong. */
  #slot(first: number, second: number): number {
    const keys = this.#keys;
    const counts = this.#counts;
    let slot = Math.imul(first ^ Math.imul(second, 0x9e3779b1), 0x85ebca6b) >>> SHIFT;
    const [a, b] = [first >>> 0, second >>> 0];
    while (counts[slot] !== 0 && (keys[slot * 2] !== a || keys[slot * 2 + 1] !== b)) {
      slot = (slot + 1) & (SIZE - 1);
    }
    return slot;
  }
  #insert(slot: number, first: number, second: number): void {
    this.#keys[slot * 2] = first;
    this.#keys[slot * 2 + 1] = second;
    if (++this.#used > FULL) this.#giveUpHalf();
  }
  /** All counts up to the median go. */
  #giveUpHalf(): void {
    const entries = this.entries();
    const limit = entries[entries.length >> 1][2];
    const kept = entries.filter(([, , count]) => count > limit);
    const gone = entries.slice(kept.length).reduce((sum, [, , count]) => sum + count, 0);
    this.restore({ entries: kept, others: this.#others + gone });
  }
}
