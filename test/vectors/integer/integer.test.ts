/**
 * The integer instructions against a real processor: every case of integer.vectors, made by native
 * execution (make-vectors.c), page faults in the middle of instructions included; in translated blocks
 * and in single steps, through the TLB and past it, in flat segments and in segments that begin
 * elsewhere.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { simdInstructions } from '../../../emulator/cpu/instructions/simd.ts';
import { sseFastArithmetic } from '../../../emulator/cpu/instructions/sse-fast-arithmetic.ts';
import { sseFastConversions } from '../../../emulator/cpu/instructions/sse-fast-convert.ts';
import { COMPILED_FIRST } from '../../../emulator/cpu/translate/compiled-tier.ts';
import { handlersUsed } from '../handlers-used.ts';
import { SETTINGS } from '../replay/replay-processor.ts';
import { type Difference, readIntegerVectors, Replay } from './replay.ts';

const SHOWN = 10;
const PREFIXES: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);

const replay = new Replay();
const cases = [...readIntegerVectors(readFileSync(new URL('integer.vectors', import.meta.url)))];
const differences: Difference[] = SETTINGS.flatMap((setting) =>
  cases.flatMap((vector) => replay.run(vector, setting)),
);

function assertNone(found: readonly Difference[]): void {
  const first = found.slice(0, SHOWN).map(({ text }) => text);
  assert.equal(found.length, 0, `${String(found.length)} differences:\n${first.join('\n')}`);
}

test('defined results, flags, memory, EIP and faults are those of the processor', () => {
  assert.ok(cases.length > 10000);
  assertNone(differences.filter(({ loose }) => !loose));
});

test('what the manual leaves undefined is as on the processor that made the vectors', () => {
  assertNone(differences.filter(({ loose, vector }) => loose && !rotatesByImmediate(vector.code)));
});

/** C0 and C1 /0 to /3, whose OF is that of an 80386 (shift.ts). */
function rotatesByImmediate(code: Uint8Array): boolean {
  const at = code.findIndex((byte) => !PREFIXES.has(byte));
  const [opcode = 0, modrm = 0] = code.subarray(at);
  return (opcode === 0xc0 || opcode === 0xc1) && ((modrm >> 3) & 7) < 4;
}

test('compiled code does the same, in a third of the cases', () => {
  const compiled = new Replay(COMPILED_FIRST);
  const some = cases.filter(({ index }) => index % 3 === 0);
  const found = some.flatMap((vector) => compiled.run(vector, SETTINGS[2]));
  assert.ok(compiled.bare.cpu.compiledRegions > 0);
  assertNone(found.filter(({ loose, vector }) => !loose || !rotatesByImmediate(vector.code)));
});

test('the cases reach every handler of the interpreter tier', () => {
  // a user program cannot execute CLI and STI, the time is never the same, a breakpoint is no instruction
  const elsewhere = /^(?:cli|sti|rdtsc|pseudo:breakpoint)$/;
  const vectors = { ...simdInstructions, ...sseFastArithmetic, ...sseFastConversions };
  const { missing } = handlersUsed(
    replay.bare,
    ({ meaning }) => !elsewhere.test(meaning) && !(meaning in vectors),
  );
  assert.deepEqual(missing, []);
});
