/**
 * A unit of debugging information (DWARF 5, 3.1) whose entries are being read: its header, its bytes, its
 * abbreviations, and the tables of the file that its values index (7.26 to 7.29): texts and addresses
 * that several entries share.
 */
import type { ByteSource } from '../byte-source.ts';
import type { AbbreviationTable } from './abbreviations.ts';
import { DwarfReader, type WordSize } from './dwarf-reader.ts';
import { Entry } from './entry.ts';
import { AT } from './names.ts';
import { SECTION_NAME, type DwarfSections } from './sections.ts';
import type { UnitHeader } from './unit-header.ts';
import { textAt } from './windows.ts';

export class Unit {
  readonly header: UnitHeader;
  readonly sections: DwarfSections;
  readonly table: AbbreviationTable;
  /** Of .debug_info or .debug_types, from the header on. */
  private readonly bytes: Uint8Array;
  private readonly section: string;
  private rootEntry: Entry | null = null;

  constructor(
    header: UnitHeader,
    sections: DwarfSections,
    table: AbbreviationTable,
    bytes: Uint8Array,
  ) {
    this.header = header;
    this.sections = sections;
    this.table = table;
    this.bytes = bytes;
    const isTypes = header.offset >= sections.info.length;
    this.section = isTypes ? SECTION_NAME.types : SECTION_NAME.info;
  }

  /** Bytes that it keeps in memory. */
  get size(): number {
    return this.bytes.length;
  }

  /** At a place counted from the header. Throws FormatError for one outside the unit. */
  reader(at: number): DwarfReader {
    return new DwarfReader(this.section, this.bytes, at);
  }

  /** The entry of the whole unit. Throws FormatError. */
  get root(): Entry {
    this.rootEntry ??= Entry.read(this, this.header.headerSize) ?? this.missing();
    return this.rootEntry;
  }

  /** Address that ranges and lists of the unit count from, where they do (2.17.3). */
  get base(): number {
    return this.root.address(AT.LOW_PC) ?? 0;
  }

  text(at: number): string {
    return this.reader(at).text();
  }

  /** A text of .debug_str_offsets (7.26). */
  indexedText(index: number): string {
    const { format } = this.header;
    // behind the header of the table where the unit does not say
    const base = this.root.number(AT.STR_OFFSETS_BASE) ?? 2 * format;
    const at = word(this.sections.textOffsets, base + index * format, format);
    return at === null ? '' : textAt(this.sections.texts, at);
  }

  /** An address of .debug_addr (7.27); null where there is none. */
  indexedAddress(index: number): number | null {
    const { address } = this.header;
    const base = this.root.number(AT.ADDR_BASE) ?? 8;
    return word(this.sections.addresses, base + index * address, address);
  }

  /** Offset of a list that is named by its index (7.28, 7.29); null where there is none. */
  indexedList(lists: ByteSource, base: number | null, index: number): number | null {
    const { format } = this.header;
    // behind the header of the only table where the unit does not say
    const from = base ?? (format === 8 ? 20 : 12);
    const offset = word(lists, from + index * format, format);
    return offset === null ? null : from + offset;
  }

  private missing(): never {
    throw this.reader(0).malformed('a unit in it has no entries');
  }
}

/** Low half of a word of 8 bytes, as addresses and offsets of this machine's guests are. */
function word(section: ByteSource, at: number, size: WordSize): number | null {
  if (at < 0 || at + size > section.length) return null;
  return new DwarfReader('', section.read(at, size)).address(size);
}
