/**
 * Which entry of call frame information describes the code at an address: an index of twelve bytes for
 * each, sorted, since a kernel has sixty thousand; the entries themselves are read when they are asked
 * for. A damaged section is indexed up to where it is damaged.
 */
import { FormatError } from '../format-error.ts';
import { bytesSource } from '../byte-source.ts';
import type { CommonEntry, DescriptionEntry, FrameSection } from './frame-entries.ts';
import { commonEntry, describedCode, descriptionEntry, entryHead } from './frame-entries.ts';

/** Words of an indexed entry: where its code starts, how long it is, the entry's offset. */
const WORDS = 3;
/** Sections are read whole for their index, if they are no longer; an 80 MB kernel's has 2 MB. */
const LONGEST_SECTION = 64 << 20;
/** Entries of one file; a kernel with all its drivers built in has a tenth. */
const MOST_ENTRIES = 2_000_000;

export class FrameTable {
  private readonly section: FrameSection;
  private readonly index: Uint32Array;

  private constructor(section: FrameSection, index: Uint32Array) {
    this.section = section;
    this.index = index;
  }

  static of(section: FrameSection): FrameTable {
    const length = Math.min(section.bytes.length, LONGEST_SECTION);
    const bytes = bytesSource(section.bytes.read(0, length), `section ${section.name}`);
    return new FrameTable(section, indexOf({ ...section, bytes }));
  }

  /** Entries. */
  get size(): number {
    return this.index.length / WORDS;
  }

  /** The entry that describes the code at an address as it was linked, or null. */
  at(address: number): DescriptionEntry | null {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.word(middle, 0) <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || address - this.word(low - 1, 0) >= this.word(low - 1, 1)) return null;
    try {
      return descriptionEntry(this.section, this.word(low - 1, 2));
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }

  private word(entry: number, word: number): number {
    return this.index[entry * WORDS + word];
  }
}

function indexOf(section: FrameSection): Uint32Array {
  const words: number[] = [];
  const commons = new Map<number, CommonEntry | null>();
  try {
    for (let at = 0; words.length < MOST_ENTRIES * WORDS;) {
      const head = entryHead(section, at);
      if (head === null) break;
      at = head.next;
      if (head.common === null) continue;
      const common = commonAt(section, head.common, commons);
      const code = common === null ? null : describedCode(section, head, common);
      if (code !== null) words.push(code.start, code.end - code.start, head.at);
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return sorted(words);
}

/** By the start of the code. */
function sorted(words: readonly number[]): Uint32Array {
  const starts = Float64Array.from({ length: words.length / WORDS }, (_, entry) => words[entry * WORDS] * MOST_ENTRIES + entry); // prettier-ignore
  starts.sort();
  const index = new Uint32Array(words.length);
  for (const [place, start] of starts.entries()) {
    const entry = (start % MOST_ENTRIES) * WORDS;
    for (let word = 0; word < WORDS; word++) index[place * WORDS + word] = words[entry + word];
  }
  return index;
}

/** Null for one that cannot be used. */
function commonAt(
  section: FrameSection,
  at: number,
  known: Map<number, CommonEntry | null>,
): CommonEntry | null {
  const before = known.get(at);
  if (before !== undefined) return before;
  let common: CommonEntry | null = null;
  try {
    common = commonEntry(section, at);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  known.set(at, common);
  return common;
}
