/**
 * Every opcode form that a user program can execute, against a real processor: the sample forms.vectors,
 * made by native execution (main.ts, execute.c), in translated blocks and in single steps. What is
 * compared, and what is not, is in compare.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { OpcodeForm } from '../../../emulator/cpu/decode/opcode-map.ts';
import { compare, describe } from './compare.ts';
import { formOf, nativeForms } from './forms.ts';
import { isImplemented, modelWithMost } from './models.ts';
import { Replay } from './replay.ts';
import { readVectors } from './vector-file.ts';

const SHOWN = 10;

const cases = [...readVectors(readFileSync(new URL('forms.vectors', import.meta.url))).cases];

test('every instruction of a user program does as the processor did, fault for fault', () => {
  const replay = new Replay(modelWithMost());
  const differences: string[] = [];
  let compared = 0;
  for (const { start, expected } of cases) {
    const form = formOf(start);
    if (form !== undefined && !isImplemented(form)) continue;
    for (const how of ['block', 'step'] as const) {
      compared++;
      const found = compare(start, replay.run(start, how), expected);
      if (found !== null) differences.push(`${how}: ${describe(start)}\n    ${found}`);
    }
  }
  assert.ok(compared > 15000, `${compared} were compared`);
  const first = differences.slice(0, SHOWN).join('\n');
  assert.equal(differences.length, 0, `${differences.length} of ${compared} differ:\n${first}`);
});

test('the sample has cases of every form', () => {
  const covered = new Set<OpcodeForm | undefined>(cases.map(({ start }) => formOf(start)));
  const missing = nativeForms.filter((form) => !covered.has(form));
  assert.deepEqual(missing.map(({ encoding, row }) => `${encoding} ${row.mnemonic} ${row.operands}`), []); // prettier-ignore
});
