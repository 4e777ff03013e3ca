/**
 * Reader of ELF files, 32 and 64 bit, little-endian (System V ABI, chapters 4 and 5; gABI "Extended
 * section numbering"): headers, segments, sections, symbols and notes. Shared by the loaders and the
 * debug adapter. Nothing is copied: everything refers to the bytes that were given, so that a kernel
 * with hundreds of megabytes of debugging data costs no more than its headers. Relocations, dynamic
 * linking and the contents of debugging sections are not read here.
 *
 * Addresses are numbers. Those of a 64-bit file are sign-extended, as a canonical address is:
 * 0xffffffff81000000 is -0x7f000000; BigInt.asUintN(64, BigInt(address)) gives the other spelling.
 */
import { bytesSource, type ByteSource } from './byte-source.ts';
import { FormatError, hex } from './format-error.ts';
import { readText } from './text.ts';

/** e_type. */
export const ELF_TYPE = { NONE: 0, REL: 1, EXEC: 2, DYN: 3, CORE: 4 } as const;
/** e_machine, those that a PC may meet. */
export const ELF_MACHINE = { I386: 3, IAMCU: 6, X86_64: 62, ARM: 40, AARCH64: 183, RISCV: 243 } as const; // prettier-ignore
/** p_type. */
export const SEGMENT_TYPE = { NULL: 0, LOAD: 1, DYNAMIC: 2, INTERP: 3, NOTE: 4, PHDR: 6 } as const;
/** sh_type. */
export const SECTION_TYPE = { NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOTE: 7, NOBITS: 8, REL: 9, DYNSYM: 11 } as const; // prettier-ignore
/** sh_flags. */
export const SECTION_FLAG = { WRITE: 1, ALLOC: 2, EXECINSTR: 4, COMPRESSED: 0x800 } as const;

export interface ElfSegment {
  readonly type: number;
  /** Bit 0 executable, 1 writable, 2 readable. */
  readonly flags: number;
  readonly offset: number;
  readonly virtualAddress: number;
  readonly physicalAddress: number;
  /** Bytes in the file and in memory; what the file lacks is zero. */
  readonly fileSize: number;
  readonly memorySize: number;
  readonly alignment: number;
}

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly alignment: number;
  readonly entrySize: number;
}

export type ElfSymbolType = 'none' | 'object' | 'function';
export interface ElfSymbol {
  readonly name: string;
  readonly value: number;
  /** Bytes, 0 where unknown. */
  readonly size: number;
  readonly type: ElfSymbolType;
  readonly global: boolean;
  /** Section index; 0xfff1 (SHN_ABS) for an absolute value. */
  readonly section: number;
}

export interface ElfNote {
  /** "Xen", "GNU", "Linux". */
  readonly name: string;
  readonly type: number;
  readonly description: Uint8Array;
}

export interface ElfFile {
  readonly source: ByteSource;
  readonly is64: boolean;
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
}

/** True for bytes that begin with ELF's magic; they may still be no file that parseElf accepts. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Reads the headers. Throws FormatError. */
export function parseElf(file: Uint8Array | ByteSource): ElfFile {
  const source = file instanceof Uint8Array ? bytesSource(file, 'ELF file') : file;
  const bytes = source.read(0, Math.min(source.length, 64));
  if (!isElf(bytes)) throw new FormatError('foreign', 'The file is not an ELF file.');
  if (bytes.length < 52) throw truncated('its header', 52, bytes.length);
  const is64 = bytes[4] === 2;
  if (bytes[4] !== 1 && !is64) {
    throw new FormatError('malformed', `The ELF file has no such class as ${bytes[4]}.`);
  }
  if (bytes[5] !== 1) {
    throw new FormatError('unsupported', 'The ELF file is big-endian, not one for x86.');
  }
  if (is64 && bytes.length < 64) throw truncated('its header', 64, bytes.length);

  const reader = new Words(bytes, is64);
  const start = is64 ? 0x28 : 0x24; // after e_phoff and e_shoff
  const header = {
    segmentsAt: reader.size(is64 ? 0x20 : 0x1c, 'e_phoff'),
    sectionsAt: reader.size(is64 ? 0x28 : 0x20, 'e_shoff'),
    segmentSize: reader.u16(start + (is64 ? 14 : 6)),
    segmentCount: reader.u16(start + (is64 ? 16 : 8)),
    sectionSize: reader.u16(start + (is64 ? 18 : 10)),
    sectionCount: reader.u16(start + (is64 ? 20 : 12)),
    namesIndex: reader.u16(start + (is64 ? 22 : 14)),
  };
  const sections = readSections(source, header, is64);
  return {
    source,
    is64,
    type: reader.u16(0x10),
    machine: reader.u16(0x12),
    entry: reader.address(0x18),
    segments: readSegments(source, is64, header, sections),
    sections,
  };
}

/** Contents of a section; empty for one without any in the file (.bss). */
export function sectionBytes(file: ElfFile, section: ElfSection): Uint8Array {
  if (section.type === SECTION_TYPE.NOBITS) return new Uint8Array(0);
  return file.source.read(section.offset, section.size);
}

export function findSection(file: ElfFile, name: string): ElfSection | undefined {
  return file.sections.find((section) => section.name === name);
}

/**
 * Defined functions, objects and plain labels of .symtab, or of .dynsym where that is missing, in the
 * order of the table. Section and file names, thread-local and undefined symbols are left out.
 */
export function* elfSymbols(file: ElfFile): Generator<ElfSymbol, void, undefined> {
  const table =
    file.sections.find((section) => section.type === SECTION_TYPE.SYMTAB) ??
    file.sections.find((section) => section.type === SECTION_TYPE.DYNSYM);
  if (table === undefined) return;
  const names = file.sections.at(table.link);
  const size = file.is64 ? 24 : 16;
  if (names?.type !== SECTION_TYPE.STRTAB || (table.entrySize !== 0 && table.entrySize !== size)) {
    throw new FormatError('malformed', `The symbol table ${table.name} has no table of names.`);
  }
  const texts = sectionBytes(file, names);
  const words = new Words(sectionBytes(file, table), file.is64);
  for (let at = size; at + size <= words.bytes.length; at += size) {
    const info = words.bytes[at + (file.is64 ? 4 : 12)];
    const type = SYMBOL_TYPES[info & 0xf];
    const section = words.u16(at + (file.is64 ? 6 : 14));
    const place = words.u32(at);
    if (type === undefined || section === 0 || place >= texts.length) continue;
    const value = words.addressOrNull(at + (file.is64 ? 8 : 4));
    const name = nameAt(texts, place);
    if (value === null || name === '') continue;
    const symbolSize = words.addressOrNull(at + (file.is64 ? 16 : 8)) ?? 0;
    yield { name, value, size: symbolSize, type, global: info >> 4 !== 0, section };
  }
}

/** STT_NOTYPE, STT_OBJECT, STT_FUNC. */
const SYMBOL_TYPES: readonly (ElfSymbolType | undefined)[] = ['none', 'object', 'function'];

/** More notes than any file has; without a bound, segments over the same bytes make the list endless. */
const NOTE_LIMIT = 4096;

/** All notes, from the note segments or, where there are none, the note sections. Throws FormatError. */
export function elfNotes(file: ElfFile): readonly ElfNote[] {
  const segments = file.segments.filter((segment) => segment.type === SEGMENT_TYPE.NOTE);
  const places =
    segments.length > 0
      ? segments.map((segment) => ({ ...segment, size: segment.fileSize }))
      : file.sections.filter((section) => section.type === SECTION_TYPE.NOTE);
  const notes: ElfNote[] = [];
  for (const place of places) {
    for (const note of notesIn(file, place)) {
      if (notes.push(note) <= NOTE_LIMIT) continue;
      throw new FormatError('malformed', `The ELF file has more than ${NOTE_LIMIT} notes.`);
    }
  }
  return notes;
}

function* notesIn(
  file: ElfFile,
  place: { readonly offset: number; readonly size: number; readonly alignment: number },
): Generator<ElfNote, void, undefined> {
  const words = new Words(file.source.read(place.offset, place.size), file.is64);
  const unit = place.alignment === 8 ? 8 : 4;
  let at = 0;
  while (at + 12 <= words.bytes.length) {
    const nameSize = words.u32(at);
    const descriptionAt = at + roundUp(12 + nameSize, unit);
    const descriptionEnd = descriptionAt + words.u32(at + 4);
    if (descriptionEnd > words.bytes.length) {
      const offset = hex(place.offset + at);
      throw new FormatError('malformed', `The ELF note at file offset ${offset} is too long.`);
    }
    yield {
      name: readText(words.bytes, at + 12, at + 12 + nameSize),
      type: words.u32(at + 8),
      description: words.bytes.subarray(descriptionAt, descriptionEnd),
    };
    at += roundUp(descriptionEnd - at, unit);
  }
}

interface TablePlaces {
  readonly segmentsAt: number;
  readonly sectionsAt: number;
  readonly segmentSize: number;
  readonly segmentCount: number;
  readonly sectionSize: number;
  readonly sectionCount: number;
  readonly namesIndex: number;
}

/** More than any file has; each costs memory. */
const SECTION_LIMIT = 0x40000;
/** Characters of a name; without a bound, names over the same bytes make a small file endless. */
const NAME_LIMIT = 4096;

const nameAt = (texts: Uint8Array, at: number): string => readText(texts, at, at + NAME_LIMIT);

function readSections(
  source: ByteSource,
  header: TablePlaces,
  is64: boolean,
): readonly ElfSection[] {
  const { sectionsAt, sectionSize } = header;
  if (sectionsAt === 0) return [];
  const expected = is64 ? 64 : 40;
  if (sectionSize !== expected) {
    throw new FormatError('malformed', `The ELF section headers are not of ${expected} bytes.`);
  }
  const table = (count: number): Words => {
    need(source, sectionsAt, count * sectionSize, 'its section headers');
    return new Words(source.read(sectionsAt, count * sectionSize), is64);
  };
  // files with 0xff00 sections or more keep the true numbers in section 0
  const first = readSection(table(1), 0, 0);
  const count = header.sectionCount === 0 ? first.size : header.sectionCount;
  const namesIndex = header.namesIndex === 0xffff ? first.link : header.namesIndex;
  if (count > SECTION_LIMIT) {
    throw new FormatError('malformed', `The ELF file has more than ${SECTION_LIMIT} sections.`);
  }
  const words = table(count);
  const sections: ElfSection[] = [];
  for (let index = 0; index < count; index++) {
    const section = readSection(words, index * sectionSize, index);
    if (section.type !== SECTION_TYPE.NOBITS && section.type !== SECTION_TYPE.NULL) {
      need(source, section.offset, section.size, `section ${index}`);
    }
    sections.push(section);
  }
  const names = sections.at(namesIndex);
  if (names?.type !== SECTION_TYPE.STRTAB) return sections;
  const texts = source.read(names.offset, names.size);
  return sections.map((section, index) => ({
    ...section,
    name: nameAt(texts, words.u32(index * sectionSize)),
  }));
}

function readSection(reader: Words, at: number, index: number): ElfSection {
  const wide = reader.is64;
  return {
    index,
    name: '',
    type: reader.u32(at + 4),
    flags: reader.u32(at + 8),
    address: reader.addressOrNull(at + (wide ? 16 : 12)) ?? 0,
    offset: reader.size(at + (wide ? 24 : 16), 'sh_offset'),
    size: reader.size(at + (wide ? 32 : 20), 'sh_size'),
    link: reader.u32(at + (wide ? 40 : 24)),
    info: reader.u32(at + (wide ? 44 : 28)),
    alignment: reader.size(at + (wide ? 48 : 32), 'sh_addralign'),
    entrySize: reader.size(at + (wide ? 56 : 36), 'sh_entsize'),
  };
}

function readSegments(
  source: ByteSource,
  is64: boolean,
  header: TablePlaces,
  sections: readonly ElfSection[],
): readonly ElfSegment[] {
  const { segmentsAt, segmentSize } = header;
  // PN_XNUM: the true number is in section 0
  const count = header.segmentCount === 0xffff ? (sections[0]?.info ?? 0) : header.segmentCount;
  if (segmentsAt === 0 || count === 0) return [];
  const wide = is64;
  const expected = wide ? 56 : 32;
  if (segmentSize !== expected) {
    throw new FormatError('malformed', `The ELF program headers are not of ${expected} bytes.`);
  }
  need(source, segmentsAt, count * segmentSize, 'its program headers');
  const reader = new Words(source.read(segmentsAt, count * segmentSize), is64);
  const segments: ElfSegment[] = [];
  for (let index = 0; index < count; index++) {
    const at = index * segmentSize;
    const segment: ElfSegment = {
      type: reader.u32(at),
      flags: reader.u32(at + (wide ? 4 : 24)),
      offset: reader.size(at + (wide ? 8 : 4), 'p_offset'),
      virtualAddress: reader.address(at + (wide ? 16 : 8)),
      physicalAddress: reader.address(at + (wide ? 24 : 12)),
      fileSize: reader.size(at + (wide ? 32 : 16), 'p_filesz'),
      memorySize: reader.size(at + (wide ? 40 : 20), 'p_memsz'),
      alignment: reader.size(at + (wide ? 48 : 28), 'p_align'),
    };
    if (segment.type !== SEGMENT_TYPE.NULL) {
      need(source, segment.offset, segment.fileSize, `segment ${index}`);
    }
    if (segment.type === SEGMENT_TYPE.LOAD && segment.memorySize < segment.fileSize) {
      throw new FormatError(
        'malformed',
        `ELF segment ${index} is larger in the file than in memory.`,
      );
    }
    segments.push(segment);
  }
  return segments;
}

/** Little-endian words of a part of a file, of the width that its class says. */
class Words {
  readonly bytes: Uint8Array;
  readonly is64: boolean;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, is64: boolean) {
    this.bytes = bytes;
    this.is64 = is64;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }
  u32(at: number): number {
    return this.view.getUint32(at, true);
  }
  /** A size or file offset; one that no file can have is malformed. */
  size(at: number, what: string): number {
    if (!this.is64) return this.u32(at);
    const high = this.u32(at + 4);
    if (high > 0x1fffff)
      throw new FormatError('malformed', `An ELF field ${what} of the file is not possible.`);
    return high * 0x1_0000_0000 + this.u32(at);
  }
  address(at: number): number {
    const address = this.addressOrNull(at);
    if (address !== null) return address;
    throw new FormatError('malformed', 'The ELF file has an address that is not canonical.');
  }
  /** Null for a 64-bit word that a number cannot hold and that is no canonical address. */
  addressOrNull(at: number): number | null {
    if (!this.is64) return this.u32(at);
    const high = this.view.getInt32(at + 4, true);
    if (high < -0x200000 || high > 0x1fffff) return null;
    return high * 0x1_0000_0000 + this.u32(at);
  }
}

function need(source: ByteSource, offset: number, count: number, what: string): void {
  if (offset + count > source.length) throw truncated(what, offset + count, source.length);
}

function truncated(what: string, needed: number, length: number): FormatError {
  return new FormatError(
    'truncated',
    `The ELF file ends at ${length} bytes, but ${what} would reach to ${needed}.`,
  );
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
