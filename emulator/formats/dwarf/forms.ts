/**
 * Forms of attributes (DWARF 5, 7.5.6, table 7.6): how the value of one is written, which is all that
 * is needed to step over it. Those of split files (DW_FORM_strx, addrx and their like) are stepped over
 * and not followed.
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
const FORM = {
  ADDR: 0x01, BLOCK2: 0x03, BLOCK4: 0x04, DATA2: 0x05, DATA4: 0x06, DATA8: 0x07, STRING: 0x08,
  BLOCK: 0x09, BLOCK1: 0x0a, DATA1: 0x0b, FLAG: 0x0c, SDATA: 0x0d, STRP: 0x0e, UDATA: 0x0f,
  REF_ADDR: 0x10, REF1: 0x11, REF2: 0x12, REF4: 0x13, REF8: 0x14, REF_UDATA: 0x15, INDIRECT: 0x16,
  SEC_OFFSET: 0x17, EXPRLOC: 0x18, FLAG_PRESENT: 0x19, STRX: 0x1a, ADDRX: 0x1b, REF_SUP4: 0x1c,
  STRP_SUP: 0x1d, DATA16: 0x1e, LINE_STRP: 0x1f, REF_SIG8: 0x20, IMPLICIT_CONST: 0x21, LOCLISTX: 0x22,
  RNGLISTX: 0x23, REF_SUP8: 0x24, STRX1: 0x25, STRX2: 0x26, STRX3: 0x27, STRX4: 0x28, ADDRX1: 0x29,
  ADDRX2: 0x2a, ADDRX3: 0x2b, ADDRX4: 0x2c,
} as const;

export const FORM_IMPLICIT_CONST = FORM.IMPLICIT_CONST;

/** Reads one value; throws FormatError for a form that does not exist. */
export function readForm(
  reader: DwarfReader,
  form: number,
  sizes: UnitSizes,
  sections: TextSections,
): FormValue {
  switch (form) {
    case FORM.ADDR:
      return reader.address(sizes.address);
    case FORM.DATA1:
    case FORM.FLAG:
    case FORM.REF1:
      return reader.u8();
    case FORM.DATA2:
    case FORM.REF2:
      return reader.u16();
    case FORM.DATA4:
    case FORM.REF4:
      return reader.u32();
    case FORM.SDATA:
      return reader.sleb();
    case FORM.UDATA:
    case FORM.REF_UDATA:
      return reader.uleb();
    case FORM.SEC_OFFSET:
      return reader.offset(sizes.format);
    // in DWARF 2 it had the size of an address
    case FORM.REF_ADDR:
      return reader.offset(sizes.version < 3 ? sizes.address : sizes.format);
    case FORM.FLAG_PRESENT:
      return 1;
    case FORM.STRING:
      return reader.text();
    case FORM.STRP:
      return textAt(sections.texts, reader.offset(sizes.format));
    case FORM.LINE_STRP:
      return textAt(sections.lineTexts, reader.offset(sizes.format));
    case FORM.INDIRECT: {
      const actual = reader.uleb();
      if (actual === FORM.INDIRECT) throw reader.malformed('a form in it is indirect twice');
      return readForm(reader, actual, sizes, sections);
    }
    default:
      skipForm(reader, form, sizes);
      return null;
  }
}

/** Steps over a value that is not followed: blocks, signatures, indices into tables of split files. */
function skipForm(reader: DwarfReader, form: number, { format }: UnitSizes): void {
  switch (form) {
    case FORM.BLOCK:
    case FORM.EXPRLOC:
      return reader.skip(reader.uleb());
    case FORM.BLOCK1:
      return reader.skip(reader.u8());
    case FORM.BLOCK2:
      return reader.skip(reader.u16());
    case FORM.BLOCK4:
      return reader.skip(reader.u32());
    case FORM.STRX:
    case FORM.ADDRX:
    case FORM.LOCLISTX:
    case FORM.RNGLISTX:
      reader.uleb();
      return;
    case FORM.STRX1:
    case FORM.ADDRX1:
      return reader.skip(1);
    case FORM.STRX2:
    case FORM.ADDRX2:
      return reader.skip(2);
    case FORM.STRX3:
    case FORM.ADDRX3:
      return reader.skip(3);
    case FORM.STRX4:
    case FORM.ADDRX4:
    case FORM.REF_SUP4:
      return reader.skip(4);
    case FORM.DATA8:
    case FORM.REF8:
    case FORM.REF_SIG8:
    case FORM.REF_SUP8:
      return reader.skip(8);
    case FORM.DATA16:
      return reader.skip(16);
    case FORM.STRP_SUP:
      return reader.skip(format);
    default:
      throw reader.malformed(`it uses a form 0x${form.toString(16)}, which DWARF 5 does not have`);
  }
}

function textAt(section: DwarfReader | null, offset: number): string {
  if (section === null || offset >= section.end) return '';
  section.at = offset;
  return section.text();
}
