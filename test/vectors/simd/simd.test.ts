/**
 * MMX, SSE, SSE2 and SSE3 without floating-point arithmetic against a real processor: every case of
 * simd.vectors, made by native execution (make-vectors.c), page faults and misalignment included; in
 * translated blocks and in single steps, through the TLB and past it, in flat segments and in segments
 * that begin elsewhere.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { simdInstructions } from '../../../emulator/cpu/instructions/simd.ts';
import { handlersUsed } from '../handlers-used.ts';
import { SETTINGS } from '../replay/replay-processor.ts';
import { readSimdVectors, Replay } from './replay.ts';

const SHOWN = 10;

const replay = new Replay();
const cases = [...readSimdVectors(readFileSync(new URL('simd.vectors', import.meta.url)))];

for (const setting of SETTINGS) {
  test(`results, state, memory and faults are those of the processor: ${setting.name}`, () => {
    assert.ok(cases.length > 5000);
    const found = cases.flatMap((vector) => replay.run(vector, setting));
    const first = found.slice(0, SHOWN).join('\n');
    assert.equal(found.length, 0, `${String(found.length)} differences:\n${first}`);
  });
}

test('the cases reach every SIMD handler of the interpreter tier', () => {
  const { missing } = handlersUsed(replay.bare, ({ meaning }) => meaning in simdInstructions);
  assert.deepEqual(missing, []);
});
