/**
 * Source lines of a guest, from the line tables of its files of symbols: which line an address belongs
 * to, and where a line begins. Rows are numbers in typed arrays, since a kernel has millions of them.
 */
import { DwarfReader } from '../../emulator/formats/dwarf/dwarf-reader.ts';
import { readLineTable, type LineRows } from '../../emulator/formats/dwarf/line-table.ts';
import { compilationUnits } from '../../emulator/formats/dwarf/units.ts';
import type { DebugSections } from './debug-sections.ts';
import { pathKey, sourcePath, type SourceMap } from './source-paths.ts';

export interface SourceLine {
  readonly path: string;
  readonly line: number;
  /** From 1; 0 where it is not known. */
  readonly column: number;
}

/** Linear addresses from `start` to before `end`. */
export interface CodeRange {
  readonly start: number;
  readonly end: number;
}

/** Words of a row: address, file, line, and column with the flag for statements. */
const WORDS = 4;
const STATEMENT = 0x10000;
/** File of a row that stands for the end of a run of rows. */
const END = 0xffffffff;

/** Rows as they are read. */
class Rows implements LineRows {
  words = new Uint32Array(1024 * WORDS);
  count = 0;
  /** Number of each file of the table that is read, in the index. */
  files: readonly number[] = [];
  /** First row since the last end. */
  private begun = 0;
  private readonly isCode: (address: number) => boolean;

  /** @param isCode whether code lies at an address; rows of code that the linker dropped are dropped */
  constructor(isCode: (address: number) => boolean) {
    this.isCode = isCode;
  }

  row(address: number, file: number, line: number, column: number, statement: boolean): void {
    this.push(address, this.files[file] ?? END, line, column | (statement ? STATEMENT : 0));
  }
  end(address: number): void {
    const first = this.words[this.begun * WORDS] ?? 0;
    if (this.count === this.begun || !this.isCode(first)) this.count = this.begun;
    else this.push(address, END, 0, 0);
    this.begun = this.count;
  }
  /** Rows in the order of their addresses; those of a run that has no end are dropped. */
  sorted(): Uint32Array {
    const { words } = this;
    const order = Uint32Array.from({ length: this.begun }, (_, index) => index);
    const address = (row: number): number => words[row * WORDS] ?? 0;
    const isEnd = (row: number): number => Number(words[row * WORDS + 1] === END);
    // where a run ends and another begins, the end comes first
    order.sort((a, b) => address(a) - address(b) || isEnd(b) - isEnd(a) || a - b);
    const sorted = new Uint32Array(this.begun * WORDS);
    order.forEach((row, index) => {
      sorted.set(words.subarray(row * WORDS, row * WORDS + WORDS), index * WORDS);
    });
    return sorted;
  }

  private push(address: number, file: number, line: number, rest: number): void {
    const at = this.count * WORDS;
    if (at === this.words.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.words);
      this.words = larger;
    }
    this.words[at] = address;
    this.words[at + 1] = file;
    this.words[at + 2] = line;
    this.words[at + 3] = rest;
    this.count++;
  }
}

/** What a file of symbols gives to the index. */
export interface LineSource {
  readonly sections: DebugSections;
  /** Folder that relative names count from. */
  readonly home: string;
  readonly isCode: (address: number) => boolean;
}

export class LineIndex {
  private readonly rows: Uint32Array;
  private readonly paths: readonly string[];
  /** Numbers of files by pathKey(). */
  private readonly byKey = new Map<string, number>();
  /** Rows of statements by file, made when a file is asked for. */
  private readonly byFile = new Map<number, readonly number[]>();

  private constructor(rows: Uint32Array, paths: readonly string[]) {
    this.rows = rows;
    this.paths = paths;
    for (const [file, path] of paths.entries()) this.byKey.set(pathKey(path), file);
  }

  /** Throws FormatError. */
  static read(sources: readonly LineSource[], map: SourceMap): LineIndex {
    const paths: string[] = [];
    const numbers = new Map<string, number>();
    const number = (path: string): number => {
      const known = numbers.get(path);
      if (known !== undefined) return known;
      numbers.set(path, paths.length);
      return paths.push(path) - 1;
    };
    const parts = sources.map((source) => readSource(source, map, number));
    const rows = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      rows.set(part, at);
      at += part.length;
    }
    return new LineIndex(rows, paths);
  }

  /** Source files that have code. */
  get files(): readonly string[] {
    return this.paths;
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
  addressesOf(
    path: string,
    line: number,
  ): { readonly line: number; readonly addresses: readonly number[] } | null {
    // prettier-ignore
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
    for (let row = 0; row * WORDS < this.rows.length; row++) {
      const statement = (this.word(row, 3) & STATEMENT) !== 0;
      if (statement && this.word(row, 1) === file && this.word(row, 2) > 0) rows.push(row);
    }
    this.byFile.set(file, rows);
    return rows;
  }

  /** The last row at or before an address, if that is a line and the address belongs to it. */
  private rowAt(address: number): number | null {
    let low = 0;
    let high = this.rows.length / WORDS;
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
    return this.rows[row * WORDS + word] ?? END;
  }
}

function readSource(
  { sections, home, isCode }: LineSource,
  map: SourceMap,
  number: (path: string) => number,
): Uint32Array {
  const texts = {
    texts: textSection('.debug_str', sections.texts),
    lineTexts: textSection('.debug_line_str', sections.lineTexts),
  };
  const rows = new Rows(isCode);
  const folders = new Map<number, string>();
  for (const unit of compilationUnits(sections.info, sections.abbreviations, texts))
    folders.set(unit.lines, unit.folder);
  const reader = new DwarfReader('.debug_line', sections.lines);
  while (reader.left > 0) {
    const folder = folders.get(reader.at) ?? '';
    const table = readLineTable(reader, texts);
    if (table === null) continue;
    rows.files = table.files.map(({ name, folder: inner }) =>
      name === '' ? END : number(sourcePath([folder, inner, name], home, map)),
    );
    table.run(rows);
  }
  return rows.sorted();
}

function textSection(name: string, bytes: Uint8Array): DwarfReader | null {
  return bytes.length === 0 ? null : new DwarfReader(name, bytes);
}
