/**
 * The floating-point instructions of SSE, SSE2 and SSE3 against a real processor: every line of the
 * vector files, replayed by the exact forms alone and by a whole processor, whose emitted code does the
 * ordinary cases. Results, MXCSR, EFLAGS and whether #XM is raised must be the same to the bit.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { sseFastArithmetic } from '../../../emulator/cpu/instructions/sse-fast-arithmetic.ts';
import { sseFastConversions } from '../../../emulator/cpu/instructions/sse-fast-convert.ts';
import { handlersUsed } from '../handlers-used.ts';
import { MachineReplay } from './machine-replay.ts';
import { fromLine, toLine } from './record.ts';
import { Replay } from './replay.ts';

const FAMILIES = ['arithmetic', 'approximation', 'compare', 'convert', 'horizontal'] as const;

function linesOf(family: string): string[] {
  const text = readFileSync(new URL(`${family}.txt`, import.meta.url), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const exact = new Replay();
const machines = [new MachineReplay('register'), new MachineReplay('memory')] as const;
const replays = {
  'the exact forms': exact,
  'a whole processor, from registers': machines[0],
  'a whole processor, from memory': machines[1],
} as const;

for (const [name, replay] of Object.entries(replays)) {
  describe(`floating-point SSE instructions do as a processor did: ${name}`, () => {
    for (const family of FAMILIES) {
      it(family, () => {
        const lines = linesOf(family);
        assert.ok(lines.length > 0);
        for (const line of lines) {
          const record = fromLine(line);
          assert.equal(toLine(replay.run(record)), line, exact.instruction(record).row.mnemonic);
        }
      });
    }
  });
}

it('the vectors reach every floating-point SSE handler of the interpreter tier', () => {
  const emitted = { ...sseFastArithmetic, ...sseFastConversions };
  const [fromRegisters, fromMemory] = machines.map(({ bare }) =>
    handlersUsed(bare, ({ meaning }) => meaning in emitted),
  );
  const missing = fromRegisters?.missing.filter((key) => fromMemory?.missing.includes(key));
  assert.deepEqual(missing, []);
});
