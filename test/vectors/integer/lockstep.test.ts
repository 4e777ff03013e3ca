/**
 * Translated blocks against single steps on random instruction streams: two processors start alike, one
 * runs in slices of blocks, the other one instruction at a time, and after each slice registers, flags,
 * retired instructions, exceptions and memory are the same. The code is made of the instructions of the
 * vectors and of random bytes; the whole address space maps to 64 KiB, so that nearly every store hits
 * code or data of the stream, and some pages are missing, read-only or the supervisor's.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as L from '../../../emulator/cpu/layout.ts';
import { BareCpu, RIGHTS32, SIX_SEGMENTS } from '../../../emulator/cpu/testing/bare-cpu.ts';
import { generatorOfCase } from '../replay/mulberry32.ts';
import { readIntegerVectors } from './replay.ts';

const MEMORY = 0x10000;
const DIRECTORY = 0x10000;
const TABLE = 0x11000;
const RAM = 0x20000;
const STREAMS = 24;
const SLICES = 120;
const LONGEST = 400;
/** Page-table flags: mostly present, writable and user. */
const PAGES: readonly number[] = [0, 5, 3, 1, 7, 7, 7, 7, 7, 7, 7, 7];
const REPEATS: readonly number[] = [0xf2, 0xf3];
const SEGMENT_BIG = 0x4000;

const codes = [...readIntegerVectors(readFileSync(new URL('integer.vectors', import.meta.url)))]
  .filter(({ vector, code16 }) => vector < 0 && !code16)
  .map(({ code }) => code);

/** How a stream runs; the same for both processors. */
interface Mode {
  readonly code16: boolean;
  readonly stack16: boolean;
  readonly cpl: 0 | 3;
}

class Side {
  readonly bare = new BareCpu(RAM);
  readonly #state = this.bare.cpu.state;

  constructor() {
    this.#state.setCr(3, DIRECTORY);
    this.#state.setCr(0, 0x80010011);
  }

  /** Fills memory with instructions, a few of them repeated, and random bytes. */
  begin(seed: number, mode: Mode): void {
    const { bare } = this;
    const { ram, ram32 } = bare;
    const random = generatorOfCase(seed);
    for (let i = 0; i < 1024; i++) {
      ram32[(DIRECTORY >> 2) + i] = TABLE | 7;
      const flags = i < 16 ? 7 : (PAGES[random.next() % PAGES.length] ?? 7);
      ram32[(TABLE >> 2) + i] = ((i & 15) << 12) | flags;
    }
    for (let at = 0; at < MEMORY - 16; ) {
      const kind = random.next() % 20;
      const code = kind < 16 ? codes[random.next() % codes.length] : undefined;
      const bytes = code ?? Array.from({ length: 1 + (random.next() % 6) }, () => random.next() & 0xff);
      // a repetition with a random count takes long
      const repeats = REPEATS.some((prefix) => bytes.includes(prefix));
      if (repeats && random.next() % 30 !== 0) continue;
      ram.set(bytes, at);
      at += bytes.length;
    }
    bare.cpu.memoryWritten(0, MEMORY);
    this.restart(random.next(), mode);
  }

  /** After an exception: somewhere else, with flat segments again. */
  restart(seed: number, { code16, stack16, cpl }: Mode): void {
    const { bare } = this;
    const state = this.#state;
    for (const index of SIX_SEGMENTS) {
      let rights = (index === L.SEGMENT.CS ? RIGHTS32.CODE : RIGHTS32.DATA) | (cpl << 5);
      if ((index === L.SEGMENT.CS && code16) || (index === L.SEGMENT.SS && stack16)) rights &= ~SEGMENT_BIG; // prettier-ignore
      bare.segment(index, { rights, limit: index === L.SEGMENT.CS && code16 ? 0xffff : 0xffffffff });
    }
    const random = generatorOfCase(seed);
    for (let number = 0; number < 8; number++) state.setGpr(number, 4, random.next());
    state.setGpr(1, 4, random.next() & 0xff);
    state.eflags = (random.next() & 0xcd5) | 2;
    state.eip = random.next() % MEMORY;
    state.set(L.ACTIVITY, 0);
    state.set(L.CPL, cpl);
    bare.cpu.unimplementedInstruction = null;
    bare.cpu.vectoring = null;
    bare.cpu.modeChanged();
    bare.cpu.flushTlb(true);
  }

  summary(outcome: string): string {
    const { cpu, event } = this.bare;
    const registers = Array.from({ length: 8 }, (_, number) => this.#state.gpr(number, 4));
    const numbers = [this.#state.eip, this.#state.eflags, ...registers].map((n) => n.toString(16));
    return [outcome, cpu.retired, ...numbers, JSON.stringify(event)].join(' ');
  }
}

test('blocks and single steps go through the same states', () => {
  const blocks = new Side();
  const steps = new Side();
  let compared = 0;
  for (let stream = 1; stream <= STREAMS; stream++) {
    const random = generatorOfCase(stream * 77);
    const mode: Mode = {
      code16: random.next() % 4 === 0,
      stack16: random.next() % 4 === 0,
      cpl: random.next() % 3 === 0 ? 0 : 3,
    };
    blocks.begin(stream, mode);
    steps.begin(stream, mode);
    for (let slice = 0; slice < SLICES; slice++) {
      const length = 1 + (random.next() % LONGEST);
      const before = blocks.bare.cpu.retired;
      const outcome = blocks.bare.cpu.run(length);
      const retired = blocks.bare.cpu.retired - before;
      const stepped = stepUntil(steps, blocks.bare.cpu.retired, outcome);
      const name = `stream ${String(stream)}, slice ${String(slice)}`;
      assert.equal(steps.summary(stepped), blocks.summary(outcome), name);
      if (outcome === 'limit') assert.equal(retired, length, name);
      compared += retired;
      if (outcome === 'limit') continue;
      const seed = random.next();
      blocks.restart(seed, mode);
      steps.restart(seed, mode);
    }
    const [first, second] = [blocks, steps].map(({ bare }) => Buffer.from(bare.ram.subarray(0, MEMORY)));
    assert.ok(first?.equals(second ?? first), `memory after stream ${String(stream)}`);
  }
  assert.ok(compared > 100_000, `${String(compared)} instructions`);
});

/** Steps up to a count of retired instructions; past it to the event, if one ended the other side. */
function stepUntil({ bare }: Side, retired: number, outcome: string): string {
  while (bare.cpu.retired < retired) {
    const stepped = bare.cpu.run(1);
    if (stepped !== 'limit') return stepped;
  }
  if (outcome === 'limit') return outcome;
  for (let tries = 0; tries < 3; tries++) {
    const stepped = bare.cpu.run(1);
    if (stepped !== 'limit') return stepped;
  }
  return 'limit';
}
