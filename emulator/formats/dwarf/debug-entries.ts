/**
 * All entries of a file's debugging information, read where they are asked for (DWARF 5, 7.5): whole units
 * are fetched, the ones that were used last are kept. Whatever a file says, walking it ends: what follows
 * an entry lies behind it.
 */
import type { ByteSource } from '../byte-source.ts';
import { FormatError } from '../format-error.ts';
import { readAbbreviations, type AbbreviationTable } from './abbreviations.ts';
import { DwarfReader } from './dwarf-reader.ts';
import { Entry, skipEntry } from './entry.ts';
import { AT } from './names.ts';
import { SECTION_NAME, type DwarfSections } from './sections.ts';
import { MOST_HEADER, readUnitHeader, unitExtent } from './unit-header.ts';
import { Unit } from './unit.ts';

/** Bytes of units that are kept; the last one is, however large. */
const KEPT_BYTES = 24 << 20;
const KEPT_TABLES = 64;
/** More than any file has; of a hostile one, the list of them would be larger than the file. */
const MOST_UNITS = 1 << 20;
/** Entries that complete one another: a definition, its declaration, what was inlined. */
const MOST_ORIGINS = 8;

export class DebugEntries {
  readonly sections: DwarfSections;
  /** By offset of their headers, the ones used last at the end. */
  private readonly units = new Map<number, Unit>();
  private keptBytes = 0;
  private readonly tables = new Map<number, AbbreviationTable>();
  private starts: readonly number[] | null = null;
  private signatures: ReadonlyMap<bigint, number> | null = null;

  constructor(sections: DwarfSections) {
    this.sections = sections;
  }

  /** Offsets of the headers of all units that can be read, in order. Throws FormatError. */
  get unitStarts(): readonly number[] {
    this.starts ??= [
      ...this.unitsOf(this.sections.info, SECTION_NAME.info, 0),
      ...this.unitsOf(this.sections.types, SECTION_NAME.types, this.sections.info.length),
    ];
    return this.starts;
  }

  /** The unit that an entry lies in. Throws FormatError. */
  unitOf(offset: number): Unit {
    const starts = this.unitStarts;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const start = starts[low - 1];
    if (start === undefined) throw nowhere(offset);
    const unit = this.unit(start);
    if (offset >= unit.header.end) throw nowhere(offset);
    return unit;
  }

  /** The unit whose header is at an offset. Throws FormatError. */
  unit(start: number): Unit {
    const known = this.units.get(start);
    if (known !== undefined) {
      this.units.delete(start);
      this.units.set(start, known);
      return known;
    }
    const unit = this.readUnit(start);
    this.units.set(start, unit);
    this.keptBytes += unit.size;
    for (const [oldest, { size }] of this.units) {
      if (this.keptBytes <= KEPT_BYTES || oldest === start) break;
      this.units.delete(oldest);
      this.keptBytes -= size;
    }
    return unit;
  }

  /** The entry at an offset. Throws FormatError for one where there is none. */
  entry(offset: number): Entry {
    const unit = this.unitOf(offset);
    const entry = Entry.read(unit, offset - unit.header.offset);
    if (entry === null) throw nowhere(offset);
    return entry;
  }

  /** The entry at an offset, or null where none can be read. */
  find(offset: number): Entry | null {
    try {
      return this.entry(offset);
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }

  /** What an attribute refers to; null where it does not, or to no entry that could be read. */
  follow(entry: Entry, attribute: number): Entry | null {
    const offset = this.referred(entry, attribute);
    return offset === null ? null : this.find(offset);
  }

  /** Offset of what an attribute refers to, or null. */
  referred(entry: Entry, attribute: number): number | null {
    const reference = entry.reference(attribute);
    return typeof reference === 'bigint' ? this.signed(reference) : reference;
  }

  /**
   * An entry and what it completes (DW_AT_abstract_origin, DW_AT_specification), itself first: the first
   * of them that has an attribute tells it.
   */
  origins(entry: Entry): readonly [Entry, ...Entry[]] {
    const all: [Entry, ...Entry[]] = [entry];
    for (let last: Entry | null = entry; all.length < MOST_ORIGINS;) {
      last = this.follow(last, AT.ABSTRACT_ORIGIN) ?? this.follow(last, AT.SPECIFICATION);
      if (last === null) break;
      all.push(last);
    }
    return all;
  }

  /** Entries directly below one. Throws FormatError. */
  *children(entry: Entry): Generator<Entry, void, undefined> {
    if (!entry.hasChildren) return;
    const { unit } = entry;
    for (let at = entry.next; ;) {
      const child = Entry.read(unit, at);
      if (child === null) return;
      yield child;
      at = this.behind(child);
    }
  }

  /** The same of the tags that are wanted alone, which is faster for a whole unit. */
  *childrenOf(entry: Entry, tags: ReadonlySet<number>): Generator<Entry, void, undefined> {
    if (!entry.hasChildren) return;
    const { unit } = entry;
    const reader = unit.reader(entry.next);
    for (;;) {
      const { at } = reader;
      const abbreviation = skipEntry(unit, reader);
      if (abbreviation === null) return;
      const child = tags.has(abbreviation.tag) ? Entry.read(unit, at) : null;
      if (child !== null) yield child;
      if (child !== null) reader.at = this.behind(child);
      else if (abbreviation.hasChildren) skipBelow(unit, reader);
    }
  }

  /** Where the entry after one and all below it is, counted from the unit's header. */
  private behind(entry: Entry): number {
    if (!entry.hasChildren) return entry.next;
    const { unit } = entry;
    const sibling = entry.reference(AT.SIBLING);
    if (typeof sibling === 'number') {
      const at = sibling - unit.header.offset;
      if (at > entry.next && at <= unit.size) return at;
    }
    const reader = unit.reader(entry.next);
    skipBelow(unit, reader);
    return reader.at;
  }

  /** Where the type of a type unit is. */
  private signed(signature: bigint): number | null {
    this.signatures ??= this.readSignatures();
    return this.signatures.get(signature) ?? null;
  }

  private readSignatures(): ReadonlyMap<bigint, number> {
    const found = new Map<bigint, number>();
    for (const start of this.unitStarts) {
      const header = this.headerAt(start);
      if (header !== null && header.signed !== null)
        found.set(header.signed.signature, start + header.signed.type);
    }
    return found;
  }

  private readUnit(start: number): Unit {
    const header = this.headerAt(start);
    if (header === null) throw nowhere(start);
    const [section, at] = this.place(start);
    let table = this.tables.get(header.abbreviations);
    if (table === undefined) {
      table = readAbbreviations(this.sections.abbreviations, header.abbreviations);
      const [oldest] = this.tables.keys();
      if (this.tables.size >= KEPT_TABLES && oldest !== undefined) this.tables.delete(oldest);
      this.tables.set(header.abbreviations, table);
    }
    return new Unit(header, this.sections, table, section.read(at, header.end - start));
  }

  private headerAt(start: number): ReturnType<typeof readUnitHeader> {
    const [section, at, name] = this.place(start);
    const bytes = section.read(at, Math.min(MOST_HEADER, section.length - at));
    return readUnitHeader(new DwarfReader(name, bytes), start, name === SECTION_NAME.types);
  }

  /** Section that a unit is in, and its offset there. */
  private place(start: number): readonly [ByteSource, number, string] {
    const { info, types } = this.sections;
    return start < info.length
      ? [info, start, SECTION_NAME.info]
      : [types, start - info.length, SECTION_NAME.types];
  }

  /** Offsets of the headers in one section; what follows a damaged one is left out. */
  private unitsOf(section: ByteSource, name: string, from: number): number[] {
    const starts: number[] = [];
    for (let at = 0; at + 4 <= section.length;) {
      const bytes = section.read(at, Math.min(MOST_HEADER, section.length - at));
      const { size } = unitExtent(new DwarfReader(name, bytes));
      if (at + size > section.length)
        throw new FormatError('truncated', `The section ${name} ends within a unit.`);
      const header = readUnitHeader(new DwarfReader(name, bytes), from + at, name === SECTION_NAME.types); // prettier-ignore
      if (header !== null && starts.push(from + at) > MOST_UNITS)
        throw new FormatError('malformed', `The section ${name} has more than ${MOST_UNITS} units.`); // prettier-ignore
      at += size;
    }
    return starts;
  }
}

/** Steps over the entries below one, at whose first the reader stands. */
function skipBelow(unit: Unit, reader: DwarfReader): void {
  for (let depth = 1; depth > 0 && reader.left > 0;) {
    const abbreviation = skipEntry(unit, reader);
    if (abbreviation === null) depth--;
    else if (abbreviation.hasChildren) depth++;
  }
}

function nowhere(offset: number): FormatError {
  return new FormatError('malformed', `The section ${SECTION_NAME.info} is damaged: it has no entry at 0x${offset.toString(16)}.`); // prettier-ignore
}
