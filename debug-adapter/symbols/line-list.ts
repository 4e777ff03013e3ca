/**
 * Source lines of one file of symbols: which line an address belongs to, and where a line begins. Rows
 * are numbers in typed arrays, since a kernel has millions of them.
 */
import { pathKey } from './source-paths.ts';

export interface SourceLine {
  readonly path: string;
  readonly line: number;
  /** From 1; 0 where it is not known. */
  readonly column: number;
}

/** Addresses from `start` to before `end`. */
export interface CodeRange {
  readonly start: number;
  readonly end: number;
}

/** Where a line begins; a line that has no code is told as the next one that has. */
export interface LineAddresses {
  readonly line: number;
  readonly addresses: readonly number[];
}

/** Words of a row: address, file, line, and column with the flag for statements. */
export const LINE_WORDS = 4;
export const STATEMENT = 0x10000;
/** File of a row that stands for the end of a run of rows. */
export const END = 0xffffffff;

/** All addresses are those that the file was linked to. */
export class LineList {
  readonly paths: readonly string[];
  private readonly rows: Uint32Array;
  /** Numbers of files by pathKey(). */
  private readonly byKey = new Map<string, number>();
  /** Rows of statements by file, made when a file is asked for. */
  private readonly byFile = new Map<number, readonly number[]>();

  /** @param rows LINE_WORDS words each, in the order of addresses */
  constructor(rows: Uint32Array, paths: readonly string[]) {
    this.rows = rows;
    this.paths = paths;
    for (const [file, path] of paths.entries()) this.byKey.set(pathKey(path), file);
  }

  /** The line that the code at an address was made from, or null. */
  locate(address: number): SourceLine | null {
    const row = this.rowAt(address);
    return row === null ? null : this.lineOf(row);
  }

  /** Whether a line's code begins at exactly this address. */
  beginsLine(address: number): boolean {
    const row = this.rowAt(address);
    return row !== null && this.word(row, 0) === address && (this.word(row, 3) & STATEMENT) !== 0;
  }

  /** Addresses around this one that belong to the same line without a gap; null outside all lines. */
  rangeOf(address: number): CodeRange | null {
    const row = this.rowAt(address);
    if (row === null) return null;
    const same = (other: number): boolean =>
      this.word(other, 1) === this.word(row, 1) && this.word(other, 2) === this.word(row, 2);
    let first = row;
    while (first > 0 && same(first - 1)) first--;
    let last = row;
    while (same(last)) last++;
    return { start: this.word(first, 0), end: this.word(last, 0) };
  }

  /**
   * Where a line begins: each first address of a run of code made from it. A line without code gives the
   * next one of the file that has some. Null when there is none, or the file is not known.
   */
  addressesOf(path: string, line: number): LineAddresses | null {
    const file = this.byKey.get(pathKey(path));
    if (file === undefined) return null;
    const rows = this.statementsOf(file);
    let found = Infinity;
    for (const row of rows) {
      const here = this.word(row, 2);
      if (here >= line && here < found) found = here;
    }
    if (found === Infinity) return null;
    const addresses = rows
      .filter((row) => this.word(row, 2) === found && !this.continues(row))
      .map((row) => this.word(row, 0));
    return { line: found, addresses: [...new Set(addresses)] };
  }

  /** Lines from `first` to `last` at which code begins, in order. */
  linesOf(path: string, first: number, last: number): readonly number[] {
    const file = this.byKey.get(pathKey(path));
    if (file === undefined) return [];
    const lines = this.statementsOf(file).map((row) => this.word(row, 2));
    return [...new Set(lines.filter((line) => line >= first && line <= last))].sort((a, b) => a - b); // prettier-ignore
  }

  knows(path: string): boolean {
    return this.byKey.has(pathKey(path));
  }

  /** The code before this row belongs to the same line. */
  private continues(row: number): boolean {
    return (
      row > 0 &&
      this.word(row - 1, 1) === this.word(row, 1) &&
      this.word(row - 1, 2) === this.word(row, 2)
    );
  }

  private lineOf(row: number): SourceLine {
    return {
      path: this.paths[this.word(row, 1)] ?? '',
      line: this.word(row, 2),
      column: this.word(row, 3) & 0xffff,
    };
  }

  private statementsOf(file: number): readonly number[] {
    const known = this.byFile.get(file);
    if (known !== undefined) return known;
    const rows: number[] = [];
    for (let row = 0; row * LINE_WORDS < this.rows.length; row++) {
      const statement = (this.word(row, 3) & STATEMENT) !== 0;
      if (statement && this.word(row, 1) === file && this.word(row, 2) > 0) rows.push(row);
    }
    this.byFile.set(file, rows);
    return rows;
  }

  /** The last row at or before an address, if that is a line and the address belongs to it. */
  private rowAt(address: number): number | null {
    let low = 0;
    let high = this.rows.length / LINE_WORDS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.word(middle, 0) <= address) low = middle + 1;
      else high = middle;
    }
    const row = low - 1;
    if (row < 0 || this.word(row, 1) === END || this.word(row, 2) === 0) return null;
    return row;
  }

  private word(row: number, word: number): number {
    return this.rows[row * LINE_WORDS + word] ?? END;
  }
}
