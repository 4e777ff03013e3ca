/**
 * Line tables of each version as binutils 2.40 writes them (as --gdwarf-N, ld) from one source in two
 * sections; the expected rows are those of readelf --debug-dump=decodedline. And tables that lie.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesSource } from '../byte-source.ts';
import { FormatError } from '../format-error.ts';
import { DebugEntries } from './debug-entries.ts';
import { DwarfReader } from './dwarf-reader.ts';
import { type LineTable, readLineTable } from './line-table.ts';
import { AT } from './names.ts';
import { dwarfSections } from './sections.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const section = (hex: string): DwarfReader => new DwarfReader('.debug_line', bytes(hex));

/** "/build", "one.s", as in .debug_line_str; and "one.s", "/build", the assembler in .debug_str. */
const LINE_TEXTS = bytes('2f6275696c64006f6e652e7300');
const TEXTS = bytes('6f6e652e73002f6275696c6400474e5520415320322e343000');
const texts = {
  texts: new DwarfReader('.debug_str', TEXTS),
  lineTexts: new DwarfReader('.debug_line_str', LINE_TEXTS),
};

const PROGRAM = '000502000010c015215a0201000101000502070010c003090102ad02140201000101';
// prettier-ignore
const TABLES = [
  { version: 2, hex: `4400000002001c0000000101fb0e0d000101010100000001000001006f6e652e730000000000${PROGRAM}` },
  { version: 3, hex: `4400000003001c0000000101fb0e0d000101010100000001000001006f6e652e730000000000${PROGRAM}` },
  { version: 4, hex: `4500000004001d000000010101fb0e0d000101010100000001000001006f6e652e730000000000${PROGRAM}` },
  { version: 5, hex: `54000000050004002a000000010101fb0e0d00010101010000000100000101011f010000000002011f020f0207000000000700000000${PROGRAM}` },
];
const V5 = TABLES[3]?.hex ?? '';

function rowsOf(table: LineTable | null): readonly string[] {
  const rows: string[] = [];
  table?.run({
    row: (address, file, line, _column, statement) =>
      rows.push(
        `${table.files[file]?.name ?? '?'} ${line} ${address.toString(16)}${statement ? ' x' : ''}`,
      ),
    end: (address) => rows.push(`- ${address.toString(16)}`),
  });
  return rows;
}

for (const { version, hex } of TABLES)
  test(`rows of version ${version} are those of readelf`, () => {
    const reader = section(hex);
    assert.deepEqual(rowsOf(readLineTable(reader, texts)), [
      'one.s 4 c0100000 x',
      'one.s 5 c0100001 x',
      'one.s 7 c0100006 x',
      '- c0100007',
      'one.s 10 c0100007 x',
      'one.s 12 c0100134 x',
      '- c0100135',
    ]);
    assert.equal(reader.left, 0);
  });

test('a program can be run twice', () => {
  const table = readLineTable(section(V5), texts);
  assert.deepEqual(rowsOf(table), rowsOf(table));
});

test('folders of version 5 stand in the table, before that in the unit', () => {
  const files = readLineTable(section(V5), texts)?.files;
  assert.deepEqual(files?.[1], { name: 'one.s', folder: '/build' });
  const unitSections: { readonly [name: string]: Uint8Array } = {
    '.debug_info': bytes('1f000000050001040000000001000000000c00000000000000060000000d0000000180'),
    '.debug_abbrev': bytes('01110010175517030e1b0e250e1305000000'),
    '.debug_str': TEXTS,
  };
  const entries = new DebugEntries(
    dwarfSections((name) => bytesSource(unitSections[name] ?? new Uint8Array(0))),
  );
  const { root } = entries.unit(0);
  assert.deepEqual(
    [root.text(AT.NAME), root.text(AT.COMP_DIR), root.number(AT.STMT_LIST)],
    ['one.s', '/build', 0],
  );
});

test('a version that is not known is stepped over', () => {
  const reader = section('0400000006000000');
  assert.equal(readLineTable(reader, texts), null);
  assert.equal(reader.left, 0);
});

test('every cut and every changed byte of a table ends in rows or in a sentence', () => {
  const whole = bytes(V5);
  let refused = 0;
  const attempt = (given: Uint8Array): void => {
    const reader = new DwarfReader('.debug_line', given);
    try {
      while (reader.left > 0) {
        const rows = rowsOf(readLineTable(reader, texts));
        assert.ok(rows.length <= given.length);
      }
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
      assert.match(error.message, /^The section \.debug_\w+ is damaged: .*\.$/);
      refused++;
    }
  };
  for (let length = 0; length < whole.length; length++) attempt(whole.slice(0, length));
  for (let at = 0; at < whole.length; at++)
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const changed = whole.slice();
      changed[at] = value;
      attempt(changed);
    }
  assert.ok(refused > whole.length);
});

test('a list of files cannot be longer than the section', () => {
  // no columns, and 2^28 folders
  const huge = V5.replace('0101011f0100000000', '0100ffffff7f000000');
  assert.notEqual(huge, V5);
  assert.throws(() => readLineTable(section(huge), texts), /longer than the section/);
});
