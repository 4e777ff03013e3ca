/**
 * Debugging information that lies: circles, entries that lead nowhere, depth without end, and a program's
 * own with bytes changed. Whatever it says, questions are answered or answered with nothing, and end.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesSource } from '../../emulator/formats/byte-source.ts';
import { FORM } from '../../emulator/formats/dwarf/forms.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import type { DwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import { abbreviations, text, u32, unit, UNIT_HEADER, written } from '../../emulator/formats/dwarf/testing/written-dwarf.ts'; // prettier-ignore
import { FormatError } from '../../emulator/formats/format-error.ts';
import {
  compiledElf,
  informationOf,
  parsed,
  sectionsOf,
} from '../testing/debugged-program-node.ts';
import { definitionText } from '../typed/type-text.ts';
import { sizeOf } from '../typed/types.ts';
import type { CType } from './c-types.ts';
import type { DebugInformation } from './debug-information.ts';

const NAMED = [AT.NAME, FORM.STRING];
const TYPED = [AT.TYPE, FORM.REF4];
/** Codes are places in this list, from 1. */
// prettier-ignore
const ROWS = [
  { tag: TAG.COMPILE_UNIT,       children: true,  attributes: [[AT.LOW_PC, FORM.ADDR], [AT.HIGH_PC, FORM.DATA4]] },
  { tag: TAG.TYPEDEF,            children: false, attributes: [NAMED, TYPED] },
  { tag: TAG.CONST_TYPE,         children: false, attributes: [TYPED] },
  { tag: TAG.ARRAY_TYPE,         children: true,  attributes: [TYPED] },
  { tag: TAG.SUBRANGE_TYPE,      children: false, attributes: [[AT.UPPER_BOUND, FORM.DATA1]] },
  { tag: TAG.STRUCTURE_TYPE,     children: true,  attributes: [NAMED, [AT.BYTE_SIZE, FORM.DATA1]] },
  { tag: TAG.MEMBER,             children: false, attributes: [TYPED] },
  { tag: TAG.SUBPROGRAM,         children: true,  attributes: [[AT.ABSTRACT_ORIGIN, FORM.REF4], [AT.LOW_PC, FORM.ADDR], [AT.HIGH_PC, FORM.DATA4]] },
  { tag: TAG.LEXICAL_BLOCK,      children: true,  attributes: [[AT.LOW_PC, FORM.ADDR], [AT.HIGH_PC, FORM.DATA4]] },
  { tag: TAG.VARIABLE,           children: false, attributes: [NAMED, TYPED, [AT.LOCATION, FORM.EXPRLOC]] },
  { tag: TAG.SUBPROGRAM,         children: true,  attributes: [NAMED, [AT.LOW_PC, FORM.ADDR], [AT.HIGH_PC, FORM.DATA4]] },
  { tag: TAG.STRUCTURE_TYPE,     children: false, attributes: [NAMED, [AT.DECLARATION, FORM.FLAG_PRESENT], [AT.SIGNATURE, FORM.REF4]] },
];
const TABLE = abbreviations(ROWS);
const CODE = { TYPEDEF: 2, CONST: 3, ARRAY: 4, SUBRANGE: 5, STRUCT: 6, MEMBER: 7, COPY: 8, BLOCK: 9, VARIABLE: 10, FUNCTION: 11, DECLARED: 12 } as const; // prettier-ignore
const HERE = [...u32(0x1000), ...u32(0x100)];
/** Offset of the first entry below the unit's. */
const FIRST = UNIT_HEADER + 1 + HERE.length;

function debugOf(entries: readonly number[]): DebugInformation {
  const info = unit([1, ...HERE, ...entries, 0]);
  return informationOf(written({ '.debug_info': info, '.debug_abbrev': TABLE }));
}

/** A variable "it" behind other entries, of the type at an offset. */
const variable = (type: number): readonly number[] => [CODE.VARIABLE, ...text('it'), ...u32(type), 1, 0x9c]; // prettier-ignore

test('types in a circle come to an end', () => {
  const name = text('loop');
  // prettier-ignore
  const circles: readonly (readonly number[])[] = [
    [CODE.TYPEDEF, ...name, ...u32(FIRST)],
    [CODE.CONST, ...u32(FIRST)],
    [CODE.CONST, ...u32(FIRST + 5), CODE.TYPEDEF, ...name, ...u32(FIRST)],
    [CODE.ARRAY, ...u32(FIRST), CODE.SUBRANGE, 9, 0],
    [CODE.ARRAY, ...u32(FIRST + 8), CODE.SUBRANGE, 9, 0, CODE.CONST, ...u32(FIRST)],
    [CODE.STRUCT, ...name, 4, CODE.MEMBER, ...u32(FIRST), CODE.MEMBER, ...u32(FIRST), 0],
    [CODE.DECLARED, ...name, ...u32(FIRST)],
  ];
  for (const circle of circles) {
    const type = debugOf([...circle, ...variable(FIRST)]).variable('it')?.type;
    assert.ok(type !== undefined);
    assert.ok(plainOf(type).kind !== 'typedef');
    assert.ok(definitionText(type, (each) => each).length < 4000);
    assert.ok((sizeOf(type) ?? 0) < 1000);
  }
});

test('a structure that nests without end in names ends in one that is not known', () => {
  const struct = [CODE.STRUCT, ...text('loop'), 4, CODE.MEMBER, ...u32(FIRST), 0];
  const type = debugOf([...struct, ...variable(FIRST)]).type('struct loop');
  assert.ok(type?.kind === 'struct');
  assert.deepEqual(type.members.map((member) => member.type.kind), ['base']); // prettier-ignore
});

test('origins in a circle have no name, and their function none', () => {
  const one = [CODE.COPY, ...u32(FIRST + 14), ...HERE, 0];
  const other = [CODE.COPY, ...u32(FIRST), ...HERE, 0];
  const debug = debugOf([...one, ...other]);
  assert.deepEqual(debug.scopesAt(0x1010), []);
  assert.deepEqual(debug.functions(''), []);
});

test('a reference that leads out of the file is a type that is not known', () => {
  for (const place of [0, 3, FIRST + 1, 0x7fff_ffff, 0xffff_ffff]) {
    const type = debugOf(variable(place)).variable('it')?.type;
    assert.equal(type?.kind, 'base', String(place));
  }
});

test('blocks deeper than the stack are not followed, and what is found is told', () => {
  const depth = 20_000;
  const blocks = Array.from({ length: depth }, () => [CODE.BLOCK, ...HERE]).flat();
  const ends = Array.from({ length: depth }, () => 0);
  const debug = debugOf([CODE.FUNCTION, ...text('deep'), ...HERE, ...blocks, ...ends, 0]);
  const scopes = debug.scopesAt(0x1010);
  assert.equal(scopes.at(-1)?.kind, 'function');
  assert.ok(scopes.length < 1000);
  assert.deepEqual(scopes.flatMap(({ variables }) => variables), []); // prettier-ignore
});

const VALUES = [0, 1, 0x7f, 0x80, 0xff] as const;
/** Of each section, bytes that are changed, evenly spread. */
const CHANGES = 60;

for (const flags of [
  ['-gdwarf-3', '-O2'],
  ['-gdwarf-5', '-O2'],
] as const) {
  const bytes = compiledElf(flags);
  const skip = bytes === null ? 'gcc does not compile for i386 here' : false;
  test(`a program of ${flags.join(' ')} with bytes changed and sections cut`, { skip }, () => {
    const sections = sectionsOf(parsed(bytes ?? new Uint8Array(0)));
    assert.ok(askEverything(sections) > 40);
    let told = 0;
    for (const field of ['info', 'abbreviations', 'texts', 'rangeLists', 'locationLists', 'ranges', 'locations', 'lines'] as const) {
      const source = sections[field];
      const whole = source.read(0, source.length);
      for (let change = 0; change < Math.min(CHANGES, whole.length); change++) {
        const at = Math.floor((change * whole.length) / CHANGES);
        const changed = new Uint8Array(whole);
        changed[at] = VALUES[change % VALUES.length] ?? 0;
        told += askEverything({ ...sections, [field]: bytesSource(changed) });
        if (change % 6 === 0)
          told += askEverything({ ...sections, [field]: bytesSource(changed.subarray(0, at)) });
      }
    }
    assert.ok(told > 1000);
  }); // prettier-ignore
}

/** How many things were told; any error but one of the format is ours. */
function askEverything(sections: DwarfSections): number {
  let debug: DebugInformation;
  try {
    debug = informationOf(sections);
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    return 0;
  }
  let told = 0;
  for (const name of ['struct node', 'struct bits', 'enum colour', 'u64', 'unsigned char', 'struct elsewhere']) {
    const type = debug.type(name);
    if (type !== null) told += walk(type, 0);
  }
  const [work] = debug.functions('work');
  const start = work?.entry ?? 0x8049000;
  for (let address = start; address < start + 0x80; address += 8)
    for (const { variables } of debug.scopesAt(address))
      for (const variable of variables) told += Number(variable.locationAt(address) !== null) + walk(variable.type, 2);
  for (const variable of debug.variablesOfUnit(start)) told += Number(variable.locationAt(start) !== null);
  for (const name of debug.namesFrom('', 1000)) told += Number(debug.variable(name, start) !== null) + debug.functions(name).length;
  return told + Number(debug.enumerator('GREEN') !== null);
} // prettier-ignore

/** Types that are reached in some steps. */
function walk(type: CType, depth: number): number {
  if (depth > 4) return 1;
  switch (type.kind) {
    case 'pointer':
    case 'typedef':
    case 'qualified':
      return 1 + walk(type.target, depth + 1);
    case 'array':
      return 1 + walk(type.element, depth + 1);
    case 'function':
      return 1 + type.parameters.reduce((sum, each) => sum + walk(each, depth + 1), 0);
    case 'struct':
    case 'union':
    case 'class':
      return 1 + type.members.slice(0, 50).reduce((sum, each) => sum + walk(each.type, depth + 1), 0); // prettier-ignore
    case 'enum':
      return type.values.length;
    default:
      return 1;
  }
}

/** Through other names, as every reader looks through them: without a bound of its own. */
function plainOf(type: CType): CType {
  let plain = type;
  while (plain.kind === 'typedef' || plain.kind === 'qualified') plain = plain.target;
  return plain;
}
