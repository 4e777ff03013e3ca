/**
 * Source lines of one line table: which line an address belongs to, and where a line begins. Rows are
 * numbers in a typed array, since a kernel has millions of them.
 */

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

/** Where an address is in the sources: the file by its number. */
export interface LinePlace {
  readonly file: number;
  readonly line: number;
  readonly column: number;
}

/** All addresses are those that the file was linked to. */
export class LineList {
  private readonly rows: Uint32Array;

  /** @param rows LINE_WORDS words each, in the order of addresses */
  constructor(rows: Uint32Array) {
    this.rows = rows;
  }

  get length(): number {
    return this.rows.length / LINE_WORDS;
  }

  /** The line that the code at an address was made from, or null. */
  locate(address: number): LinePlace | null {
    const row = this.rowAt(address);
    if (row === null) return null;
    const column = this.word(row, 3) & 0xffff;
    return { file: this.word(row, 1), line: this.word(row, 2), column };
  }

  /** Whether a line's code begins at exactly this address. */
  beginsLine(address: number): boolean {
    const row = this.rowAt(address);
    if (row === null) return false;
    // an optimized line has several rows there, of which any may be the statement
    for (let each = row; each >= 0 && this.word(each, 0) === address; each--)
      if (this.isSame(each, row) && (this.word(each, 3) & STATEMENT) !== 0) return true;
    return false;
  }

  /** Addresses around this one that belong to the same line without a gap; null outside all lines. */
  rangeOf(address: number): CodeRange | null {
    const row = this.rowAt(address);
    if (row === null) return null;
    let first = row;
    while (first > 0 && this.isSame(first - 1, row)) first--;
    let last = row;
    while (this.isSame(last, row)) last++;
    return { start: this.word(first, 0), end: this.word(last, 0) };
  }

  /** Where the next statement behind an address begins, if its code follows without a gap. */
  statementAfter(address: number): number | null {
    const here = this.rowAt(address);
    if (here === null) return null;
    for (let row = here + 1; row < this.length && this.word(row, 1) !== END; row++) {
      const isStatement = (this.word(row, 3) & STATEMENT) !== 0 && this.word(row, 2) !== 0;
      if (isStatement && this.word(row, 0) > address) return this.word(row, 0);
    }
    return null;
  }

  /**
   * Every statement of a file, in the order of addresses.
   * @param tell hears whether it is the first one of code that belongs to the line without a gap
   */
  statements(file: number, tell: (line: number, address: number, begins: boolean) => void): void {
    let isFirst = true;
    for (let row = 0; row < this.length; row++) {
      if (row > 0 && !this.isSame(row - 1, row)) isFirst = true;
      const line = this.word(row, 2);
      if (this.word(row, 1) !== file || line === 0 || (this.word(row, 3) & STATEMENT) === 0)
        continue;
      tell(line, this.word(row, 0), isFirst);
      isFirst = false;
    }
  }

  private isSame(row: number, other: number): boolean {
    return this.word(row, 1) === this.word(other, 1) && this.word(row, 2) === this.word(other, 2);
  }

  /** The last row at or before an address, if that is a line and the address belongs to it. */
  private rowAt(address: number): number | null {
    let low = 0;
    let high = this.length;
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
