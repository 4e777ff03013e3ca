/**
 * Every opcode form that a user program can execute, against a real processor: the sample forms.vectors,
 * made by native execution (main.ts, execute.c), in translated blocks and in single steps. What is
 * compared, and what is not, is in compare.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { OpcodeForm } from '../../../emulator/cpu/decode/opcode-map.ts';
import { COMPILED_FIRST } from '../../../emulator/cpu/translate/compiled-tier.ts';
import { compare, describe } from './compare.ts';
import { formOf, nativeForms } from './forms.ts';
import { isImplemented, modelWithMost } from './models.ts';
import { type How, Replay } from './replay.ts';
import { readVectors } from './vector-file.ts';

const SHOWN = 10;

const cases = [...readVectors(readFileSync(new URL('forms.vectors', import.meta.url))).cases];

/** Replays cases in these ways. */
function assertAlike(replay: Replay, ways: readonly How[], some = cases): void {
  const differences: string[] = [];
  let compared = 0;
  for (const { start, expected } of some) {
    const form = formOf(start);
    if (form !== undefined && !isImplemented(form)) continue;
    for (const how of ways) {
      compared++;
      const found = compare(start, replay.run(start, how), expected);
      if (found !== null) differences.push(`${how}: ${describe(start)}\n    ${found}`);
    }
  }
  assert.ok(2 * compared > ways.length * some.length, `${compared} were compared`);
  assert.ok(some.length > 5000);
  const first = differences.slice(0, SHOWN).join('\n');
  assert.equal(differences.length, 0, `${differences.length} of ${compared} differ:\n${first}`);
}

test('every instruction of a user program does as the processor did, fault for fault', () => {
  assertAlike(new Replay(modelWithMost()), ['block', 'step']);
});
test('compiled code does the same, in a third of the cases', () => {
  const compiled = new Replay(modelWithMost(), COMPILED_FIRST);
  assertAlike(compiled, ['block'], cases.filter((_, index) => index % 3 === 0));
  assert.ok(compiled.bare.cpu.compiledRegions > 0);
});

test('the sample has cases of every form', () => {
  const covered = new Set<OpcodeForm | undefined>(cases.map(({ start }) => formOf(start)));
  const missing = nativeForms.filter((form) => !covered.has(form));
  assert.deepEqual(missing.map(({ encoding, row }) => `${encoding} ${row.mnemonic} ${row.operands}`), []); // prettier-ignore
});
