/**
 * Headers of units in .debug_info and .debug_types (DWARF 5, 7.5.1; DWARF 4, 7.5.1.1 and 7.5.1.2).
 *
 * Entries are numbered by their offset in .debug_info; the units of .debug_types, which only DWARF 4 has,
 * follow as if that section stood behind the other one.
 */
import type { DwarfReader, WordSize } from './dwarf-reader.ts';
import type { UnitSizes } from './forms.ts';

export interface UnitHeader extends UnitSizes {
  /** Of the header. */
  readonly offset: number;
  /** Offset behind the unit's last entry. */
  readonly end: number;
  /** Bytes from the header to the first entry. */
  readonly headerSize: number;
  /** Offset of its table in .debug_abbrev. */
  readonly abbreviations: number;
  /** Of a type unit: what DW_FORM_ref_sig8 names it by, and its type's place, counted from the header. */
  readonly signed: { readonly signature: bigint; readonly type: number } | null;
}

/** DW_UT_*. */
const UNIT = { COMPILE: 1, TYPE: 2, PARTIAL: 3, SKELETON: 4, SPLIT_COMPILE: 5, SPLIT_TYPE: 6 } as const; // prettier-ignore

/** Bytes that hold every header. */
export const MOST_HEADER = 48;

/** Where a unit that begins at the reader ends, whatever it is. Throws FormatError. */
export function unitExtent(reader: DwarfReader): {
  readonly format: WordSize;
  readonly size: number;
} {
  const first = reader.u32();
  if (first < 0xfffffff0) return { format: 4, size: 4 + first };
  if (first !== 0xffffffff) throw reader.malformed('the length of a unit in it is reserved');
  return { format: 8, size: 12 + reader.u64() };
}

/**
 * Null for a unit of a version or a kind that is not known. Throws FormatError.
 * @param reader at the unit's length
 * @param offset what the unit is numbered by
 * @param isTypes it is one of .debug_types
 */
export function readUnitHeader(
  reader: DwarfReader,
  offset: number,
  isTypes: boolean,
): UnitHeader | null {
  const start = reader.at;
  const { format, size } = unitExtent(reader);
  if (size - (reader.at - start) < 2) return null;
  const version = reader.u16();
  if (version < 2 || version > 5) return null;
  const kind = version === 5 ? reader.u8() : isTypes ? UNIT.TYPE : UNIT.COMPILE;
  if (kind < UNIT.COMPILE || kind > UNIT.SPLIT_TYPE) return null;
  const early = version === 5 ? addressSize(reader) : null;
  const abbreviations = reader.offset(format);
  const address = early ?? addressSize(reader);
  if (kind === UNIT.SKELETON || kind === UNIT.SPLIT_COMPILE) reader.skip(8);
  const isTyped = kind === UNIT.TYPE || kind === UNIT.SPLIT_TYPE;
  const signed = isTyped ? { signature: reader.wide(), type: reader.offset(format) } : null;
  const headerSize = reader.at - start;
  if (headerSize > size) throw reader.malformed('a unit in it is shorter than its header');
  const end = offset + size;
  return { version, format, address, offset, end, headerSize, abbreviations, signed };
}

function addressSize(reader: DwarfReader): WordSize {
  const size = reader.u8();
  if (size !== 4 && size !== 8) throw reader.malformed(`it has addresses of ${size} bytes`);
  return size;
}
