/** Which instructions are executed apart. Run: node --import tsx --test emulator/cpu/translate/patched-code.test.ts */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PatchedCode } from './patched-code.ts';

const AT = 0x90f8;

test('bytes that are patched often make the instructions around them run apart, until they rest', () => {
  const code = new PatchedCode();
  for (let patch = 0; patch < 7; patch++) code.note(AT, 2);
  assert.equal(code.isApart(AT), false);
  code.note(AT, 2);
  for (const near of [AT, AT + 1, AT - 14]) assert.equal(code.isApart(near), true);
  for (const far of [AT + 2, AT - 15, AT + 0x1000]) assert.equal(code.isApart(far), false);
  for (let run = 0; run < 1000; run++) assert.equal(code.executesApart(AT), true);
  code.changed(AT + 0x100);
  for (let run = 0; run < 1000; run++) assert.equal(code.executesApart(AT), true);
  assert.equal(code.executesApart(AT), false);
  assert.equal(code.isApart(AT), false);
});

test('what is remembered does not grow without end', () => {
  const code = new PatchedCode();
  for (let patch = 0; patch < 8; patch++) code.note(AT, 4);
  for (let page = 0x100; page < 0x140; page++) code.note(page * 0x1000, 4);
  assert.equal(code.isApart(AT), false);
});
