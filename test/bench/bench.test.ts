/** The benchmark runs and what it counts is exact. How long anything takes is not looked at. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { bundleProgram, type Program } from './child/start.ts';
import { measureExits } from './exits/measure.ts';
import { ours } from './loops/contenders.ts';
import { GO, MarkReader } from './loops/marks.ts';
import { type LoopsFigures, measureLoops } from './loops/measure.ts';
import { LOOPS } from './loops/rows.ts';
import { markdown } from './report.ts';
import { geometricMean, median, percentile } from './statistics.ts';

/** Each loop once, the bytecode 32 times, copy and strings twice. */
const SMALLEST = { halvings: 9 };

describe('the loops on this emulator', () => {
  let program: Program;
  let figures: LoopsFigures;
  before(async () => {
    program = await bundleProgram();
    const first = ours(program, SMALLEST);
    const second = { ...ours(program, SMALLEST), name: 'second' };
    try {
      // throws when the two machines, or two passes of one, differ in an instruction or a result
      figures = await measureLoops([first, second], { rounds: 1, warmUp: 1 });
    } finally {
      first.close();
      second.close();
    }
  });
  after(() => program.remove());

  test('compute what they are meant to', () => {
    const { rows } = figures;
    const source = sourceWords();
    assert.equal(rows.crc.result, crc32(new Uint8Array(source.buffer)));
    assert.equal(rows.sieve.result, 6542, 'primes below 65,536');
    assert.equal(rows.copy.result, sum(source));
    assert.equal(rows.calls.result, 6765, 'the twentieth Fibonacci number');
    assert.equal(rows.bytecode.result, 328350 - 2450, 'squares less halves, 1 to 99');
    assert.equal(rows.sort.result, weighted(new Int32Array(source.buffer, 0, 4096).sort()));
    // eight thousand pages counted down
    assert.equal(rows.stride.result, (8065 * 8066) / 2);
    assert.equal(rows.strings.result, 2 * 4 * 65536);
    // qemu-system-i386 7.2.22 and v86 0.5.462 print the same
    assert.equal(rows.hash.result, 0xaba7c791);
  });

  test('are counted to the instruction', () => {
    const { rows } = figures;
    // twice 6 a word, and 3 a word of the sum; what prints around them is a few dozen
    const copy = 16384 * (2 * 6 + 3);
    assert.ok(rows.copy.instructions >= copy && rows.copy.instructions < copy + 50);
    for (const { name } of LOOPS) assert.ok(rows[name].instructions > 0, name);
  });

  test('make a table with a row for each and a mean', () => {
    const load = [0, 0] as const;
    const host = { node: '', processor: '', cores: 1, load };
    const missing = [{ title: 'QEMU', reason: 'there is none.' }];
    const text = markdown({
      ...{ host, loops: figures, exits: null, linux: null, session: null, symbols: null, missing },
    });
    for (const { name } of LOOPS) assert.match(text, new RegExp(`^\\| ${name}: `, 'm'));
    assert.match(text, /geometric mean of the first 7/);
    assert.match(text, /^QEMU is missing: there is none\.$/m);
    const speeds = LOOPS.filter(({ kind }) => kind === 'integer').map(
      ({ name }) => figures.rows[name].speed['guestscope']?.median ?? NaN,
    );
    assert.equal(figures.interpreterMips, geometricMean(speeds));
  });
});

test('recording is compared on the same guest, which leaves as often as it should', () => {
  const { recording } = measureExits({ pairs: 1, exits: 200 });
  assert.deepEqual(
    recording.map(({ instructionsPerExit }) => instructionsPerExit),
    // by the source: four loops of 1 + 2n instructions, eight around them and the jump back
    [499, 48].map((n) => Math.round((4 * (1 + 2 * n) + 8 + 1) / 4)),
  );
});

describe('marks of the guest', () => {
  const now = { cpu: 0, retired: 0 };
  const reader = (): MarkReader => new MarkReader(() => ({ ...now }));
  const say = (marks: MarkReader, text: string) =>
    Array.from(Buffer.from(text), (byte) => marks.push(byte)).filter((heard) => heard !== null);

  test('bracket the loop: from the space to the first digit', () => {
    const marks = reader();
    assert.deepEqual(say(marks, 'crc?'), [{ kind: 'asks' }]);
    assert.equal(GO.length, 1);
    Object.assign(now, { cpu: 1, retired: 100 });
    say(marks, ' ');
    Object.assign(now, { cpu: 1.5, retired: 1100 });
    say(marks, '0');
    Object.assign(now, { cpu: 9, retired: 9999 });
    const [ran] = say(marks, '000001f\n');
    assert.deepEqual(ran, {
      kind: 'ran',
      name: 'crc',
      run: { result: 0x1f, cpuSeconds: 0.5, instructions: 1000 },
    });
  });

  test('that are something else are told', () => {
    assert.throws(() => say(reader(), 'No bootable device\n'), /wrote 'No bootable device'/);
    assert.throws(() => say(reader(), 'x'.repeat(100)), /wrote 'xxxx/);
  });
});

test('statistics', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentile(hundred, 0.95), 95);
  assert.equal(percentile([7], 0.95), 7);
  assert.ok(Math.abs(geometricMean([2, 8]) - 4) < 1e-12);
});

/** SOURCE of the guest: words of the generator of boot.s. */
function sourceWords(): Uint32Array {
  let word = 12345;
  return Uint32Array.from({ length: 16384 }, () => {
    word = (Math.imul(word, 1103515245) + 12345) >>> 0;
    return word;
  });
}

function sum(words: Uint32Array): number {
  return words.reduce((total, word) => (total + word) >>> 0, 0);
}

/** The sum at the end of sort.s. */
function weighted(words: Int32Array): number {
  return words.reduce((total, word) => (Math.imul(total, 31) + word) >>> 0, 0);
}
