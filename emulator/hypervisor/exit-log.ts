/**
 * The log of exits: the last 65,536 of them as they were recorded, and how many there were of each
 * reason since power-on. Adding one is a store; names and texts are made when a row is looked at.
 */
import { exitReason } from './exit-reasons.ts';
import type { VmExit } from './vm-exit.ts';

/** Exits that the ring keeps; a power of two. */
export const LOG_CAPACITY = 65536;

export class ExitLog {
  private ring: VmExit[] = [];
  private readonly counts = new Map<number, number>();
  private next = 0;

  /** Ordinal of the next exit = number of exits since power-on. */
  get total(): number {
    return this.next;
  }

  /** Exits must come with their ordinals in order. */
  add(exit: VmExit): void {
    this.ring[exit.ordinal & (LOG_CAPACITY - 1)] = exit;
    this.next = exit.ordinal + 1;
    this.counts.set(exit.reason, (this.counts.get(exit.reason) ?? 0) + 1);
  }

  /** Kept exits with ordinal >= `from`, oldest first, at most `limit`. */
  read(from: number, limit: number): readonly VmExit[] {
    const rows: VmExit[] = [];
    const last = Math.min(this.next, Math.max(from, this.oldest) + Math.max(0, limit));
    for (let ordinal = Math.max(from, this.oldest); ordinal < last; ordinal++) {
      rows.push(this.ring[ordinal & (LOG_CAPACITY - 1)]);
    }
    return rows;
  }

  /** Exits since power-on by reason name, in the order of the reasons' numbers. */
  countsByName(): { readonly [name: string]: number } {
    const rows = [...this.counts].sort(([a], [b]) => a - b);
    return Object.fromEntries(
      rows.map(([number, count]) => [exitReason(number)?.name ?? number.toString(), count]),
    );
  }

  /** Counts by reason number, for a snapshot. The ring is not part of the machine's state. */
  savedCounts(): readonly (readonly [number, number])[] {
    return [...this.counts].sort(([a], [b]) => a - b);
  }

  /** Goes on at `total` with these counts and an empty ring. */
  restart(total: number, counts: readonly (readonly [number, number])[]): void {
    this.ring = [];
    this.start = total;
    this.next = total;
    this.counts.clear();
    for (const [reason, count] of counts) this.counts.set(reason, count);
  }

  /** First ordinal since the last restart. */
  private start = 0;

  private get oldest(): number {
    return Math.max(this.start, this.next - LOG_CAPACITY);
  }
}
