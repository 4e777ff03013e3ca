/** Reads the line tables of a file of symbols into rows (line-list.ts). */
import { DwarfReader } from '../../emulator/formats/dwarf/dwarf-reader.ts';
import { readLineTable, type LineRows } from '../../emulator/formats/dwarf/line-table.ts';
import { compilationUnits } from '../../emulator/formats/dwarf/units.ts';
import type { DebugSections } from './debug-sections.ts';
import { END, LINE_WORDS, LineList, STATEMENT } from './line-list.ts';
import { sourcePath, type SourceMap } from './source-paths.ts';

/** What a file of symbols gives. */
export interface LineSource {
  readonly sections: DebugSections;
  /** Folder that relative names count from. */
  readonly home: string;
  readonly isCode: (address: number) => boolean;
}

/** Rows as they are read. */
class Rows implements LineRows {
  words = new Uint32Array(1024 * LINE_WORDS);
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
    const first = this.words[this.begun * LINE_WORDS] ?? 0;
    if (this.count === this.begun || !this.isCode(first)) this.count = this.begun;
    else this.push(address, END, 0, 0);
    this.begun = this.count;
  }
  /** Rows in the order of their addresses; those of a run that has no end are dropped. */
  sorted(): Uint32Array {
    const { words } = this;
    const order = Uint32Array.from({ length: this.begun }, (_, index) => index);
    const address = (row: number): number => words[row * LINE_WORDS] ?? 0;
    const isEnd = (row: number): number => Number(words[row * LINE_WORDS + 1] === END);
    // where a run ends and another begins, the end comes first
    order.sort((a, b) => address(a) - address(b) || isEnd(b) - isEnd(a) || a - b);
    const sorted = new Uint32Array(this.begun * LINE_WORDS);
    order.forEach((row, index) => {
      sorted.set(
        words.subarray(row * LINE_WORDS, row * LINE_WORDS + LINE_WORDS),
        index * LINE_WORDS,
      );
    });
    return sorted;
  }

  private push(address: number, file: number, line: number, rest: number): void {
    const at = this.count * LINE_WORDS;
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

/** Throws FormatError. */
export function readLines({ sections, home, isCode }: LineSource, map: SourceMap): LineList {
  const paths: string[] = [];
  const numbers = new Map<string, number>();
  const number = (path: string): number => {
    const known = numbers.get(path);
    if (known !== undefined) return known;
    numbers.set(path, paths.length);
    return paths.push(path) - 1;
  };
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
  return new LineList(rows.sorted(), paths);
}

function textSection(name: string, bytes: Uint8Array): DwarfReader | null {
  return bytes.length === 0 ? null : new DwarfReader(name, bytes);
}
