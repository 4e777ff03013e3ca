/**
 * Names of a file's debugging information and the entries that have them (name-index.ts), as a few arrays
 * of numbers: they can be written to a disk as they are, and a kernel's take some megabytes. A name is
 * found by its hash.
 */
import { DECLARED_VARIABLE } from '../../emulator/formats/dwarf/entry-walk.ts';
import { TAG } from '../../emulator/formats/dwarf/names.ts';
import { encodeText, readText } from '../../emulator/formats/text.ts';
import type { NameKind } from './name-index.ts';
import { grouped, NumberList } from './number-list.ts';

export interface NameTables {
  /** Bytes of all names, one behind the other, and where each begins; one more for the end of the last. */
  readonly texts: Uint8Array;
  readonly starts: Uint32Array;
  /** Number + 1 of a name at its hash or behind it, 0 for none; a power of two of them. */
  readonly slots: Uint32Array;
  /** Where the entries of a name begin in the two that follow; one more for the end of the last. */
  readonly first: Uint32Array;
  /** Offsets in .debug_info, and DW_TAG_* or DECLARED_VARIABLE of the entries. */
  readonly offsets: Uint32Array;
  readonly tags: Uint32Array;
}

/** Tags of each kind. */
const KINDS = {
  function: [TAG.SUBPROGRAM],
  variable: [TAG.VARIABLE],
  declared: [DECLARED_VARIABLE],
  tag: [TAG.STRUCTURE_TYPE, TAG.UNION_TYPE, TAG.CLASS_TYPE, TAG.ENUMERATION_TYPE],
  type: [TAG.TYPEDEF, TAG.BASE_TYPE],
  enumerator: [TAG.ENUMERATOR],
} as const satisfies { readonly [Kind in NameKind]: readonly number[] };
/** Tags whose names are completed. */
const COMPLETED: readonly number[] = [TAG.SUBPROGRAM, TAG.VARIABLE, TAG.TYPEDEF];
/** Tags of which one entry for each name is enough, and their bits in NameCollector.seen. */
const ONE_IS_ENOUGH: ReadonlyMap<number, number> = new Map(
  [...KINDS.tag, ...KINDS.type, ...KINDS.enumerator, ...KINDS.declared].map((tag, bit) => [tag, 1 << bit]),
); // prettier-ignore

/** Bit of a name that a variable has: declarations of it are dropped. */
const DEFINED = 1 << ONE_IS_ENOUGH.size;

export class NameTable {
  readonly tables: NameTables;

  constructor(tables: NameTables) {
    this.tables = tables;
  }

  entries(kind: NameKind, name: string): readonly number[] {
    const { first, offsets, tags } = this.tables;
    const number = this.numberOf(encodeText(name));
    if (number === null) return [];
    const wanted: readonly number[] = KINDS[kind];
    const found: number[] = [];
    for (let at = first[number] ?? 0; at < (first[number + 1] ?? 0); at++)
      if (wanted.includes(tags[at] ?? 0)) found.push(offsets[at] ?? 0);
    return found.sort((a, b) => a - b);
  }

  /** Names of functions, variables and typedefs that begin so, sorted. */
  namesFrom(prefix: string, most: number): readonly string[] {
    const { texts, starts } = this.tables;
    const wanted = encodeText(prefix);
    const found: string[] = [];
    for (let number = 0; number + 1 < starts.length; number++) {
      const start = starts[number] ?? 0;
      const end = starts[number + 1] ?? 0;
      if (end - start < wanted.length || !isAt(texts, start, wanted)) continue;
      if (this.isCompleted(number)) found.push(readText(texts, start, end));
    }
    return found.sort().slice(0, most);
  }

  private isCompleted(number: number): boolean {
    const { first, tags } = this.tables;
    return tags.subarray(first[number], first[number + 1]).some((tag) => COMPLETED.includes(tag));
  }

  private numberOf(name: Uint8Array): number | null {
    const { texts, starts, slots } = this.tables;
    const mask = slots.length - 1;
    // a table on a disk may have no empty slot
    for (let probe = 0, slot = hashOf(name); probe < slots.length; probe++, slot++) {
      const number = (slots[slot & mask] ?? 0) - 1;
      if (number < 0) return null;
      const start = starts[number] ?? 0;
      if ((starts[number + 1] ?? 0) - start === name.length && isAt(texts, start, name))
        return number;
    }
    return null;
  }
}

/** Takes entries in the order of the file, and makes the tables of them. */
export class NameCollector {
  private texts = new Uint8Array(0x10000);
  private textSize = 0;
  private readonly starts = new NumberList();
  private slots = new Uint32Array(0x1000);
  /** By name: bits of ONE_IS_ENOUGH, and DEFINED. */
  private readonly seen = new NumberList();
  private readonly names = new NumberList();
  private readonly offsets = new NumberList();
  private readonly tags = new NumberList();

  /** Number of a name. */
  number(name: Uint8Array): number {
    const mask = this.slots.length - 1;
    let slot = hashOf(name) & mask;
    for (let known = this.slots[slot] ?? 0; known !== 0; known = this.slots[slot] ?? 0) {
      const start = this.starts.at(known - 1);
      const end = known < this.starts.length ? this.starts.at(known) : this.textSize;
      if (end - start === name.length && isAt(this.texts, start, name)) return known - 1;
      slot = (slot + 1) & mask;
    }
    if (this.textSize + name.length > this.texts.length)
      this.texts = larger(this.texts, name.length);
    this.texts.set(name, this.textSize);
    const number = this.starts.push(this.textSize);
    this.textSize += name.length;
    this.seen.push(0);
    this.slots[slot] = number + 1;
    if (this.starts.length * 2 > this.slots.length) this.rehash();
    return number;
  }

  /** @param number of the name */
  add(tag: number, number: number, offset: number): void {
    const bit = ONE_IS_ENOUGH.get(tag) ?? 0;
    const seen = this.seen.at(number);
    if ((seen & bit) !== 0) return;
    this.seen.set(number, seen | bit | (tag === TAG.VARIABLE ? DEFINED : 0));
    this.names.push(number);
    this.offsets.push(offset);
    this.tags.push(tag);
  }

  finished(): NameTables {
    const count = this.starts.length;
    const [names, entries, kinds] = [new NumberList(), new NumberList(), new NumberList()];
    for (let index = 0; index < this.names.length; index++) {
      const [name, tag] = [this.names.at(index), this.tags.at(index)];
      if (tag === DECLARED_VARIABLE && (this.seen.at(name) & DEFINED) !== 0) continue;
      names.push(name);
      entries.push(this.offsets.at(index));
      kinds.push(tag);
    }
    const offsets = grouped(count, names, entries);
    const tags = grouped(count, names, kinds);
    this.starts.push(this.textSize);
    return {
      texts: this.texts.slice(0, this.textSize),
      starts: this.starts.finished(),
      slots: this.slots,
      first: offsets.first,
      offsets: offsets.values,
      tags: tags.values,
    };
  }

  private rehash(): void {
    const slots = new Uint32Array(2 * this.slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.starts.length; number++) {
      const end = number + 1 < this.starts.length ? this.starts.at(number + 1) : this.textSize;
      let slot = hashOf(this.texts.subarray(this.starts.at(number), end)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.slots = slots;
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash >>> 0;
}

function isAt(texts: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let at = 0; at < name.length; at++) if (texts[start + at] !== name[at]) return false;
  return true;
}

function larger(bytes: Uint8Array, more: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(2 * bytes.length + more);
  grown.set(bytes);
  return grown;
}
