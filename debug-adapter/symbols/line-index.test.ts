/**
 * Addresses and lines, on the sample guest's ELF file: what its source says at a line is what the guest
 * has at the address. And all of it against readelf, where there is one.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from '../host/files-node.ts';
import { loadSymbols } from './symbol-files.ts';

const STORY = new URL('../../extension/sample/story/', import.meta.url);
const ELF = fileURLToPath(new URL('story.elf', STORY));
const path = (name: string): string => fileURLToPath(new URL(name, STORY));
const { lines, symbols } = await loadSymbols([{ file: ELF }], {}, nodeFiles);

/** Number of the line of a file of the story that begins so. */
function lineWith(name: string, text: string): number {
  const found = readFileSync(path(name), 'utf8')
    .split('\n')
    .findIndex((line) => line.trim().startsWith(text));
  assert.ok(found >= 0, text);
  return found + 1;
}

test('an address has its line, and the line its address', () => {
  const first = lineWith('real-mode.s', 'cli');
  assert.deepEqual(lines.locate(0x7c00), { path: path('real-mode.s'), line: first, column: 0 });
  assert.deepEqual(lines.addressesOf(path('real-mode.s'), first), { line: first, addresses: [0x7c00] }); // prettier-ignore
  assert.ok(lines.beginsLine(0x7c00));
});

test('a line without code moves to the next one that has some', () => {
  const label = lineWith('story.s', 'function power_off');
  const place = lines.addressesOf(path('story.s'), label);
  assert.deepEqual(place?.addresses, [symbols.find('power_off')?.address]);
  assert.ok((place?.line ?? 0) > label);
  assert.equal(lines.addressesOf(path('story.s'), 100_000), null);
  assert.equal(lines.addressesOf('/no/such/file.s', 1), null);
});

test('lines of a range, in order', () => {
  const first = lineWith('real-mode.s', 'cli');
  const found = lines.linesOf(path('real-mode.s'), first, first + 3);
  assert.equal(found[0], first);
  assert.deepEqual(
    [...found].sort((a, b) => a - b),
    found,
  );
  assert.deepEqual(lines.linesOf(path('real-mode.s'), 1, first - 1), []);
});

test('outside the code there are no lines', () => {
  for (const address of [0, 0x7bff, 0xffffffff]) {
    assert.equal(lines.locate(address), null);
    assert.equal(lines.rangeOf(address), null);
    assert.equal(lines.beginsLine(address), false);
  }
});

const readelf = spawnSync('readelf', ['--debug-dump=decodedline', ELF], { encoding: 'utf8' });
const skip = readelf.error === undefined ? false : 'there is no readelf (package binutils)';

test('every row of readelf is found again', { skip }, () => {
  const rows = [...readelf.stdout.matchAll(/^(\S+\.s) +(\d+) +(0x[0-9a-f]+) .*x$/gm)];
  assert.ok(rows.length > 300);
  for (const [, name = '', line = '', address = ''] of rows) {
    const place = lines.locate(Number(address));
    assert.deepEqual([place?.path, place?.line], [path(name), Number(line)], address);
    const { addresses } = lines.addressesOf(path(name), Number(line)) ?? { addresses: [] };
    const range = lines.rangeOf(Number(address));
    assert.ok(
      addresses.some((each) => each === range?.start),
      `${name}:${line}`,
    );
  }
});
