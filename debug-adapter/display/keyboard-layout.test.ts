/**
 * Keys of characters; scan codes are those of IBM's 101-key keyboard, set 1.
 * Run: node --import tsx --test debug-adapter/display/keyboard-layout.test.ts
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scanCodesFor } from './keyboard-layout.ts';

describe('US keyboard', () => {
  it('presses and releases a key, with Shift or Ctrl around it', () => {
    assert.deepEqual(scanCodesFor('a'), [0x1e, 0x9e]);
    assert.deepEqual(scanCodesFor('A'), [0x2a, 0x1e, 0x9e, 0xaa]);
    assert.deepEqual(scanCodesFor('?'), [0x2a, 0x35, 0xb5, 0xaa]);
    assert.deepEqual(scanCodesFor('\u0002'), [0x1d, 0x30, 0xb0, 0x9d]);
    assert.deepEqual(scanCodesFor('\u001b\t\b'), [0x01, 0x81, 0x0f, 0x8f, 0x0e, 0x8e]);
  });

  it('makes one Enter of a line’s end', () => {
    const enter = [0x1c, 0x9c];
    for (const end of ['\r', '\n', '\r\n']) assert.deepEqual(scanCodesFor(end), enter);
  });

  it('has a key for every printing character of ASCII, each its own', () => {
    const all = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at));
    const codes = all.map((character) => JSON.stringify(scanCodesFor(character)));
    assert.ok(codes.every((code) => code.startsWith('[')));
    assert.equal(new Set(codes).size, all.length);
  });

  it('says which character has no key', () => {
    assert.equal(scanCodesFor('aé'), '"é" (U+00E9)');
    assert.equal(scanCodesFor('\u0000'), 'U+0000');
  });
});
