/**
 * Entries of call frame information (DWARF 5, 6.4.1 and 7.24), as .debug_frame has them and, with the
 * differences of the Linux Standard Base ("Exception Frames"), .eh_frame: common information entries with
 * the augmentations "", "eh" and "zRSPLB", and frame description entries. Other augmentations are refused,
 * since nobody can know what they change.
 */
import type { ByteSource } from '../byte-source.ts';
import { DwarfReader, type WordSize } from './dwarf-reader.ts';

/** A section of call frame information. */
export interface FrameSection {
  readonly name: '.debug_frame' | '.eh_frame';
  readonly bytes: ByteSource;
  /** Linear address that it was linked to; pointers of .eh_frame count from where they stand. */
  readonly address: number;
}

/** What several functions have in common. */
export interface CommonEntry {
  readonly addressSize: WordSize;
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnAddress: number;
  readonly isSignalFrame: boolean;
  /** The augmentation has its length before it. */
  readonly hasAugmentation: boolean;
  /** DW_EH_PE_* of addresses. */
  readonly encoding: number;
  readonly program: Uint8Array;
}

/** What is to be known of the code from `start` to before `end`. */
export interface DescriptionEntry {
  readonly start: number;
  readonly end: number;
  readonly common: CommonEntry;
  readonly program: Uint8Array;
}

/** The head of an entry: what it is, without its contents. */
export interface EntryHead {
  readonly at: number;
  /** Of the entry behind it. */
  readonly next: number;
  /** Offset of its common entry; null: it is one itself, or the zero that ends .eh_frame. */
  readonly common: number | null;
  readonly format: WordSize;
}

/** Where the entries' contents begin, at the most: both lengths and both identifiers in 64 bits. */
const HEAD = 20;
/** Bytes of one entry; a function's program is a few hundred. */
const LONGEST = 1 << 20;

/** DW_EH_PE_*: formats in the low nibble, what is added in the next three bits. */
const ENCODING = { ABSOLUTE: 0x00, OMIT: 0xff, FORMAT: 0x0f, RELATIVE: 0x70, PC_RELATIVE: 0x10, INDIRECT: 0x80 } as const; // prettier-ignore

/** Null at the end of the section. Throws FormatError. */
export function entryHead({ name, bytes }: FrameSection, at: number): EntryHead | null {
  const left = bytes.length - at;
  if (left < 4) return null;
  const reader = new DwarfReader(name, bytes.read(at, Math.min(left, HEAD)));
  const first = reader.u32();
  // the end of what .eh_frame's users look at; of several files' parts one after the other, a gap
  if (first === 0) return { at, next: at + 4, common: null, format: 4 };
  const format = first === 0xffffffff ? 8 : 4;
  if (first >= 0xfffffff0 && format === 4) throw reader.malformed('the length of an entry is reserved'); // prettier-ignore
  const length = format === 8 ? reader.u64() : first;
  const body = at + reader.at;
  if (length > bytes.length - body) throw reader.malformed('an entry in it is longer than it');
  const next = body + length;
  if (name === '.eh_frame') {
    const back = reader.u32();
    return { at, next, common: back === 0 ? null : body - back, format };
  }
  const identifier = format === 8 ? reader.wide() : BigInt(reader.u32());
  const isCommon = identifier === COMMON[format];
  return { at, next, common: isCommon ? null : Number(identifier), format };
}

/** CIE_id of .debug_frame. */
const COMMON = { 4: 0xffff_ffffn, 8: 0xffff_ffff_ffff_ffffn } as const;

/** A reader of an entry's contents, behind its identifier. */
function contents(section: FrameSection, { at, next, format }: EntryHead): DwarfReader {
  const reader = new DwarfReader(
    section.name,
    section.bytes.read(at, Math.min(next - at, LONGEST)),
  );
  reader.skip(format === 8 ? 12 : 4);
  reader.skip(section.name === '.eh_frame' ? 4 : format);
  return reader;
}

/** Throws FormatError. */
export function commonEntry(section: FrameSection, at: number): CommonEntry {
  const head = at >= 0 ? entryHead(section, at) : null;
  if (head === null || head.common !== null || head.next - head.at <= 4)
    throw new DwarfReader(section.name, new Uint8Array(0)).malformed('an entry has no common one');
  const reader = contents(section, head);
  const version = reader.u8();
  if (version !== 1 && version !== 3 && version !== 4)
    throw reader.malformed(`its version ${version} is not known`);
  const augmentation = reader.text();
  if (augmentation === 'eh') reader.skip(4);
  let addressSize: WordSize = 4;
  if (version === 4) {
    addressSize = reader.u8() === 8 ? 8 : 4;
    if (reader.u8() !== 0) throw reader.malformed('it has addresses with segments');
  }
  const codeAlignment = reader.uleb();
  const dataAlignment = reader.sleb();
  const returnAddress = version === 1 ? reader.u8() : reader.uleb();
  const hasAugmentation = augmentation.startsWith('z');
  if (!hasAugmentation && augmentation !== '' && augmentation !== 'eh')
    throw reader.malformed(`its augmentation "${augmentation}" is not known`);
  const { encoding, isSignalFrame } = hasAugmentation
    ? augmentationData(reader, augmentation)
    : { encoding: ENCODING.ABSOLUTE, isSignalFrame: false };
  const program = reader.block(reader.left);
  return { addressSize, codeAlignment, dataAlignment, returnAddress, isSignalFrame, hasAugmentation, encoding, program }; // prettier-ignore
}

function augmentationData(
  reader: DwarfReader,
  augmentation: string,
): Pick<CommonEntry, 'encoding' | 'isSignalFrame'> {
  const data = reader.part(reader.uleb());
  let encoding: number = ENCODING.ABSOLUTE;
  let isSignalFrame = false;
  for (const letter of augmentation.slice(1)) {
    if (letter === 'R') encoding = data.u8();
    else if (letter === 'S') isSignalFrame = true;
    else if (letter === 'L') data.skip(1);
    else if (letter === 'P') pointer(data, data.u8());
    else if (letter !== 'B') throw reader.malformed(`its augmentation "${augmentation}" is not known`); // prettier-ignore
  }
  return { encoding, isSignalFrame };
}

/** The code that an entry describes, without its program; null for one that describes none. */
export function describedCode(
  section: FrameSection,
  head: EntryHead,
  common: CommonEntry,
): { readonly start: number; readonly end: number; readonly reader: DwarfReader } | null {
  const reader = contents(section, head);
  const { encoding, addressSize } = common;
  if (section.name === '.debug_frame') {
    const start = reader.address(addressSize);
    const size = reader.address(addressSize);
    return size === 0 ? null : { start, end: start + size, reader };
  }
  if (encoding === ENCODING.OMIT || (encoding & ENCODING.INDIRECT) !== 0) return null;
  const here = section.address + head.at + reader.at;
  const given = pointer(reader, encoding);
  const relative = encoding & ENCODING.RELATIVE;
  // relative to text, data or the function: no linker writes them for i386
  if (relative !== 0 && relative !== ENCODING.PC_RELATIVE) return null;
  const start = (relative === 0 ? given : here + given) >>> 0;
  const size = pointer(reader, encoding & ENCODING.FORMAT) >>> 0;
  return size === 0 ? null : { start, end: start + size, reader };
}

/** A number in one of the formats of .eh_frame, its low 32 bits. */
function pointer(reader: DwarfReader, encoding: number): number {
  switch (encoding & ENCODING.FORMAT) {
    case 0x00:
    case 0x03:
    case 0x0b:
      return reader.u32();
    case 0x01:
      return reader.uleb();
    case 0x02:
      return reader.u16();
    case 0x04:
    case 0x0c:
      return reader.address(8);
    case 0x09:
      return reader.sleb();
    case 0x0a:
      return (reader.u16() << 16) >> 16;
    default:
      throw reader.malformed(`the encoding 0x${encoding.toString(16)} of a pointer is not known`);
  }
}

/** Throws FormatError; null for an entry that describes no code. */
export function descriptionEntry(section: FrameSection, at: number): DescriptionEntry | null {
  const head = entryHead(section, at);
  if (head === null || head.common === null) return null;
  const common = commonEntry(section, head.common);
  const code = describedCode(section, head, common);
  if (code === null) return null;
  const { start, end, reader } = code;
  if (common.hasAugmentation) reader.skip(reader.uleb());
  return { start, end, common, program: reader.block(reader.left) };
}
