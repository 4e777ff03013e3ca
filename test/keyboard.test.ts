/** Scan codes of keys, against the 101-key keyboard's table in the IBM PS/2 technical reference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanCodes } from '../extension/web/keyboard.ts';

test('keys of the AT keyboard have one code, with bit 7 when they are released', () => {
  assert.deepEqual(scanCodes('Escape', true), [0x01]);
  assert.deepEqual(scanCodes('KeyA', true), [0x1e]);
  assert.deepEqual(scanCodes('KeyA', false), [0x9e]);
  assert.deepEqual(scanCodes('Enter', true), [0x1c]);
  assert.deepEqual(scanCodes('Backslash', true), [0x2b]);
  assert.deepEqual(scanCodes('ShiftRight', true), [0x36]);
  assert.deepEqual(scanCodes('Space', true), [0x39]);
  assert.deepEqual(scanCodes('F10', true), [0x44]);
  assert.deepEqual(scanCodes('ScrollLock', true), [0x46]);
  assert.deepEqual(scanCodes('NumpadDecimal', true), [0x53]);
  assert.deepEqual(scanCodes('F12', true), [0x58]);
});

test('later keys come behind E0h', () => {
  assert.deepEqual(scanCodes('ArrowUp', true), [0xe0, 0x48]);
  assert.deepEqual(scanCodes('Delete', false), [0xe0, 0xd3]);
  assert.deepEqual(scanCodes('AltRight', true), [0xe0, 0x38]);
});

test('a key that a PC does not have is none', () => {
  assert.deepEqual(scanCodes('LaunchMail', true), []);
});
