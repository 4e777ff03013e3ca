/**
 * The first entry of each compilation unit in .debug_info (DWARF 5, 7.5.1 and 3.1.1): where its line
 * table is, and from which folder it was compiled, which line tables before DWARF 5 do not say. The
 * entries below it (functions, variables, types) are not read here, nor are type units and split ones.
 */
import { DwarfReader, type WordSize } from './dwarf-reader.ts';
import { FORM, readForm, type FormValue, type TextSections, type UnitSizes } from './forms.ts'; // prettier-ignore

export interface CompilationUnit {
  /** Its source file as it was given to the compiler, "" where it is not said. */
  readonly name: string;
  /** Folder that the compiler ran in, "" where it is not said. */
  readonly folder: string;
  /** Offset of its line table in .debug_line. */
  readonly lines: number;
}

/** DW_UT_*: kinds of units whose header is that of a compilation unit. */
const UNIT_COMPILE = 1;
const UNIT_PARTIAL = 3;
/** DW_AT_*. */
const ATTRIBUTE = { NAME: 0x03, STMT_LIST: 0x10, COMP_DIR: 0x1b } as const;

interface Header extends UnitSizes {
  readonly abbreviations: number;
}

/** All units that have a line table, in the order of the file. Throws FormatError. */
export function* compilationUnits(
  info: Uint8Array,
  abbreviations: Uint8Array,
  sections: TextSections,
): Generator<CompilationUnit> {
  const reader = new DwarfReader('.debug_info', info);
  while (reader.left > 0) {
    const { format, body } = reader.unit();
    const header = readHeader(body, format);
    if (header === null) continue;
    const table = new DwarfReader('.debug_abbrev', abbreviations, header.abbreviations);
    const first = readEntry(body, header, table, sections);
    const lines = first.get(ATTRIBUTE.STMT_LIST);
    if (typeof lines === 'number') {
      const text = (attribute: number): string => String(first.get(attribute) ?? '');
      yield { name: text(ATTRIBUTE.NAME), folder: text(ATTRIBUTE.COMP_DIR), lines };
    }
  }
}

/** Null for a unit that is none of a compilation; the reader stands at its first entry after this. */
function readHeader(body: DwarfReader, format: WordSize): Header | null {
  const version = body.u16();
  if (version < 2 || version > 5) return null;
  const kind = version === 5 ? body.u8() : UNIT_COMPILE;
  if (kind !== UNIT_COMPILE && kind !== UNIT_PARTIAL) return null;
  const early = version === 5 ? addressSize(body) : null;
  const abbreviations = body.offset(format);
  return { version, format, address: early ?? addressSize(body), abbreviations };
}

function addressSize(body: DwarfReader): WordSize {
  const size = body.u8();
  if (size !== 4 && size !== 8) throw body.malformed(`it has addresses of ${size} bytes`);
  return size;
}

/** Attributes of the entry at the reader. */
function readEntry(
  body: DwarfReader,
  sizes: UnitSizes,
  table: DwarfReader,
  sections: TextSections,
): ReadonlyMap<number, FormValue> {
  const values = new Map<number, FormValue>();
  if (body.left === 0) return values;
  const code = body.uleb();
  if (code === 0) return values;
  for (const { attribute, form, constant } of abbreviation(table, code)) {
    const value = constant ?? readForm(body, form, sizes, sections);
    values.set(attribute, value);
  }
  return values;
}

interface Specification {
  readonly attribute: number;
  readonly form: number;
  /** Of DW_FORM_implicit_const, which has its value here. */
  readonly constant: number | null;
}

/** The specifications of one abbreviation (7.5.3); the first one of a unit is near the start. */
function abbreviation(table: DwarfReader, wanted: number): readonly Specification[] {
  for (;;) {
    const code = table.uleb();
    if (code === 0) throw table.malformed(`it has no abbreviation ${wanted}`);
    // tag and whether there are children
    table.uleb();
    table.skip(1);
    const found: Specification[] = [];
    for (;;) {
      const attribute = table.uleb();
      const form = table.uleb();
      const constant = form === FORM.IMPLICIT_CONST ? table.sleb() : null;
      if (attribute === 0 && form === 0) break;
      found.push({ attribute, form, constant });
    }
    if (code === wanted) return found;
  }
}
