/**
 * A debugging information entry (DWARF 5, 2.1 to 2.3): its tag and its attributes, whose values are told
 * by their class (7.5.5) whatever form they were written in. Null is what an attribute is that the entry
 * does not have, or not in that class.
 */
import type { Abbreviation } from './abbreviations.ts';
import type { DwarfReader } from './dwarf-reader.ts';
import { actualForm, FORM, readRaw, type RawValue } from './forms.ts';
import type { Unit } from './unit.ts';
import { textAt } from './windows.ts';

export class Entry {
  readonly unit: Unit;
  /** In .debug_info (unit-header.ts says how those of .debug_types are numbered). */
  readonly offset: number;
  /** Behind its attributes, counted from the unit's header: its first child, or what follows it. */
  readonly next: number;
  private readonly abbreviation: Abbreviation;
  private readonly forms: readonly number[];
  private readonly values: readonly RawValue[];

  private constructor(unit: Unit, at: number, abbreviation: Abbreviation, reader: DwarfReader) {
    this.unit = unit;
    this.offset = unit.header.offset + at;
    this.abbreviation = abbreviation;
    const forms: number[] = [];
    const values: RawValue[] = [];
    for (const specification of abbreviation.specifications) {
      const { form, constant } = specification;
      const actual = actualForm(reader, form);
      forms.push(actual);
      values.push(constant ?? readRaw(reader, actual, unit.header));
    }
    this.forms = forms;
    this.values = values;
    this.next = reader.at;
  }

  /** The entry at a place counted from the header; null at the end of a list of them. Throws FormatError. */
  static read(unit: Unit, at: number): Entry | null {
    const reader = unit.reader(at);
    if (reader.left === 0) return null;
    const code = reader.uleb();
    if (code === 0) return null;
    return new Entry(unit, at, abbreviationOf(unit, code, reader), reader);
  }

  /** DW_TAG_*. */
  get tag(): number {
    return this.abbreviation.tag;
  }
  get hasChildren(): boolean {
    return this.abbreviation.hasChildren;
  }

  has(attribute: number): boolean {
    return this.indexOf(attribute) >= 0;
  }

  flag(attribute: number): boolean {
    const value = this.values[this.indexOf(attribute)];
    return typeof value === 'number' && value !== 0;
  }

  /** A constant or an offset, as a number; of a constant above 2^53 what a number can hold of it. */
  number(attribute: number): number | null {
    const value = this.constant(attribute);
    return value === null ? null : Number(value);
  }

  /** A constant as it is written: without a sign unless its form has one. */
  constant(attribute: number): number | bigint | null {
    const index = this.indexOf(attribute);
    const value = this.values[index];
    if (value === undefined || value instanceof Uint8Array) return null;
    return CONSTANTS.has(this.forms[index]) ? value : null;
  }

  /** Bytes of a constant whose form does not say whether it has a sign; 0 for one whose form does. */
  constantSize(attribute: number): number {
    return FIXED_CONSTANTS.get(this.forms[this.indexOf(attribute)]) ?? 0;
  }

  address(attribute: number): number | null {
    const index = this.indexOf(attribute);
    const value = this.values[index];
    if (typeof value !== 'number') return null;
    const form = this.forms[index];
    if (form === FORM.ADDR) return value;
    return ADDRESS_INDICES.has(form) ? this.unit.indexedAddress(value) : null;
  }

  text(attribute: number): string | null {
    const index = this.indexOf(attribute);
    const value = this.values[index];
    if (typeof value !== 'number') return null;
    const form = this.forms[index];
    if (form === FORM.STRING) return this.unit.text(value);
    if (form === FORM.STRP) return textAt(this.unit.sections.texts, value);
    if (form === FORM.LINE_STRP) return textAt(this.unit.sections.lineTexts, value);
    return TEXT_INDICES.has(form) ? this.unit.indexedText(value) : null;
  }

  /** A block or an expression. */
  block(attribute: number): Uint8Array | null {
    const value = this.values[this.indexOf(attribute)];
    return value instanceof Uint8Array ? value : null;
  }

  /** Offset of the entry that is referred to, or the signature of its type unit. */
  reference(attribute: number): number | bigint | null {
    const index = this.indexOf(attribute);
    const value = this.values[index];
    if (value === undefined || value instanceof Uint8Array) return null;
    const form = this.forms[index];
    if (form === FORM.REF_ADDR) return value;
    if (form === FORM.REF_SIG8) return BigInt(value);
    return UNIT_REFERENCES.has(form) ? this.unit.header.offset + Number(value) : null;
  }

  /**
   * A list of ranges or locations: its offset in its section or its index there. Up to DWARF 3 an offset
   * is written as a constant is.
   */
  list(attribute: number): { readonly at: number; readonly isIndex: boolean } | null {
    const index = this.indexOf(attribute);
    const value = this.values[index];
    if (value === undefined || value instanceof Uint8Array) return null;
    const form = this.forms[index];
    if (form === FORM.LOCLISTX || form === FORM.RNGLISTX) return { at: Number(value), isIndex: true }; // prettier-ignore
    const isOffset =
      form === FORM.SEC_OFFSET ||
      (this.unit.header.version < 4 && (form === FORM.DATA4 || form === FORM.DATA8));
    return isOffset ? { at: Number(value), isIndex: false } : null;
  }

  private indexOf(attribute: number): number {
    const { specifications } = this.abbreviation;
    for (let index = 0; index < specifications.length; index++)
      if (specifications[index].attribute === attribute) return index;
    return -1;
  }
}

/** Steps over the entry at the reader, without its children; null at the end of a list of entries. */
export function skipEntry(unit: Unit, reader: DwarfReader): Abbreviation | null {
  if (reader.left === 0) return null;
  const code = reader.uleb();
  if (code === 0) return null;
  const abbreviation = abbreviationOf(unit, code, reader);
  for (const { form } of abbreviation.specifications) {
    const actual = actualForm(reader, form);
    if (actual === FORM.UDATA || actual === FORM.SDATA) reader.uleb();
    else if (actual !== FORM.IMPLICIT_CONST) readRaw(reader, actual, unit.header);
  }
  return abbreviation;
}

function abbreviationOf(unit: Unit, code: number, reader: DwarfReader): Abbreviation {
  const abbreviation = unit.table.get(code);
  if (abbreviation === undefined)
    throw reader.malformed(`an entry in it has the abbreviation ${code}, which there is not`);
  return abbreviation;
}

/** Forms by the class of their values. */
// prettier-ignore
const FIXED_CONSTANTS: ReadonlyMap<number | undefined, number> = new Map([
  [FORM.DATA1, 1], [FORM.DATA2, 2], [FORM.DATA4, 4], [FORM.DATA8, 8],
]);
// prettier-ignore
const CONSTANTS: ReadonlySet<number | undefined> = new Set([
  FORM.DATA1, FORM.DATA2, FORM.DATA4, FORM.DATA8, FORM.SDATA, FORM.UDATA, FORM.IMPLICIT_CONST,
  FORM.SEC_OFFSET, FORM.FLAG,
]);
// prettier-ignore
const ADDRESS_INDICES: ReadonlySet<number | undefined> = new Set([
  FORM.ADDRX, FORM.ADDRX1, FORM.ADDRX2, FORM.ADDRX3, FORM.ADDRX4,
]);
// prettier-ignore
const TEXT_INDICES: ReadonlySet<number | undefined> = new Set([
  FORM.STRX, FORM.STRX1, FORM.STRX2, FORM.STRX3, FORM.STRX4,
]);
// prettier-ignore
const UNIT_REFERENCES: ReadonlySet<number | undefined> = new Set([
  FORM.REF1, FORM.REF2, FORM.REF4, FORM.REF8, FORM.REF_UDATA,
]);
