/**
 * An ELF file of symbols while a session uses it: its headers, and its sections by name, read by ranges
 * from the disk. Sections that are compressed (System V ABI, chapter 4 "Compressed sections":
 * SHF_COMPRESSED, zlib) are unpacked when the file is opened, since they cannot be read in the middle.
 *
 * An object file (ET_REL: a module of Linux) has no addresses yet. It is laid out here, one section behind
 * the other, and its debugging information is relocated to that; where each section really is, its
 * GuestImage is told.
 */
import { bytesSource, partOf, type ByteSource } from '../../emulator/formats/byte-source.ts';
import {
  ELF_TYPE,
  SECTION_FLAG,
  SECTION_TYPE,
  SEGMENT_TYPE,
  parseElf,
} from '../../emulator/formats/elf.ts';
import { relocated } from '../../emulator/formats/elf-relocations.ts';
import type { ElfFile, ElfSection } from '../../emulator/formats/elf.ts';
import { bytesText } from '../../emulator/formats/format-error.ts';
import { describeFailure } from '../errors.ts';
import type { Files, OpenFile } from '../host/files.ts';
import { nameOf } from './source-paths.ts';

/** ch_type. */
const ELFCOMPRESS_ZLIB = 1;
/** What deflate can make of one byte at the most. */
const MOST_INFLATED = 1032;
/** Bytes that the compressed sections of a file may take when they are unpacked. */
const MOST_UNPACKED = 0x2000_0000;

export class SymbolFile {
  readonly path: string;
  /** Without its folder. */
  readonly name: string;
  readonly elf: ElfFile;
  private readonly file: OpenFile;
  private readonly sections: ReadonlyMap<string, ByteSource>;

  private constructor(
    path: string,
    file: OpenFile,
    elf: ElfFile,
    sections: ReadonlyMap<string, ByteSource>,
  ) {
    this.path = path;
    this.name = nameOf(path);
    this.file = file;
    this.elf = elf;
    this.sections = sections;
  }

  /** Throws Error with a sentence about the file, which stays open then. */
  static async of(
    path: string,
    file: OpenFile,
    files: Pick<Files, 'inflate'>,
  ): Promise<SymbolFile> {
    const elf = laidOut(parseElf(file));
    const sections = new Map<string, ByteSource>();
    let unpacked = 0;
    for (const section of elf.sections) {
      if (section.type === SECTION_TYPE.NOBITS || section.size === 0) continue;
      if (sections.has(section.name)) continue;
      const source = partOf(file, section.offset, section.size, `section ${section.name}`);
      const isPacked = (section.flags & SECTION_FLAG.COMPRESSED) !== 0;
      if (!isPacked) sections.set(section.name, source);
      else if (section.name.startsWith('.debug_')) {
        const bytes = await inflated(section, source, elf, files, MOST_UNPACKED - unpacked);
        unpacked += bytes.length;
        sections.set(section.name, bytesSource(bytes, `section ${section.name}`));
      }
    }
    if (elf.type === ELF_TYPE.REL) relocateAll(elf, sections);
    return new SymbolFile(path, file, elf, sections);
  }

  /** What a section contains, unpacked; null where the file has none of this name, or it is empty. */
  section(name: string): ByteSource | null {
    return this.sections.get(name) ?? null;
  }

  /** The linear addresses that it takes, as linked; null when it takes none. */
  get extent(): { readonly address: number; readonly size: number } | null {
    const loaded = this.elf.sections.filter(
      ({ flags, size }) => (flags & SECTION_FLAG.ALLOC) !== 0 && size > 0,
    );
    if (loaded.length === 0) return null;
    const address = Math.min(...loaded.map((section) => section.address >>> 0));
    const end = Math.max(...loaded.map((section) => (section.address >>> 0) + section.size));
    return { address, size: end - address };
  }

  /** Linear address of its first byte in memory, as linked; null for a file that no loader takes. */
  get start(): number | null {
    const loaded = this.elf.segments.filter(({ type }) => type === SEGMENT_TYPE.LOAD);
    if (loaded.length === 0) return null;
    return Math.min(...loaded.map(({ virtualAddress }) => virtualAddress >>> 0));
  }

  /** Its sections are read no more. */
  close(): void {
    this.file.close();
  }
}

/** Where the first section of an object file is put. */
const FIRST_ADDRESS = 0x1000;

/** An object file with addresses for what would be in memory; other files as they are. */
function laidOut(elf: ElfFile): ElfFile {
  if (elf.type !== ELF_TYPE.REL) return elf;
  let next = FIRST_ADDRESS;
  const sections = elf.sections.map((section) => {
    if ((section.flags & SECTION_FLAG.ALLOC) === 0) return section;
    const unit = Math.max(section.alignment, 16);
    const address = Math.ceil(next / unit) * unit;
    next = address + section.size;
    return { ...section, address };
  });
  if (next > 0xffffffff) throw new Error('its sections do not fit into 4 GiB');
  return { ...elf, sections };
}

/** Puts relocated copies in the place of the debugging sections. */
function relocateAll(elf: ElfFile, sections: Map<string, ByteSource>): void {
  const addressOf = (index: number): number => elf.sections[index]?.address ?? 0;
  for (const { type, info, link, offset, size } of elf.sections) {
    if (type !== SECTION_TYPE.REL && type !== SECTION_TYPE.RELA) continue;
    const target = elf.sections[info];
    const table = elf.sections[link];
    const contents = sections.get(target?.name ?? '');
    if (target === undefined || table?.type !== SECTION_TYPE.SYMTAB || contents === undefined)
      continue;
    if (!target.name.startsWith('.debug_') && target.name !== '.eh_frame') continue;
    if (elf.is64) throw new Error('it is an object file for 64 bits, which cannot be relocated');
    const moved = relocated({
      contents,
      address: target.address,
      relocations: partOf(elf.source, offset, size),
      hasAddends: type === SECTION_TYPE.RELA,
      symbols: partOf(elf.source, table.offset, table.size),
      addressOf,
    });
    sections.set(target.name, moved);
  }
}

async function inflated(
  section: ElfSection,
  source: ByteSource,
  { is64 }: ElfFile,
  files: Pick<Files, 'inflate'>,
  most: number,
): Promise<Uint8Array> {
  const headerSize = is64 ? 24 : 12;
  const problem = (what: string): Error => new Error(`its section ${section.name} ${what}`);
  if (source.length < headerSize) throw problem('is damaged');
  const header = source.read(0, headerSize);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const remedy = 'unpack it with objcopy --decompress-debug-sections';
  if (view.getUint32(0, true) !== ELFCOMPRESS_ZLIB)
    throw problem(`is compressed otherwise than by zlib; ${remedy}`);
  const size = view.getUint32(is64 ? 8 : 4, true);
  const packed = source.read(headerSize, source.length - headerSize);
  if (size > packed.length * MOST_INFLATED) throw problem('is damaged');
  if (size > most)
    throw problem(`would take more than ${bytesText(MOST_UNPACKED)} unpacked in memory; ${remedy}`);
  const whole = await files.inflate(packed, size).catch((cause: unknown) => {
    throw problem(`cannot be unpacked (${describeFailure(cause)})`);
  });
  if (whole.length !== size) throw problem('is damaged');
  return whole;
}
