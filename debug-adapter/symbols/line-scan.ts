/**
 * Runs all line tables of a file once, to learn which addresses and source files each of them is about;
 * the lines themselves are read again, table by table, when they are asked for (line-tables.ts). What it
 * gives is a few arrays that can be written to a disk as they are.
 */
import type { ByteSource } from '../../emulator/formats/byte-source.ts';
import { DwarfReader } from '../../emulator/formats/dwarf/dwarf-reader.ts';
import type { TextSections } from '../../emulator/formats/dwarf/forms.ts';
import { readLineTable, type LineRows, type LineTable } from '../../emulator/formats/dwarf/line-table.ts'; // prettier-ignore
import { SECTION_NAME, type DwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import { MOST_HEADER, unitExtent } from '../../emulator/formats/dwarf/unit-header.ts';
import { END } from './line-list.ts';
import { grouped, NumberList } from './number-list.ts';
import { compiledPath } from './source-paths.ts';

export interface LineTablesData {
  /** Source files as they were compiled. */
  readonly paths: readonly string[];
  /** Offsets in .debug_line. */
  readonly tables: Uint32Array;
  /** Where the files of a table begin in the one that follows; one more for the end of the last. */
  readonly firstFile: Uint32Array;
  /** Numbers of paths of the tables' files, END for a file without a name. */
  readonly files: Uint32Array;
  /** Runs of code: RUN_WORDS words each, first address, the one behind the last, number of the table; sorted. */
  readonly runs: Uint32Array;
  /** Where the tables with code of a file begin in the one that follows, by number of the path. */
  readonly firstTable: Uint32Array;
  readonly tablesOf: Uint32Array;
}

export const RUN_WORDS = 3;
/** Where no texts are needed: the files of the tables are known. */
export const NO_TEXTS: TextSections = { texts: null, lineTexts: null };

/** The table at an offset of .debug_line, null for one of a version that is not known. Throws FormatError. */
export function lineTableAt(
  section: ByteSource,
  offset: number,
  texts: TextSections,
): { readonly table: LineTable | null; readonly end: number } {
  const head = section.read(offset, Math.min(MOST_HEADER, section.length - offset));
  const { size } = unitExtent(new DwarfReader(SECTION_NAME.lines, head));
  const reader = new DwarfReader(SECTION_NAME.lines, section.read(offset, size));
  return { table: readLineTable(reader, texts), end: offset + size };
}

/** Of one table: where its runs are, and which of its files they name. */
class Runs implements LineRows {
  readonly words = new NumberList();
  /** Files of the table that code was made from, by their number in it. */
  used = new Set<number>();
  private table = 0;
  private first: number | null = null;
  private last = -1;
  /** Of the run that is read. */
  private readonly seen = new Set<number>();
  private readonly isCode: (address: number) => boolean;

  constructor(isCode: (address: number) => boolean) {
    this.isCode = isCode;
  }

  begin(table: number): void {
    this.table = table;
    this.used = new Set();
    this.forget();
  }

  row(address: number, file: number, line: number, _column: number, statement: boolean): void {
    if (this.first === null || address < this.first) this.first = address;
    if (!statement || line === 0 || file === this.last) return;
    this.seen.add(file);
    this.last = file;
  }

  end(address: number): void {
    const { first } = this;
    if (first !== null && address > first && this.isCode(first)) {
      for (const word of [first, address, this.table]) this.words.push(word);
      for (const file of this.seen) this.used.add(file);
    }
    this.forget();
  }

  private forget(): void {
    this.first = null;
    this.last = -1;
    this.seen.clear();
  }
}

/**
 * Yields after each table the part that is done, 0 to 1. Throws FormatError.
 * @param folders that units were compiled in, by the offset of their tables
 * @param isCode whether code lies at an address; runs that the linker dropped are dropped
 */
export function* scanLines(
  sections: DwarfSections,
  folders: ReadonlyMap<number, string>,
  isCode: (address: number) => boolean,
): Generator<number, LineTablesData, undefined> {
  const { lines } = sections;
  const texts = {
    texts: wholeSection(SECTION_NAME.texts, sections.texts),
    lineTexts: wholeSection(SECTION_NAME.lineTexts, sections.lineTexts),
  };
  const paths = new Map<string, number>();
  const [tables, firstFile, files] = [new NumberList(), new NumberList(), new NumberList()];
  const [users, used] = [new NumberList(), new NumberList()];
  const runs = new Runs(isCode);
  for (let at = 0; at < lines.length;) {
    const { table, end } = lineTableAt(lines, at, texts);
    const folder = folders.get(at) ?? '';
    if (table !== null) {
      const number = tables.push(at);
      firstFile.push(files.length);
      runs.begin(number);
      table.run(runs);
      for (const [file, { name, folder: inner }] of table.files.entries()) {
        const path = name === '' ? null : compiledPath([folder, inner, name]);
        const known = path === null ? END : (paths.get(path) ?? paths.size);
        if (path !== null) paths.set(path, known);
        files.push(known);
        if (known === END || !runs.used.has(file)) continue;
        used.push(known);
        users.push(number);
      }
    }
    at = end;
    yield at / lines.length;
  }
  firstFile.push(files.length);
  const { first, values } = grouped(paths.size, used, users);
  return {
    paths: [...paths.keys()],
    tables: tables.finished(),
    firstFile: firstFile.finished(),
    files: files.finished(),
    runs: sortedRuns(runs.words.finished()),
    firstTable: first,
    tablesOf: values,
  };
}

function wholeSection(name: string, section: ByteSource): DwarfReader | null {
  return section.length === 0 ? null : new DwarfReader(name, section.read(0, section.length));
}

function sortedRuns(runs: Uint32Array): Uint32Array {
  const word = (run: number, index: number): number => runs[run * RUN_WORDS + index] ?? 0;
  const order = Uint32Array.from({ length: runs.length / RUN_WORDS }, (_, run) => run);
  order.sort((a, b) => word(a, 0) - word(b, 0) || word(a, 1) - word(b, 1) || a - b);
  const sorted = new Uint32Array(runs.length);
  order.forEach((run, index) => {
    sorted.set(runs.subarray(run * RUN_WORDS, (run + 1) * RUN_WORDS), index * RUN_WORDS);
  });
  return sorted;
}
