/**
 * Source lines of one file of symbols: which line an address belongs to, and where a line begins. What
 * lies where is known from an index (line-scan.ts); the table that is asked for is read from the file
 * then, and those that were asked for last are kept.
 */
import type { ByteSource } from '../../emulator/formats/byte-source.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { CodeRange, LineAddresses, LineList, SourceLine } from './line-list.ts';
import { CollectedRows } from './line-rows.ts';
import { lineTableAt, NO_TEXTS, RUN_WORDS, type LineTablesData } from './line-scan.ts';
import { NumberList } from './number-list.ts';
import { pathKey, sourcePath, type SourceMap } from './source-paths.ts';

/** Rows of tables that are kept, and source files whose lines are. */
const MOST_ROWS = 1 << 19;
const MOST_FILES = 16;

/** Statements of a source file, from all tables. */
interface FileLines {
  readonly lines: Uint32Array;
  readonly addresses: Uint32Array;
  /** 1 for the first statement of code that belongs to the line without a gap. */
  readonly begins: Uint32Array;
}

export interface LineSource {
  readonly data: LineTablesData;
  /** .debug_line */
  readonly section: ByteSource;
  /** Folder that relative names count from. */
  readonly home: string;
  readonly map: SourceMap;
  readonly isCode: (address: number) => boolean;
  /** Hears why a table could not be read. */
  readonly failed: (problem: string) => void;
}

/** All addresses are those that the file was linked to. */
export class LineTables {
  /** Source files that code was made from. */
  readonly paths: readonly string[];
  private readonly source: LineSource;
  /** By number in the index. */
  private readonly pathOf: readonly string[];
  /** Numbers of files by pathKey(): several compiled paths may be one file here. */
  private readonly byKey = new Map<string, number[]>();
  /** Those that were used last come last. */
  private readonly lists = new Map<number, LineList>();
  private rows = 0;
  private readonly files = new Map<number, FileLines>();

  constructor(source: LineSource) {
    this.source = source;
    const { paths, firstTable } = source.data;
    this.pathOf = paths.map((path) => sourcePath([path], source.home, source.map));
    const used = this.pathOf.filter((path, file) => {
      if (firstTable[file] === firstTable[file + 1]) return false;
      const numbers = this.byKey.get(pathKey(path)) ?? [];
      numbers.push(file);
      this.byKey.set(pathKey(path), numbers);
      return true;
    });
    this.paths = [...new Set(used)];
  }

  /** The line that the code at an address was made from, or null. */
  locate(address: number): SourceLine | null {
    const place = this.listAt(address)?.locate(address) ?? null;
    return place && { path: this.pathOf[place.file] ?? '', line: place.line, column: place.column };
  }

  /** Whether a line's code begins at exactly this address. */
  beginsLine(address: number): boolean {
    return this.listAt(address)?.beginsLine(address) ?? false;
  }

  /** Addresses around this one that belong to the same line without a gap; null outside all lines. */
  rangeOf(address: number): CodeRange | null {
    return this.listAt(address)?.rangeOf(address) ?? null;
  }

  /** Where the next statement behind an address begins, if its code follows without a gap. */
  statementAfter(address: number): number | null {
    return this.listAt(address)?.statementAfter(address) ?? null;
  }

  /**
   * Where a line begins: the first statement of each run of code made from it. A line without code gives the
   * next one of the file that has some. Null when there is none, or the file is not known.
   */
  addressesOf(path: string, line: number): LineAddresses | null {
    let found = Infinity;
    const files = this.linesOfPath(path);
    for (const { lines } of files)
      for (const here of lines) if (here >= line && here < found) found = here;
    if (found === Infinity) return null;
    const addresses = new Set<number>();
    for (const { lines, addresses: all, begins } of files)
      for (const [index, here] of lines.entries())
        if (here === found && begins[index] === 1) addresses.add(all[index] ?? 0);
    return { line: found, addresses: [...addresses].sort((a, b) => a - b) };
  }

  /** Lines from `first` to `last` at which code begins, in order. */
  linesOf(path: string, first: number, last: number): readonly number[] {
    const found = new Set<number>();
    for (const { lines } of this.linesOfPath(path))
      for (const line of lines) if (line >= first && line <= last) found.add(line);
    return [...found].sort((a, b) => a - b);
  }

  knows(path: string): boolean {
    return this.byKey.has(pathKey(path));
  }

  /** Reads the tables that questions about a source file's lines need; yields after each. */
  *preparing(path: string): Generator<void, void, undefined> {
    for (const file of this.byKey.get(pathKey(path)) ?? [])
      if (!this.files.has(file)) this.keep(file, yield* this.collecting(file));
  }

  private linesOfPath(path: string): readonly FileLines[] {
    return (this.byKey.get(pathKey(path)) ?? []).map((file) => {
      const lines = this.files.get(file) ?? finished(this.collecting(file));
      this.keep(file, lines);
      return lines;
    });
  }

  private keep(file: number, lines: FileLines): void {
    this.files.delete(file);
    this.files.set(file, lines);
    forgetOldest(this.files, MOST_FILES);
  }

  private *collecting(file: number): Generator<void, FileLines, undefined> {
    const { firstTable, tablesOf } = this.source.data;
    const [lines, addresses, begins] = [new NumberList(), new NumberList(), new NumberList()];
    for (const table of tablesOf.subarray(firstTable[file], firstTable[file + 1])) {
      this.list(table).statements(file, (line, address, isFirst) => {
        lines.push(line);
        addresses.push(address);
        begins.push(Number(isFirst));
      });
      yield;
    }
    return {
      lines: lines.finished(),
      addresses: addresses.finished(),
      begins: begins.finished(),
    };
  }

  private listAt(address: number): LineList | null {
    const { runs } = this.source.data;
    const run = runAt(runs, address);
    return run === null ? null : this.list(runs[run * RUN_WORDS + 2] ?? 0);
  }

  private list(table: number): LineList {
    const known = this.lists.get(table);
    const list = known ?? this.read(table);
    this.lists.delete(table);
    this.lists.set(table, list);
    if (known === undefined) this.rows += list.length;
    for (const [oldest, { length }] of this.lists) {
      if (this.rows <= MOST_ROWS || this.lists.size === 1) break;
      this.lists.delete(oldest);
      this.rows -= length;
    }
    return list;
  }

  /** A file that has changed since it was indexed has no more lines. */
  private read(number: number): LineList {
    const { data, section, isCode, failed } = this.source;
    const { tables, firstFile, files } = data;
    const rows = new CollectedRows(
      files.subarray(firstFile[number], firstFile[number + 1]),
      isCode,
    );
    try {
      lineTableAt(section, tables[number] ?? 0, NO_TEXTS).table?.run(rows);
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      failed(cause.message);
    }
    return rows.finished();
  }
}

/** Number of the run of code that an address lies in, or null. */
export function runAt(runs: Uint32Array, address: number): number | null {
  let low = 0;
  let high = runs.length / RUN_WORDS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle * RUN_WORDS] ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  const run = low - 1;
  return run >= 0 && address < (runs[run * RUN_WORDS + 1] ?? 0) ? run : null;
}

/** What work returns that is done at once. */
function finished<Result>(work: Generator<unknown, Result, undefined>): Result {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

function forgetOldest<Key>(map: Map<Key, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
}
