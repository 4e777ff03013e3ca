/**
 * Abbreviations prepared for a fast walk over entries (DWARF 5, 7.5.3 and 7.5.6): for each a program that
 * steps over an entry's values and picks out the few that the walk asks for. Values of fixed size that
 * nobody asks for melt into one step.
 */
import type { Abbreviation, AbbreviationTable } from './abbreviations.ts';
import { FORM, type UnitSizes } from './forms.ts';
import { AT, TAG } from './names.ts';

/** What the walk picks out of an entry. */
export const ROLE = {
  SIBLING: 0,
  NAME: 1,
  /** Offset of another entry, whose name this one has. */
  NAMESAKE: 2,
  DECLARATION: 3,
  /** DW_AT_location or DW_AT_const_value: there is one. */
  PLACE: 4,
  LOW_PC: 5,
  HIGH_PC: 6,
  RANGES: 7,
  STMT_LIST: 8,
  STR_OFFSETS_BASE: 9,
  COMP_DIR: 10,
} as const;
export const ROLE_COUNT = 11;

const ROLE_OF: ReadonlyMap<number, number> = new Map([
  [AT.SIBLING, ROLE.SIBLING],
  [AT.NAME, ROLE.NAME],
  [AT.ABSTRACT_ORIGIN, ROLE.NAMESAKE],
  [AT.SPECIFICATION, ROLE.NAMESAKE],
  [AT.DECLARATION, ROLE.DECLARATION],
  [AT.LOCATION, ROLE.PLACE],
  [AT.CONST_VALUE, ROLE.PLACE],
  [AT.LOW_PC, ROLE.LOW_PC],
  [AT.ENTRY_PC, ROLE.LOW_PC],
  [AT.HIGH_PC, ROLE.HIGH_PC],
  [AT.RANGES, ROLE.RANGES],
  [AT.STMT_LIST, ROLE.STMT_LIST],
  [AT.STR_OFFSETS_BASE, ROLE.STR_OFFSETS_BASE],
  [AT.COMP_DIR, ROLE.COMP_DIR],
]);

const UNITS: ReadonlySet<number> = new Set([TAG.COMPILE_UNIT, TAG.PARTIAL_UNIT, TAG.TYPE_UNIT]);

/** Tags whose entries have names that are asked for, or hold such. */
const WANTED: ReadonlySet<number> = new Set([
  ...UNITS, TAG.SUBPROGRAM, TAG.VARIABLE, TAG.STRUCTURE_TYPE,
  TAG.UNION_TYPE, TAG.CLASS_TYPE, TAG.ENUMERATION_TYPE, TAG.ENUMERATOR, TAG.TYPEDEF, TAG.BASE_TYPE,
  TAG.NAMESPACE,
]); // prettier-ignore

/** Steps of a program, two words each: one of these and its operand, or PICK + role and a form. */
export const STEP = { SKIP: 0, ULEB: 1, TEXT: 2, BLOCK: 3, BLOCK1: 4, BLOCK2: 5, BLOCK4: 6, INDIRECT: 7, PICK: 16 } as const; // prettier-ignore

export interface Shape {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** For the walk: picks what WANTED tags need, and of others the sibling. */
  readonly steps: Int32Array;
  /** Picks everything, for an entry that another one refers to. */
  readonly all: Int32Array;
}

/** By code; those of a table are dense. */
export type Shapes = readonly (Shape | undefined)[];

/** Codes above this are not those of a compiler, and would make the list sparse. */
const MOST_CODES = 1 << 20;

export function shapesOf(table: AbbreviationTable, sizes: UnitSizes): Shapes {
  const shapes: (Shape | undefined)[] = [];
  for (const [code, abbreviation] of table)
    if (code < MOST_CODES) shapes[code] = shapeOf(abbreviation, sizes);
  return shapes;
}

function shapeOf(abbreviation: Abbreviation, sizes: UnitSizes): Shape {
  const { tag, hasChildren } = abbreviation;
  const isWanted = WANTED.has(tag);
  const steps = compiled(abbreviation, sizes, (role) => isWanted || role === ROLE.SIBLING);
  const all = isWanted ? steps : compiled(abbreviation, sizes, () => true);
  return { tag, hasChildren, steps, all };
}

function compiled(
  { tag, specifications }: Abbreviation,
  sizes: UnitSizes,
  picks: (role: number) => boolean,
): Int32Array {
  const steps: number[] = [];
  let skipped = 0;
  const flush = (): void => {
    if (skipped > 0) steps.push(STEP.SKIP, skipped);
    skipped = 0;
  };
  for (const { attribute, form } of specifications) {
    const role = roleOf(attribute, tag);
    const size = sizeOf(form, sizes);
    if (role !== undefined && picks(role)) {
      flush();
      steps.push(STEP.PICK + role, form);
    } else if (size !== null) skipped += size;
    else {
      flush();
      steps.push(STEP_OF.get(form) ?? STEP.INDIRECT, form);
    }
  }
  flush();
  return Int32Array.from(steps);
}

/** Of a unit the folder is picked, not the name: there is room for one text. */
function roleOf(attribute: number, tag: number): number | undefined {
  return attribute === AT.NAME && UNITS.has(tag) ? undefined : ROLE_OF.get(attribute);
}

const STEP_OF: ReadonlyMap<number, number> = new Map([
  [FORM.SDATA, STEP.ULEB],
  [FORM.UDATA, STEP.ULEB],
  [FORM.REF_UDATA, STEP.ULEB],
  [FORM.STRX, STEP.ULEB],
  [FORM.ADDRX, STEP.ULEB],
  [FORM.LOCLISTX, STEP.ULEB],
  [FORM.RNGLISTX, STEP.ULEB],
  [FORM.STRING, STEP.TEXT],
  [FORM.BLOCK, STEP.BLOCK],
  [FORM.EXPRLOC, STEP.BLOCK],
  [FORM.BLOCK1, STEP.BLOCK1],
  [FORM.BLOCK2, STEP.BLOCK2],
  [FORM.BLOCK4, STEP.BLOCK4],
]);

/** Bytes of a value, null where the value itself says. */
export function sizeOf(form: number, { version, format, address }: UnitSizes): number | null {
  const fixed = FIXED.get(form);
  if (fixed !== undefined) return fixed;
  switch (form) {
    case FORM.ADDR:
      return address;
    case FORM.STRP:
    case FORM.LINE_STRP:
    case FORM.SEC_OFFSET:
    case FORM.STRP_SUP:
    case FORM.GNU_REF_ALT:
    case FORM.GNU_STRP_ALT:
      return format;
    // in DWARF 2 it had the size of an address
    case FORM.REF_ADDR:
      return version < 3 ? address : format;
    default:
      return null;
  }
}

// prettier-ignore
const FIXED: ReadonlyMap<number, number> = new Map([
  [FORM.FLAG_PRESENT, 0], [FORM.IMPLICIT_CONST, 0], [FORM.DATA1, 1], [FORM.FLAG, 1], [FORM.REF1, 1],
  [FORM.STRX1, 1], [FORM.ADDRX1, 1], [FORM.DATA2, 2], [FORM.REF2, 2], [FORM.STRX2, 2], [FORM.ADDRX2, 2],
  [FORM.STRX3, 3], [FORM.ADDRX3, 3], [FORM.DATA4, 4], [FORM.REF4, 4], [FORM.STRX4, 4], [FORM.ADDRX4, 4],
  [FORM.REF_SUP4, 4], [FORM.DATA8, 8], [FORM.REF8, 8], [FORM.REF_SIG8, 8], [FORM.REF_SUP8, 8],
  [FORM.DATA16, 16],
]);
