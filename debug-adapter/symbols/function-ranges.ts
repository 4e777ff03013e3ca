/** Which function of a unit an address lies in: found in the ranges of all its functions, kept for units that were asked last. */
import type { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { TAG } from '../../emulator/formats/dwarf/names.ts';
import { rangesOf } from '../../emulator/formats/dwarf/ranges.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';

const WANTED: ReadonlySet<number> = new Set([TAG.SUBPROGRAM, TAG.NAMESPACE]);
const KEPT_UNITS = 256;
/** Namespaces in one another. */
const MOST_NESTED = 16;
/** A row: from, to before, and the offset of the function. */
const WORDS = 3;

export class FunctionRanges {
  private readonly entries: DebugEntries;
  /** Rows by the offset of the unit's header, in the order of addresses. */
  private readonly known = new Map<number, Float64Array>();

  constructor(entries: DebugEntries) {
    this.entries = entries;
  }

  /** Offset of the function's entry, or null. */
  at(unit: number, address: number): number | null {
    const rows = this.of(unit);
    let low = 0;
    let high = rows.length / WORDS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((rows[middle * WORDS] ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    const row = (low - 1) * WORDS;
    return row >= 0 && address < (rows[row + 1] ?? 0) ? (rows[row + 2] ?? null) : null;
  }

  private of(unit: number): Float64Array {
    const known = this.known.get(unit);
    if (known !== undefined) return known;
    const rows: [number, number, number][] = [];
    try {
      this.collect(this.entries.unit(unit).root, rows, 0);
    } catch (error) {
      // what could be read until then is shown
      if (!(error instanceof FormatError)) throw error;
    }
    const sorted = Float64Array.from(rows.sort((a, b) => a[0] - b[0]).flat());
    const [oldest] = this.known.keys();
    if (this.known.size >= KEPT_UNITS && oldest !== undefined) this.known.delete(oldest);
    this.known.set(unit, sorted);
    return sorted;
  }

  private collect(around: Entry, rows: [number, number, number][], depth: number): void {
    for (const entry of this.entries.childrenOf(around, WANTED)) {
      if (entry.tag === TAG.NAMESPACE) {
        if (depth < MOST_NESTED) this.collect(entry, rows, depth + 1);
      } else for (const { start, end } of rangesOf(entry)) rows.push([start, end, entry.offset]);
    }
  }
}
