/**
 * The floating-point instructions of SSE, SSE2 and SSE3 against a real processor: every line of the
 * vector files, replayed. Results, MXCSR, EFLAGS and whether #XM is raised must be the same to the bit.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fromLine, toLine } from './record.ts';
import { Replay } from './replay.ts';

function linesOf(family: string): string[] {
  const text = readFileSync(new URL(`${family}.txt`, import.meta.url), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('floating-point SSE instructions do as a processor did', () => {
  const replay = new Replay();
  for (const family of ['arithmetic', 'approximation', 'compare', 'convert', 'horizontal'] as const) {
    it(family, () => {
      const lines = linesOf(family);
      assert.ok(lines.length > 0);
      for (const line of lines) {
        const record = fromLine(line);
        assert.equal(toLine(replay.run(record)), line, replay.instruction(record).row.mnemonic);
      }
    });
  }
});
