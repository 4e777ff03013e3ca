import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DisassembledLine } from '../../emulator/debug-port.ts';
import { DisassemblyListing } from './disassembly-listing.ts';

/**
 * A processor whose backward disassembly is as doubtful as x86's: going back n instructions from an
 * address takes steps of two bytes or, when n is odd, of three.
 */
function doubtful(): DisassemblyListing {
  return new DisassemblyListing((address, offset, count) => {
    const size = offset < 0 && offset % 2 !== 0 ? 3 : 2;
    const start = address + offset * size;
    const line = (_: unknown, index: number): DisassembledLine => ({
      address: start + index * size,
      bytes: new Uint8Array(size),
      text: 'op',
      valid: true,
    });
    return Promise.resolve(Array.from({ length: count }, line));
  });
}

function assertAscending(lines: readonly DisassembledLine[]): void {
  for (const [index, line] of lines.entries()) {
    const before = lines[index - 1];
    assert.ok(before === undefined || before.address < line.address, `row ${index}`);
  }
}

describe('listing of instructions', () => {
  it('gives exactly the rows asked for, in ascending order', async () => {
    const listing = doubtful();
    for (const [address, offset, count] of [
      [0x1000, 0, 10],
      [0x1000, -5, 10],
      [0x1000, -5, 3],
      [0x1000, 7, 4],
      [0x1000, -50, 0],
      [0, -10, 5],
      [0, -10, 20],
      [2, -400, 800],
      [0xffffffff, 0, 50],
      [0xffffffff, -3, 50],
      [-20, -3, 5],
      [2 ** 32 + 5, 0, 5],
      [0x1000, -1_000_000, 10],
      [0x1000, 1_000_000, 10],
    ] as const) {
      const lines = await listing.lines(address, offset, count);
      assert.equal(lines.length, count, `${address} ${offset} ${count}`);
      assertAscending(lines);
    }
  });

  it('keeps one alignment over neighbouring requests, in whatever order they come', async () => {
    const listing = doubtful();
    const near = await listing.lines(0x1000, -5, 10);
    const farther = await listing.lines(0x1000, -12, 7);
    const all = await listing.lines(0x1000, -12, 17);
    assert.deepEqual([...farther, ...near], all);
    assertAscending(all);
    assert.equal(all[12]?.address, 0x1000);
  });

  it('marks rows below address 0 and above 4 GiB as invalid', async () => {
    const lines = await doubtful().lines(4, -6, 8);
    assert.deepEqual(
      lines.map(({ address, valid }) => [Math.max(address, -1), valid]),
      [[-1, false], [-1, false], [-1, false], [-1, false], [0, true], [2, true], [4, true], [6, true]],
    ); // prettier-ignore
  });

  it('does not fail when nothing can be disassembled', async () => {
    const listing = new DisassemblyListing(() => Promise.reject(new Error('gone')));
    const lines = await listing.lines(0x1000, -2, 4);
    assert.deepEqual(
      lines.map(({ address, text }) => [address, text]),
      [[0xffe, '??'], [0xfff, '??'], [0x1000, '??'], [0x1001, '??']],
    ); // prettier-ignore
  });
});
