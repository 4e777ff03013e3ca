/**
 * Source lines of the running guest, over all its files of symbols: each file's own (line-list.ts), moved
 * as far as the file has moved (guest-image.ts).
 */
import type { GuestImage } from './guest-image.ts';
import type { CodeRange, LineAddresses, LineList, SourceLine } from './line-list.ts';

/** A file's lines, and where the file is. */
export interface LinePart {
  readonly lines: LineList;
  readonly image: GuestImage;
}

export class LineIndex {
  private readonly parts: readonly LinePart[];

  /** @param parts one for each file that has lines */
  constructor(parts: readonly LinePart[]) {
    this.parts = parts;
  }

  /** Source files that have code. */
  get files(): readonly string[] {
    return this.parts.flatMap(({ lines }) => lines.paths);
  }

  /** The line that the code at a linear address was made from, or null. */
  locate(address: number): SourceLine | null {
    return this.first(address, (lines, linked) => lines.locate(linked));
  }

  /** Whether a line's code begins at exactly this address. */
  beginsLine(address: number): boolean {
    return this.parts.some(({ lines, image }) => lines.beginsLine((address - image.slide) >>> 0));
  }

  /** Addresses around this one that belong to the same line without a gap; null outside all lines. */
  rangeOf(address: number): CodeRange | null {
    return this.first(address, (lines, linked, slide) => {
      const range = lines.rangeOf(linked);
      return range && { start: (range.start + slide) >>> 0, end: (range.end + slide) >>> 0 };
    });
  }

  /** Where a line begins; null when no file has code from it or from a line after it. */
  addressesOf(path: string, line: number): LineAddresses | null {
    for (const { lines, image } of this.parts) {
      const found = lines.addressesOf(path, line);
      if (found === null) continue;
      const addresses = found.addresses.map((address) => (address + image.slide) >>> 0);
      return { line: found.line, addresses };
    }
    return null;
  }

  /** Lines from `first` to `last` at which code begins, in order. */
  linesOf(path: string, first: number, last: number): readonly number[] {
    return (
      this.parts.find(({ lines }) => lines.knows(path))?.lines.linesOf(path, first, last) ?? []
    );
  }

  knows(path: string): boolean {
    return this.parts.some(({ lines }) => lines.knows(path));
  }

  private first<Found>(
    address: number,
    find: (lines: LineList, linked: number, slide: number) => Found | null,
  ): Found | null {
    for (const { lines, image } of this.parts) {
      const found = find(lines, (address - image.slide) >>> 0, image.slide);
      if (found !== null) return found;
    }
    return null;
  }
}
