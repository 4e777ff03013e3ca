/**
 * Forms of attributes (DWARF 5, 7.5.6, table 7.6): how the value of one is written. What it means (a text
 * in another section, an entry, an index into a table) is told by whoever knows the unit: attributes.ts.
 */
import type { DwarfReader, WordSize } from './dwarf-reader.ts';

/** What the unit of an attribute says of its sizes. */
export interface UnitSizes {
  readonly version: number;
  readonly format: WordSize;
  readonly address: WordSize;
}

/** Sections that values refer to. */
export interface TextSections {
  /** .debug_str and .debug_line_str; empty where the file has none. */
  readonly texts: DwarfReader | null;
  readonly lineTexts: DwarfReader | null;
}

/** A number (constants, offsets, addresses), a text, or null for a value that is not followed. */
export type FormValue = number | string | null;

/** DW_FORM_*. */
// prettier-ignore
export const FORM = {
  ADDR: 0x01, BLOCK2: 0x03, BLOCK4: 0x04, DATA2: 0x05, DATA4: 0x06, DATA8: 0x07, STRING: 0x08,
  BLOCK: 0x09, BLOCK1: 0x0a, DATA1: 0x0b, FLAG: 0x0c, SDATA: 0x0d, STRP: 0x0e, UDATA: 0x0f,
  REF_ADDR: 0x10, REF1: 0x11, REF2: 0x12, REF4: 0x13, REF8: 0x14, REF_UDATA: 0x15, INDIRECT: 0x16,
  SEC_OFFSET: 0x17, EXPRLOC: 0x18, FLAG_PRESENT: 0x19, STRX: 0x1a, ADDRX: 0x1b, REF_SUP4: 0x1c,
  STRP_SUP: 0x1d, DATA16: 0x1e, LINE_STRP: 0x1f, REF_SIG8: 0x20, IMPLICIT_CONST: 0x21, LOCLISTX: 0x22,
  RNGLISTX: 0x23, REF_SUP8: 0x24, STRX1: 0x25, STRX2: 0x26, STRX3: 0x27, STRX4: 0x28, ADDRX1: 0x29,
  ADDRX2: 0x2a, ADDRX3: 0x2b, ADDRX4: 0x2c, GNU_REF_ALT: 0x1f20, GNU_STRP_ALT: 0x1f21,
} as const;

/**
 * A value as it is written: a number (constants, offsets, indices; of DW_FORM_string the place of its
 * text in the reader), a constant that may need 64 bits, or a block.
 */
export type RawValue = number | bigint | Uint8Array;

/**
 * Reads one value; DW_FORM_indirect and implicit_const are not among its forms.
 * Throws FormatError for a form that does not exist.
 */
export function readRaw(reader: DwarfReader, form: number, sizes: UnitSizes): RawValue {
  switch (form) {
    case FORM.ADDR:
      return reader.address(sizes.address);
    case FORM.DATA1:
    case FORM.FLAG:
    case FORM.REF1:
    case FORM.STRX1:
    case FORM.ADDRX1:
      return reader.u8();
    case FORM.DATA2:
    case FORM.REF2:
    case FORM.STRX2:
    case FORM.ADDRX2:
      return reader.u16();
    case FORM.STRX3:
    case FORM.ADDRX3:
      return reader.u24();
    case FORM.DATA4:
    case FORM.REF4:
    case FORM.STRX4:
    case FORM.ADDRX4:
    case FORM.REF_SUP4:
      return reader.u32();
    case FORM.DATA8:
    case FORM.REF_SIG8:
      return reader.wide();
    case FORM.REF8:
    case FORM.REF_SUP8:
      return reader.u64();
    case FORM.SDATA:
      return reader.wideSleb();
    case FORM.UDATA:
      return reader.wideUleb();
    case FORM.REF_UDATA:
    case FORM.STRX:
    case FORM.ADDRX:
    case FORM.LOCLISTX:
    case FORM.RNGLISTX:
      return reader.uleb();
    case FORM.SEC_OFFSET:
    case FORM.STRP:
    case FORM.LINE_STRP:
    case FORM.STRP_SUP:
    case FORM.GNU_REF_ALT:
    case FORM.GNU_STRP_ALT:
      return reader.offset(sizes.format);
    // in DWARF 2 it had the size of an address
    case FORM.REF_ADDR:
      return reader.offset(sizes.version < 3 ? sizes.address : sizes.format);
    case FORM.FLAG_PRESENT:
      return 1;
    case FORM.STRING: {
      const place = reader.at;
      reader.skipText();
      return place;
    }
    case FORM.BLOCK:
    case FORM.EXPRLOC:
      return reader.block(reader.uleb());
    case FORM.BLOCK1:
      return reader.block(reader.u8());
    case FORM.BLOCK2:
      return reader.block(reader.u16());
    case FORM.BLOCK4:
      return reader.block(reader.u32());
    case FORM.DATA16:
      return reader.block(16);
    default:
      throw reader.malformed(`it uses a form 0x${form.toString(16)}, which DWARF 5 does not have`);
  }
}

/** The form that a value has: DW_FORM_indirect names it before the value. Throws FormatError. */
export function actualForm(reader: DwarfReader, form: number): number {
  if (form !== FORM.INDIRECT) return form;
  const actual = reader.uleb();
  if (actual === FORM.INDIRECT || actual === FORM.IMPLICIT_CONST)
    throw reader.malformed('a form in it is indirect twice');
  return actual;
}

/**
 * Reads one value of the header of a line table or of the first entry of a unit, with its text; values
 * that such ones do not need (blocks, what only split files have) are null. Throws FormatError.
 */
export function readForm(
  reader: DwarfReader,
  form: number,
  sizes: UnitSizes,
  sections: TextSections,
): FormValue {
  const actual = actualForm(reader, form);
  if (actual === FORM.STRING) return reader.text();
  const raw = readRaw(reader, actual, sizes);
  if (actual === FORM.STRP || actual === FORM.LINE_STRP)
    return textAt(actual === FORM.STRP ? sections.texts : sections.lineTexts, Number(raw));
  return raw instanceof Uint8Array || TABLE_FORMS.has(actual) ? null : Number(raw);
}

/** Values that are followed through tables of split files, or are in another file. */
const TABLE_FORMS: ReadonlySet<number> = new Set([
  FORM.STRX, FORM.STRX1, FORM.STRX2, FORM.STRX3, FORM.STRX4, FORM.ADDRX, FORM.ADDRX1, FORM.ADDRX2,
  FORM.ADDRX3, FORM.ADDRX4, FORM.LOCLISTX, FORM.RNGLISTX, FORM.STRP_SUP, FORM.REF_SIG8, FORM.REF_SUP4,
  FORM.REF_SUP8, FORM.GNU_REF_ALT, FORM.GNU_STRP_ALT,
]); // prettier-ignore

function textAt(section: DwarfReader | null, offset: number): string {
  if (section === null || offset >= section.end) return '';
  section.at = offset;
  return section.text();
}
