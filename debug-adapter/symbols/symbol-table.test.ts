import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SymbolTable } from './symbol-table.ts';
import { GuestImage } from './guest-image.ts';
import type { Symbol } from './symbol-table.ts';
import { parseSystemMap } from './system-map.ts';

const text = (lines: string): Uint8Array => new TextEncoder().encode(lines);
/** Of one file, which is where it was linked. */
const tableOf = (symbols: readonly Symbol[]): SymbolTable =>
  new SymbolTable([{ symbols, image: new GuestImage('a file') }]);
const MAP = `00000000 A VDSO
c0100000 T startup_32
c0100010 t local
c0100010 T _stext
c0200000 D data
ffffffffc0300000 T wide
`;

describe('symbol table', () => {
  const table = tableOf(parseSystemMap(text(MAP)));

  it('reads a System.map and leaves absolute names out', () => {
    assert.equal(table.size, 5);
    assert.equal(table.find('VDSO'), null);
    assert.equal(table.find('startup_32')?.address, 0xc0100000);
    assert.equal(table.find('wide')?.address, 0xc0300000, 'low half of a 64-bit address');
  });

  it('describes an address by the nearest symbol before it', () => {
    assert.equal(table.describe(0xc0100000), 'startup_32');
    assert.equal(table.describe(0xc0100007), 'startup_32+0x7');
    assert.equal(table.describe(0xc00fffff), null, 'before the first');
    assert.equal(table.describe(0xc0210000), null, 'too far behind the last');
    assert.equal(tableOf([]).describe(0), null);
  });

  it('completes names', () => {
    assert.deepEqual(table.complete('s'), ['startup_32']);
    assert.deepEqual(table.complete(''), ['_stext', 'data', 'local', 'startup_32', 'wide']);
  });

  it('prefers a symbol whose size holds the address over a nearer label without one', () => {
    const sized = tableOf([
      { name: 'label', address: 0x1000, size: 0 },
      { name: 'function', address: 0x1000, size: 64 },
    ]);
    assert.equal(sized.describe(0x1010), 'function+0x10');
  });

  it('follows a file that has moved, and only that', () => {
    const image = new GuestImage('kernel');
    const moved = new SymbolTable([
      { symbols: [{ name: 'start', address: 0xc1000000, size: 16 }], image },
      { symbols: [{ name: 'other', address: 0x1000, size: 16 }], image: new GuestImage('other') },
    ]);
    assert.equal(moved.find('start')?.address, 0xc1000000);
    image.slide = 0x7000000;
    assert.equal(moved.find('start')?.address, 0xc8000000);
    assert.equal(moved.describe(0xc8000004), 'start+0x4');
    assert.equal(moved.describe(0xc1000004), null);
    assert.equal(moved.describe(0x1000), 'other');
    image.slide = -0x1000000;
    assert.equal(moved.near(0xc0000002)?.symbol.address, 0xc0000000);
  });

  it('says what is wrong with a file', () => {
    assert.throws(() => parseSystemMap(text('hello\n')), /neither an ELF file nor a System.map/);
    assert.throws(
      () => parseSystemMap(Uint8Array.of(0, 1, 2)),
      /neither an ELF file nor a System.map/,
    );
    assert.throws(() => parseSystemMap(text('00000000 A a\n')), /there are no symbols in it/);
    assert.throws(() => parseSystemMap(new Uint8Array(0)), /there are no symbols in it/);
  });
});
