/**
 * Source lines of the running guest, over all its files of symbols: each file's own (line-tables.ts),
 * moved as far as the file has moved (guest-image.ts). A file's lines may come later than the file.
 */
import type { CodePlace } from './address-space.ts';
import type { GuestImage } from './guest-image.ts';
import type { CodeRange, LineAddresses, SourceLine } from './line-list.ts';
import type { LineTables } from './line-tables.ts';

/** A file's lines, null while it has none, and where the file is. */
export interface LinePart {
  readonly lines: LineTables | null;
  readonly image: GuestImage;
}

/** A line, and where its code begins. */
export interface LinePlaces {
  readonly line: number;
  readonly places: readonly CodePlace[];
}

export class LineIndex {
  private readonly parts: readonly LinePart[];

  /** @param parts one for each file */
  constructor(parts: readonly LinePart[]) {
    this.parts = parts;
  }

  /** Source files that have code. */
  get files(): readonly string[] {
    return this.parts.flatMap(({ lines }) => lines?.paths ?? []);
  }

  /** The line that the code at a linear address was made from, or null. */
  locate(address: number): SourceLine | null {
    return this.first(address, (lines, linked) => lines.locate(linked));
  }

  /** Whether a line's code begins at exactly this address. */
  beginsLine(address: number): boolean {
    return this.first(address, (lines, linked) => lines.beginsLine(linked) || null) ?? false;
  }

  /** Addresses around this one that belong to the same line without a gap; null outside all lines. */
  rangeOf(address: number): CodeRange | null {
    return this.first(address, (lines, linked) => {
      const range = lines.rangeOf(linked);
      const moved = address - linked;
      return range && { start: (range.start + moved) >>> 0, end: (range.end + moved) >>> 0 };
    });
  }

  /** Where the next statement behind an address begins, if its code follows without a gap. */
  statementAfter(address: number): number | null {
    return this.first(address, (lines, linked) => {
      const next = lines.statementAfter(linked);
      return next === null ? null : (next + address - linked) >>> 0;
    });
  }

  /**
   * Where a line begins: in the first file that has code from it or from a line after it, and where that
   * is of one address space, in those of others too. Null when there is no such file.
   */
  placesOf(path: string, line: number): LinePlaces | null {
    const places: CodePlace[] = [];
    let found: number | null = null;
    for (const { lines, image } of this.parts) {
      const own = lines?.addressesOf(path, line) ?? null;
      const { space } = image;
      if (own === null || (found !== null && (space === null || own.line !== found))) continue;
      for (const linked of own.addresses) {
        const address = image.toGuest(linked);
        if (address !== null) places.push({ address, space });
      }
      if (places.length > 0) found = own.line;
    }
    return found === null ? null : { line: found, places };
  }

  /** The same without what belongs to other address spaces than the guest is in. */
  addressesOf(path: string, line: number): LineAddresses | null {
    const found = this.placesOf(path, line);
    const here = found?.places.filter(({ space }) => space?.isCurrent ?? true) ?? [];
    const addresses = here.map(({ address }) => address);
    return found === null || here.length === 0 ? null : { line: found.line, addresses };
  }

  /** Lines from `first` to `last` at which code begins, in order. */
  linesOf(path: string, first: number, last: number): readonly number[] {
    const part = this.parts.find(({ lines }) => lines?.knows(path) === true);
    return part?.lines?.linesOf(path, first, last) ?? [];
  }

  /**
   * Reads what questions about a source file's lines need, which of a header that everything includes is
   * much; yields often. Without it they read it themselves, at once.
   */
  *preparing(path: string): Generator<void, void, undefined> {
    for (const { lines } of this.parts) if (lines !== null) yield* lines.preparing(path);
  }

  knows(path: string): boolean {
    return this.parts.some(({ lines }) => lines?.knows(path) === true);
  }

  private first<Found>(
    address: number,
    find: (lines: LineTables, linked: number) => Found | null,
  ): Found | null {
    for (const { lines, image } of this.parts) {
      const linked = image.toLinked(address);
      const found = lines === null || linked === null ? null : find(lines, linked);
      if (found !== null) return found;
    }
    return null;
  }
}
