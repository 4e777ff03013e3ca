/**
 * The debugging sections of an ELF file that line numbers need, unpacked where they are compressed
 * (System V ABI, chapter 4 "Compressed sections": SHF_COMPRESSED, zlib).
 */
import type { ElfFile, ElfSection } from '../../emulator/formats/elf.ts';
import { findSection, SECTION_FLAG, sectionBytes } from '../../emulator/formats/elf.ts';
import { describeFailure } from '../errors.ts';
import type { Files } from '../files.ts';

export interface DebugSections {
  readonly info: Uint8Array;
  readonly abbreviations: Uint8Array;
  readonly lines: Uint8Array;
  readonly texts: Uint8Array;
  readonly lineTexts: Uint8Array;
}

const NOTHING = new Uint8Array(0);
/** ch_type. */
const ELFCOMPRESS_ZLIB = 1;
/** What deflate can make of one byte at the most. */
const MOST_INFLATED = 1032;

/** Null for a file without line numbers. Throws Error with a sentence about the file. */
export async function debugSections(
  file: ElfFile,
  files: Pick<Files, 'inflate'>,
): Promise<DebugSections | null> {
  const contents = (name: string): Promise<Uint8Array> => {
    const section = findSection(file, name);
    return section === undefined ? Promise.resolve(NOTHING) : unpacked(file, section, files);
  };
  const lines = await contents('.debug_line');
  if (lines.length === 0) return null;
  return {
    lines,
    info: await contents('.debug_info'),
    abbreviations: await contents('.debug_abbrev'),
    texts: await contents('.debug_str'),
    lineTexts: await contents('.debug_line_str'),
  };
}

async function unpacked(
  file: ElfFile,
  section: ElfSection,
  files: Pick<Files, 'inflate'>,
): Promise<Uint8Array> {
  const bytes = sectionBytes(file, section);
  if ((section.flags & SECTION_FLAG.COMPRESSED) === 0) return bytes;
  const headerSize = file.is64 ? 24 : 12;
  const problem = (what: string): Error => new Error(`its section ${section.name} ${what}`);
  if (bytes.length < headerSize) throw problem('is damaged');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== ELFCOMPRESS_ZLIB)
    throw problem('is compressed otherwise than by zlib; unpack it with objcopy --decompress-debug-sections'); // prettier-ignore
  const size = view.getUint32(file.is64 ? 8 : 4, true);
  const packed = bytes.subarray(headerSize);
  if (size > packed.length * MOST_INFLATED) throw problem('is damaged');
  const whole = await files.inflate(packed, size).catch((cause: unknown) => {
    throw problem(`cannot be unpacked (${describeFailure(cause)})`);
  });
  if (whole.length !== size) throw problem('is damaged');
  return whole;
}
