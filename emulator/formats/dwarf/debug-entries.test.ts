/**
 * Entries, lists of ranges and lists of locations written by hand: every form and every kind of list entry.
 * What they mean is said by DWARF 5 in 7.5.6 (forms), 7.25 (ranges) and 7.7.3 (locations).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '../format-error.ts';
import { DebugEntries } from './debug-entries.ts';
import type { Entry } from './entry.ts';
import { FORM } from './forms.ts';
import { expressionAt } from './location-lists.ts';
import { AT, TAG } from './names.ts';
import { rangesOf } from './ranges.ts';
import { abbreviations, text, u16, u32, u8, uleb, unit, UNIT_HEADER, written } from './testing/written-dwarf.ts'; // prettier-ignore

const BASES: readonly (readonly number[])[] = [
  [AT.LOW_PC, FORM.ADDRX],
  [AT.ADDR_BASE, FORM.SEC_OFFSET],
  [AT.STR_OFFSETS_BASE, FORM.SEC_OFFSET],
  [AT.RNGLISTS_BASE, FORM.SEC_OFFSET],
  [AT.LOCLISTS_BASE, FORM.SEC_OFFSET],
];
const ROOT = [1, ...uleb(1), ...u32(8), ...u32(8), ...u32(12), ...u32(12)];
/** The header of each table is skipped by the base; what it says is not needed. */
const HEADER_8 = Array.from({ length: 8 }, () => 0);
const HEADER_12 = Array.from({ length: 12 }, () => 0);
const ADDRESSES = [...HEADER_8, ...u32(0x5000), ...u32(0x1000), ...u32(0x3000), ...u32(0x3040)];

test('ranges of every kind', () => {
  const list = [
    [4, ...uleb(0x10), ...uleb(0x20)], // offsets from the unit's own address
    [1, ...uleb(2), 4, ...uleb(0), ...uleb(8)], // base by index
    [5, ...u32(0x7000), 4, ...uleb(1), ...uleb(2)], // base
    [2, ...uleb(2), ...uleb(3)], // both by index
    [3, ...uleb(0), ...uleb(0x100)], // start by index, length
    [6, ...u32(0x9000), ...u32(0x9004)], // both
    [7, ...u32(0xa000), ...uleb(0x300)], // start, length
    [7, ...u32(0xb000), ...uleb(0)], // nothing
    [0],
  ].flat();
  const [entry] = children({
    rows: [[AT.RANGES, FORM.RNGLISTX]],
    values: [2, 0],
    sections: { '.debug_rnglists': [...HEADER_12, ...u32(4), ...list] },
  });
  assert.ok(entry !== undefined);
  assert.deepEqual(
    rangesOf(entry).map(({ start, end }) => [start, end]),
    [
      [0x1010, 0x1020], [0x3000, 0x3008], [0x7001, 0x7002], [0x3000, 0x3040], [0x5000, 0x5100],
      [0x9000, 0x9004], [0xa000, 0xa300],
    ], // prettier-ignore
  );
});

test('locations of every kind', () => {
  const place = (operation: number): readonly number[] => [...uleb(1), operation];
  const list = [
    [4, ...uleb(0x10), ...uleb(0x20), ...place(0x50)],
    [9, ...uleb(1), ...uleb(300)], // views of gcc
    [1, ...uleb(2), 4, ...uleb(0), ...uleb(8), ...place(0x51)],
    [6, ...u32(0x7000), 4, ...uleb(0), ...uleb(2), ...place(0x52)],
    [8, ...u32(0xa000), ...uleb(0x300), ...place(0x53)],
    [7, ...u32(0xb000), ...u32(0xb001), ...place(0x54)],
    [2, ...uleb(2), ...uleb(3), ...place(0x55)],
    [3, ...uleb(0), ...uleb(0x100), ...place(0x56)],
    [5, ...place(0x57)],
    [0],
  ].flat();
  const [entry] = children({
    rows: [[AT.LOCATION, FORM.LOCLISTX]],
    values: [2, 0],
    sections: { '.debug_loclists': [...HEADER_12, ...u32(4), ...list] },
  });
  assert.ok(entry !== undefined);
  // prettier-ignore
  const expected: readonly (readonly [number, number])[] = [
    [0x1010, 0x50], [0x3007, 0x51], [0x7001, 0x52], [0xa2ff, 0x53], [0xb000, 0x54], [0x303f, 0x55],
    [0x5000, 0x56], [0x101f, 0x50], [0x1020, 0x57], [0xb001, 0x57],
  ];
  for (const [address, operation] of expected)
    assert.deepEqual(expressionAt(entry, AT.LOCATION, address), Uint8Array.of(operation));
});

test('values of every form are told by their class, and the next one is found behind them', () => {
  const name = [AT.NAME, FORM.STRING];
  // prettier-ignore
  const cases: readonly (readonly [number, readonly number[], (entry: Entry) => unknown, unknown])[] = [
    [FORM.DATA1, [0xff], number, 0xff],
    [FORM.DATA2, u16(0xfffe), number, 0xfffe],
    [FORM.DATA4, u32(0xfffffffe), number, 0xfffffffe],
    [FORM.DATA8, [...u32(1), ...u32(0x80000000)], constant, 0x8000000000000001n],
    [FORM.SDATA, [0x7f], number, -1],
    [FORM.SDATA, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f], constant, -0x8000000000000000n],
    [FORM.UDATA, uleb(0x1_0000_0001), constant, 0x100000001n],
    [FORM.DATA16, Array.from({ length: 16 }, (_, at) => at), block, Uint8Array.from({ length: 16 }, (_, at) => at)],
    [FORM.BLOCK, [2, 7, 8], block, Uint8Array.of(7, 8)],
    [FORM.BLOCK1, [1, 9], block, Uint8Array.of(9)],
    [FORM.BLOCK2, [1, 0, 9], block, Uint8Array.of(9)],
    [FORM.BLOCK4, [1, 0, 0, 0, 9], block, Uint8Array.of(9)],
    [FORM.EXPRLOC, [1, 0x9c], block, Uint8Array.of(0x9c)],
    [FORM.ADDR, u32(0xc0100000), address, 0xc0100000],
    [FORM.ADDRX, uleb(2), address, 0x3000],
    [FORM.ADDRX1, [3], address, 0x3040],
    [FORM.ADDRX2, u16(1), address, 0x1000],
    [FORM.ADDRX3, [0, 0, 0], address, 0x5000],
    [FORM.ADDRX4, u32(9), address, null],
    [FORM.STRP, u32(6), string, 'second'],
    [FORM.LINE_STRP, u32(0), string, 'line'],
    [FORM.STRX, [1], string, 'second'],
    [FORM.STRX1, [0], string, 'first'],
    [FORM.STRX2, u16(1), string, 'second'],
    [FORM.STRX3, [1, 0, 0], string, 'second'],
    [FORM.STRX4, u32(0), string, 'first'],
    [FORM.REF1, [0x20], reference, 0x20],
    [FORM.REF2, u16(0x20), reference, 0x20],
    [FORM.REF4, u32(0x20), reference, 0x20],
    [FORM.REF8, [...u32(0x20), ...u32(0)], reference, 0x20],
    [FORM.REF_UDATA, uleb(0x200), reference, 0x200],
    [FORM.REF_ADDR, u32(0x12345), reference, 0x12345],
    [FORM.REF_SIG8, [...u32(1), ...u32(2)], reference, 0x200000001n],
    [FORM.FLAG, [1], flag, true],
    [FORM.FLAG_PRESENT, [], flag, true],
    [FORM.SEC_OFFSET, u32(0x77), number, 0x77],
    [FORM.INDIRECT, [FORM.DATA2, 1, 2], number, 0x201],
    [FORM.STRP_SUP, u32(1), string, null],
    [FORM.REF_SUP4, u32(1), reference, null],
    [FORM.REF_SUP8, [...u32(1), ...u32(0)], reference, null],
  ];
  for (const [form, value, tell, expected] of cases) {
    const [entry] = children({
      rows: [[AT.CONST_VALUE, form], name],
      values: [2, ...value, ...text('behind')],
      sections: {
        '.debug_str': [...text('first'), ...text('second')],
        '.debug_line_str': text('line'),
        '.debug_str_offsets': [...HEADER_8, ...u32(0), ...u32(6)],
      },
    });
    assert.ok(entry !== undefined);
    const told = tell(entry);
    // a constant of 64 bits may be told as a number where it fits into one
    const same = typeof expected === 'bigint' && typeof told === 'number' ? BigInt(told) : told;
    assert.deepEqual(same, expected, `form 0x${form.toString(16)}`);
    assert.equal(entry.text(AT.NAME), 'behind', `form 0x${form.toString(16)}`);
  }
});

test('a constant of the abbreviation is that of every entry', () => {
  const [entry, other] = children({
    rows: [[AT.DECL_LINE, FORM.IMPLICIT_CONST, 0x7d]],
    values: [2, 2],
  });
  assert.deepEqual([entry?.number(AT.DECL_LINE), other?.number(AT.DECL_LINE)], [-3, -3]);
});

test('what is below an entry is stepped over, with and without a sibling', () => {
  const row = { tag: TAG.LEXICAL_BLOCK, children: true, attributes: [[AT.SIBLING, FORM.REF1], [AT.BYTE_SIZE, FORM.DATA1]] }; // prettier-ignore
  const plain = { tag: TAG.LEXICAL_BLOCK, children: true, attributes: [[AT.BYTE_SIZE, FORM.DATA1]] }; // prettier-ignore
  const leaf = { tag: TAG.VARIABLE, children: false, attributes: [[AT.BYTE_SIZE, FORM.DATA1]] };
  const root = { tag: TAG.COMPILE_UNIT, children: true, attributes: [] };
  const inside = [4, 7, 3, 8, 4, 9, 0, 0];
  const start = UNIT_HEADER + 1;
  const sibling = start + 3 + inside.length;
  const at = (value: number): readonly number[] => [2, ...u8(value), 1, ...inside];
  for (const value of [sibling, 0, start, start + 2, 0xff]) {
    const entries = new DebugEntries(
      written({
        '.debug_info': unit([1, ...at(value), 3, 5, ...inside, 4, 6, 0]),
        '.debug_abbrev': abbreviations([root, row, plain, leaf]),
      }),
    );
    const found = [...entries.children(entries.unit(0).root)];
    // one that leads back, or out of the unit, is not followed
    assert.deepEqual(found.map((entry) => entry.number(AT.BYTE_SIZE)), [1, 5, 6], String(value)); // prettier-ignore
  }
});

test('what is not there is said in a sentence', () => {
  const root = { tag: TAG.COMPILE_UNIT, children: true, attributes: [] };
  const table = abbreviations([root]);
  // prettier-ignore
  const cases: readonly (readonly [readonly number[], (entries: DebugEntries) => unknown, RegExp])[] = [
    [unit([9]), (entries) => entries.unit(0).root, /has the abbreviation 9, which there is not/],
    [unit([1, 0]), (entries) => entries.entry(0x1000), /has no entry at 0x1000/],
    [unit([1, 0]), (entries) => entries.entry(UNIT_HEADER + 1), /has no entry at 0xd/],
    [[...unit([1, 0]).slice(0, -1)], (entries) => entries.unitStarts, /ends within a unit/],
    [u32(0xfffffff5), (entries) => entries.unitStarts, /length of a unit in it is reserved/],
    [unit([]), (entries) => entries.unit(0).root, /a unit in it has no entries/],
  ];
  for (const [info, ask, expected] of cases) {
    const entries = new DebugEntries(written({ '.debug_info': info, '.debug_abbrev': table }));
    assert.throws(() => ask(entries), (error) => error instanceof FormatError && expected.test(error.message)); // prettier-ignore
  }
});

interface WrittenEntries {
  /** Attributes and forms of the entries below the unit's, whose code is 2. */
  readonly rows: readonly (readonly number[])[];
  readonly values: readonly number[];
  readonly sections?: { readonly [name: string]: readonly number[] };
}

function children({ rows, values, sections = {} }: WrittenEntries): readonly Entry[] {
  const entries = new DebugEntries(
    written({
      ...sections,
      '.debug_addr': ADDRESSES,
      '.debug_info': unit([...ROOT, ...values, 0]),
      '.debug_abbrev': abbreviations([
        { tag: TAG.COMPILE_UNIT, children: true, attributes: BASES },
        { tag: TAG.VARIABLE, children: false, attributes: rows },
      ]),
    }),
  );
  return [...entries.children(entries.unit(0).root)];
}

const number = (entry: Entry): number | null => entry.number(AT.CONST_VALUE);
const constant = (entry: Entry): number | bigint | null => entry.constant(AT.CONST_VALUE);
const block = (entry: Entry): Uint8Array | null => entry.block(AT.CONST_VALUE);
const address = (entry: Entry): number | null => entry.address(AT.CONST_VALUE);
const string = (entry: Entry): string | null => entry.text(AT.CONST_VALUE);
const reference = (entry: Entry): number | bigint | null => entry.reference(AT.CONST_VALUE);
const flag = (entry: Entry): boolean => entry.flag(AT.CONST_VALUE);
