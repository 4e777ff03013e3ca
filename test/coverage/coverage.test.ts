/** The generated table of instructions is current, and tells of no row that nothing tests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentTexts } from './main.ts';

test('emulator/cpu/OPCODES.md is what npm run generate writes', async () => {
  const { wanted, actual } = await documentTexts();
  assert.ok(wanted === actual, 'OPCODES.md is not current: run npm run generate and commit it.');
});

test('every implemented row has native cases or tests', async () => {
  const { wanted } = await documentTexts();
  const untested = wanted.split('\n').filter((line) => {
    const [, opcode, , , how, cases, others] = line.split('|').map((cell) => cell.trim());
    const implemented = how === 'emitted' || how === 'TypeScript';
    return (
      opcode?.startsWith('`') === true && implemented && cases === '' && !/`/.test(others ?? '')
    );
  });
  assert.deepEqual(untested, []);
});
