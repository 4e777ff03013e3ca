/**
 * Relocations of an object file for i386 (System V ABI, Intel386 supplement, "Relocation"): what a linker
 * would put into its sections, for those that are read without being linked: the debugging information of
 * kernel modules. Only the types that compilers write there are known.
 */
import { bytesSource, type ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';

/** ELF32_R_TYPE. */
const R_386 = { NONE: 0, ABS32: 1, PC32: 2 } as const;
/** Bytes of Elf32_Rel, Elf32_Rela and Elf32_Sym. */
const REL_SIZE = 8;
const RELA_SIZE = 12;
const SYMBOL_SIZE = 16;

export interface Relocated {
  readonly contents: ByteSource;
  /** Linear address that the section is linked to. */
  readonly address: number;
  /** Its section of relocations, and whether that has addends of its own (SHT_RELA). */
  readonly relocations: ByteSource;
  readonly hasAddends: boolean;
  readonly symbols: ByteSource;
  /** Address of a section by its index, 0 for one that is not in memory. */
  readonly addressOf: (section: number) => number;
}

/** A copy of the section with the relocations in it. Throws FormatError. */
export function relocated(from: Relocated): ByteSource {
  const { contents, relocations, symbols, address, hasAddends, addressOf } = from;
  const bytes = contents.read(0, contents.length).slice();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const table = viewOf(relocations);
  const names = viewOf(symbols);
  const size = hasAddends ? RELA_SIZE : REL_SIZE;
  for (let at = 0; at + size <= table.byteLength; at += size) {
    const place = table.getUint32(at, true);
    const info = table.getUint32(at + 4, true);
    const type = info & 0xff;
    if (type === R_386.NONE) continue;
    const symbol = (info >>> 8) * SYMBOL_SIZE;
    if (place + 4 > bytes.length || symbol + SYMBOL_SIZE > names.byteLength)
      throw new FormatError('malformed', 'A relocation of the ELF file lies outside its section.');
    if (type !== R_386.ABS32 && type !== R_386.PC32)
      throw new FormatError('unsupported', `The ELF file has relocations of type ${type}, which are not known.`); // prettier-ignore
    const value = names.getUint32(symbol + 4, true) + addressOf(names.getUint16(symbol + 14, true));
    const addend = hasAddends ? table.getInt32(at + 8, true) : view.getInt32(place, true);
    const base = type === R_386.PC32 ? address + place : 0;
    view.setUint32(place, (value + addend - base) >>> 0, true);
  }
  return bytesSource(bytes, 'section');
}

function viewOf(source: ByteSource): DataView {
  const bytes = source.read(0, source.length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
