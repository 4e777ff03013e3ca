import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from './format-error.ts';
import { findMultibootHeader } from './multiboot-header.ts';

/** A header of `flags` at `offset`, with the words of the a.out kludge behind it. */
function image(offset: number, flags: number, ...words: number[]): Uint8Array {
  const bytes = new Uint8Array(16384);
  const view = new DataView(bytes.buffer);
  [0x1badb002, flags, -(0x1badb002 + flags), ...words].forEach((word, index) =>
    view.setUint32(offset + index * 4, word, true),
  );
  return bytes;
}

test('a header is found at any multiple of four in the first 8192 bytes', () => {
  assert.deepEqual(findMultibootHeader(image(0, 3)), { offset: 0, flags: 3, addresses: null });
  assert.equal(findMultibootHeader(image(8180, 0))?.offset, 8180);
  assert.equal(findMultibootHeader(image(8192, 0)), null);
  assert.equal(findMultibootHeader(image(2, 0)), null);
});

test('a wrong checksum is no header', () => {
  const bytes = image(64, 0);
  bytes[72] ^= 1;
  assert.equal(findMultibootHeader(bytes), null);
});

test('bit 16 of the flags brings load addresses', () => {
  const found = findMultibootHeader(
    image(32, 0x10000, 0x100020, 0x100000, 0x102000, 0x103000, 0x100040),
  );
  assert.deepEqual(found?.addresses, {
    header: 0x100020,
    loadStart: 0x100000,
    loadEnd: 0x102000,
    bssEnd: 0x103000,
    entry: 0x100040,
  });
});

test('unknown obligatory features and contradicting addresses are refused', () => {
  assert.throws(() => findMultibootHeader(image(0, 0x8)), FormatError);
  // the header would lie before the start of the file
  assert.throws(
    () => findMultibootHeader(image(0, 0x10000, 0x100020, 0x100000, 0, 0, 0x100040)),
    /contradict/,
  );
});

test('short files are no multiboot images', () => {
  for (let length = 0; length < 12; length++) {
    assert.equal(findMultibootHeader(image(0, 0).slice(0, length)), null);
  }
});
