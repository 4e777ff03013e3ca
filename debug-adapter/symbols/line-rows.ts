/** Rows of one line table as they are read (line-list.ts). */
import type { LineRows } from '../../emulator/formats/dwarf/line-table.ts';
import { END, LINE_WORDS, LineList, STATEMENT } from './line-list.ts';

export class CollectedRows implements LineRows {
  private words = new Uint32Array(256 * LINE_WORDS);
  private count = 0;
  /** First row since the last end. */
  private begun = 0;
  private readonly files: Uint32Array;
  private readonly isCode: (address: number) => boolean;

  /**
   * @param files number of each file of the table, among all
   * @param isCode whether code lies at an address; rows of code that the linker dropped are dropped
   */
  constructor(files: Uint32Array, isCode: (address: number) => boolean) {
    this.files = files;
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

  /** In the order of their addresses; those of a run that has no end are dropped. */
  finished(): LineList {
    const { words } = this;
    const order = Uint32Array.from({ length: this.begun }, (_, index) => index);
    const address = (row: number): number => words[row * LINE_WORDS] ?? 0;
    const isEnd = (row: number): number => Number(words[row * LINE_WORDS + 1] === END);
    // where a run ends and another begins, the end comes first
    order.sort((a, b) => address(a) - address(b) || isEnd(b) - isEnd(a) || a - b);
    const sorted = new Uint32Array(this.begun * LINE_WORDS);
    order.forEach((row, index) => {
      const from = row * LINE_WORDS;
      sorted.set(words.subarray(from, from + LINE_WORDS), index * LINE_WORDS);
    });
    return new LineList(sorted);
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
