/**
 * An ELF file of symbols while a session uses it: its headers, and its sections by name, read by ranges
 * from the disk. Sections that are compressed (System V ABI, chapter 4 "Compressed sections":
 * SHF_COMPRESSED, zlib) are unpacked when the file is opened, since they cannot be read in the middle.
 */
import { bytesSource, partOf, type ByteSource } from '../../emulator/formats/byte-source.ts';
import { SECTION_FLAG, SECTION_TYPE, parseElf } from '../../emulator/formats/elf.ts';
import type { ElfFile, ElfSection } from '../../emulator/formats/elf.ts';
import { bytesText } from '../../emulator/formats/format-error.ts';
import { describeFailure } from '../errors.ts';
import type { Files, OpenFile } from '../files.ts';
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
    const elf = parseElf(file);
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
    return new SymbolFile(path, file, elf, sections);
  }

  /** What a section contains, unpacked; null where the file has none of this name, or it is empty. */
  section(name: string): ByteSource | null {
    return this.sections.get(name) ?? null;
  }

  /** Its sections are read no more. */
  close(): void {
    this.file.close();
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
