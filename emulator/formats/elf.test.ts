import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elfNotes, elfSymbols, findSection, isElf, parseElf, sectionBytes } from './elf.ts';
import { FormatError } from './format-error.ts';

/**
 * Smallest files that have everything, laid out by hand from the System V ABI: one PT_LOAD and one
 * PT_NOTE segment, .text, .symtab, .strtab, .shstrtab. Words are written as the class of the file says.
 */
function makeElf(wide: boolean): Uint8Array {
  const bytes = new Uint8Array(0x400);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number) => {
    view.setUint32(at, value, true);
    if (wide) view.setInt32(at + 4, value < 0 ? -1 : 0, true);
  };
  const text = (at: number, value: string) => bytes.set(Buffer.from(value, 'latin1'), at);
  const high = wide ? -0x7f000000 : 0xc1000000; // kernel addresses, canonical in 64 bits
  text(0, '\x7fELF');
  bytes.set([wide ? 2 : 1, 1, 1], 4);
  view.setUint16(0x10, 2, true); // ET_EXEC
  view.setUint16(0x12, wide ? 62 : 3, true);
  word(0x18, high + 4); // e_entry
  const [phoff, shoff] = [0x80, 0x200];
  word(wide ? 0x20 : 0x1c, phoff);
  word(wide ? 0x28 : 0x20, shoff);
  const rest = wide ? 0x34 : 0x28;
  [wide ? 64 : 52, wide ? 56 : 32, 2, wide ? 64 : 40, 5, 4].forEach((value, index) =>
    view.setUint16(rest + index * 2, value, true),
  );
  const segment = (index: number, fields: number[]) => {
    const at = phoff + index * (wide ? 56 : 32);
    const [type, flags, offset, virtual, physical, file, memory, align] = fields;
    view.setUint32(at, type, true);
    view.setUint32(at + (wide ? 4 : 24), flags, true);
    const places = wide ? [8, 16, 24, 32, 40, 48] : [4, 8, 12, 16, 20, 28];
    [offset, virtual, physical, file, memory, align].forEach((value, i) =>
      word(at + places[i], value),
    );
  };
  segment(0, [1, 5, 0x100, high, 0x1000000, 8, 32, 0x1000]);
  segment(1, [4, 4, 0x110, high + 16, 0x1000010, 24, 24, 4]);
  const section = (index: number, fields: number[]) => {
    const at = shoff + index * (wide ? 64 : 40);
    const [name, type, flags, address, offset, size, link, entrySize] = fields;
    view.setUint32(at, name, true);
    view.setUint32(at + 4, type, true);
    word(at + 8, flags);
    word(at + (wide ? 16 : 12), address);
    word(at + (wide ? 24 : 16), offset);
    word(at + (wide ? 32 : 20), size);
    view.setUint32(at + (wide ? 40 : 24), link, true);
    word(at + (wide ? 56 : 36), entrySize);
  };
  // names at 0x1c0: "\0.text\0.symtab\0.strtab\0.shstrtab\0"
  text(0x1c0, '\0.text\0.symtab\0.strtab\0.shstrtab\0');
  section(1, [1, 1, 6, high, 0x100, 8, 0, 0]);
  section(2, [7, 2, 0, 0, 0x130, wide ? 96 : 64, 3, wide ? 24 : 16]);
  section(3, [15, 3, 0, 0, 0x1a0, 20, 0, 0]);
  section(4, [23, 3, 0, 0, 0x1c0, 33, 0, 0]);
  text(0x100, 'codecode');
  // one note: name "Xen", type 18 (PHYS32_ENTRY), four bytes
  view.setUint32(0x110, 4, true);
  view.setUint32(0x114, 4, true);
  view.setUint32(0x118, 18, true);
  text(0x11c, 'Xen\0\x04\0\0\x01');
  text(0x1a0, '\0start\0table\0file.c\0');
  const symbol = (index: number, name: number, value: number, info: number, home: number) => {
    const at = 0x130 + index * (wide ? 24 : 16);
    view.setUint32(at, name, true);
    word(at + (wide ? 8 : 4), value);
    word(at + (wide ? 16 : 8), 4);
    bytes[at + (wide ? 4 : 12)] = info;
    view.setUint16(at + (wide ? 6 : 14), home, true);
  };
  symbol(1, 1, high, 0x12, 1); // global function "start"
  symbol(2, 7, high + 4, 0x01, 1); // local object "table"
  symbol(3, 13, 0, 0x04, 0xfff1); // STT_FILE, left out
  return bytes;
}

for (const wide of [false, true]) {
  const bits = wide ? '64' : '32';
  const high = wide ? -0x7f000000 : 0xc1000000;

  test(`headers, segments and sections of a ${bits}-bit file`, () => {
    const bytes = makeElf(wide);
    const file = parseElf(bytes);
    assert.ok(isElf(bytes));
    assert.equal(file.is64, wide);
    assert.equal(file.machine, wide ? 62 : 3);
    assert.equal(file.entry, high + 4);
    assert.equal(file.segments.length, 2);
    assert.deepEqual(file.segments[0], {
      type: 1,
      flags: 5,
      offset: 0x100,
      virtualAddress: high,
      physicalAddress: 0x1000000,
      fileSize: 8,
      memorySize: 32,
      alignment: 0x1000,
    });
    assert.deepEqual(
      file.sections.map((section) => section.name),
      ['', '.text', '.symtab', '.strtab', '.shstrtab'],
    );
    const text = findSection(file, '.text');
    assert.ok(text);
    assert.equal(Buffer.from(sectionBytes(file, text)).toString(), 'codecode');
    assert.equal(sectionBytes(file, text).buffer, bytes.buffer, 'contents are not copied');
  });

  test(`symbols of a ${bits}-bit file: functions and objects, not file names`, () => {
    assert.deepEqual(
      [...elfSymbols(parseElf(makeElf(wide)))],
      [
        { name: 'start', value: high, size: 4, type: 'function', global: true, section: 1 },
        { name: 'table', value: high + 4, size: 4, type: 'object', global: false, section: 1 },
      ],
    );
  });

  test(`notes of a ${bits}-bit file`, () => {
    const notes = elfNotes(parseElf(makeElf(wide)));
    assert.deepEqual(
      notes.map(({ name, type, description }) => [name, type, [...description]]),
      [['Xen', 18, [4, 0, 0, 1]]],
    );
  });

  test(`a ${bits}-bit file cut off anywhere is refused or read, never read past its end`, () => {
    const bytes = makeElf(wide);
    for (let length = 0; length < bytes.length; length++) {
      try {
        const file = parseElf(bytes.slice(0, length));
        assert.equal([...elfSymbols(file)].length, 2);
        elfNotes(file);
      } catch (error) {
        assert.ok(error instanceof FormatError, `${length} bytes: ${String(error)}`);
      }
    }
  });

  test(`a ${bits}-bit file with any byte changed is refused or read, never an exception of ours`, () => {
    const bytes = makeElf(wide);
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[at] = value;
        try {
          const file = parseElf(changed);
          Array.from(elfSymbols(file));
          elfNotes(file);
        } catch (error) {
          assert.ok(error instanceof FormatError, `byte ${at} = ${value}: ${String(error)}`);
        }
      }
    }
  });
}

test('what is no ELF file is foreign, a big-endian one unsupported, a short one truncated', () => {
  const kind = (bytes: Uint8Array) => {
    try {
      parseElf(bytes);
    } catch (error) {
      return error instanceof FormatError ? error.kind : error;
    }
    return 'accepted';
  };
  assert.equal(kind(new Uint8Array(100)), 'foreign');
  assert.equal(kind(new Uint8Array(0)), 'foreign');
  const big = makeElf(false);
  big[5] = 2;
  assert.equal(kind(big), 'unsupported');
  assert.equal(kind(makeElf(false).slice(0, 40)), 'truncated');
  assert.equal(kind(makeElf(true).slice(0, 60)), 'truncated');
});
