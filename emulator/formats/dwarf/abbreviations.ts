/**
 * Abbreviation tables (DWARF 5, 7.5.3): what the entries of a unit are made of. A unit's entries name a
 * row of its table by a code, and hold only the values that the row's specifications say.
 */
import type { ByteSource } from '../byte-source.ts';
import type { DwarfReader } from './dwarf-reader.ts';
import { FORM } from './forms.ts';
import { SECTION_NAME } from './sections.ts';
import { readAt } from './windows.ts';

export interface Specification {
  /** DW_AT_*. */
  readonly attribute: number;
  /** DW_FORM_*. */
  readonly form: number;
  /** Of DW_FORM_implicit_const, which has its value here. */
  readonly constant: bigint | null;
}

export interface Abbreviation {
  /** DW_TAG_*. */
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly specifications: readonly Specification[];
}

/** By code. */
export type AbbreviationTable = ReadonlyMap<number, Abbreviation>;

/** More than any compiler makes; a table of a hostile file could otherwise be the whole section. */
const MOST_SPECIFICATIONS = 1 << 20;
const WINDOW = 4096;

/** The table at an offset of .debug_abbrev. Throws FormatError. */
export function readAbbreviations(section: ByteSource, at: number): AbbreviationTable {
  return readAt(SECTION_NAME.abbreviations, section, at, readTable, WINDOW);
}

function readTable(reader: DwarfReader): AbbreviationTable {
  const table = new Map<number, Abbreviation>();
  let most = MOST_SPECIFICATIONS;
  for (let code = reader.uleb(); code !== 0; code = reader.uleb()) {
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const specifications: Specification[] = [];
    for (;;) {
      const attribute = reader.uleb();
      const form = reader.uleb();
      const constant = form === FORM.IMPLICIT_CONST ? reader.wideSleb() : null;
      if (attribute === 0 && form === 0) break;
      specifications.push({ attribute, form, constant });
    }
    most -= specifications.length + 1;
    if (most < 0) throw reader.malformed('a table of abbreviations in it is too long');
    // the first one of a code counts, as readers that look for it find that
    if (!table.has(code)) table.set(code, { tag, hasChildren, specifications });
  }
  return table;
}
