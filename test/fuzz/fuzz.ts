/**
 * One stream of the fuzzer: a random world (world.ts) in which a processor runs from many starts
 * (start.ts), with interrupts and NMIs now and then. A second processor goes the same way one instruction
 * at a time. Between slices both must have the same state, the rules of observe.ts must hold, the count
 * of retired instructions must be exact, and in the end memory must be the same.
 *
 * A run ends at its limit, halted, shut down by a triple fault, at an instruction that is not implemented,
 * or it gets nowhere: exceptions that raise exceptions without an instruction in between. Everything else
 * is a failure; a hang is one as well, for each run is bounded by what it counts.
 */
import { BareCpu } from '../../emulator/cpu/testing/bare-cpu.ts';
import type { Hotness } from '../../emulator/cpu/translate/compiled-tier.ts';
import { Random } from '../vectors/forms/random.ts';
import { broken, difference, digest, observe } from './observe.ts';
import { start } from './start.ts';
import { fillWorld, RAM, WORLD } from './world.ts';

export interface Stream {
  /** Retired instructions, of which two processors agreed on the state after each slice. */
  readonly instructions: number;
  /** Hash over all states and the memory at the end. */
  readonly digest: number;
  /** How often each way of starting and of ending was met. */
  readonly starts: ReadonlyMap<string, number>;
  readonly ends: ReadonlyMap<string, number>;
}

/** Whatever is met twice is compiled. */
const EAGER: Hotness = { interval: 130, times: 1 };

/** What went wrong, with all that is needed to see it again. */
export class FuzzFailure extends Error {}

const STARTS = 24;
const SLICES = 12;
const LONGEST = 600;
/** Times that a slice may be taken up again before it gets nowhere. */
const PATIENCE = 40;

export class Fuzzer {
  readonly #model: string;
  #fast: BareCpu;
  #slow: BareCpu;

  constructor(model: string) {
    this.#model = model;
    this.#fast = new BareCpu(RAM, model, EAGER);
    this.#slow = new BareCpu(RAM, model, null);
  }

  /** @throws FuzzFailure */
  run(seed: number): Stream {
    const starts = new Map<string, number>();
    const ends = new Map<string, number>();
    const random = new Random(seed);
    let hash = 0x811c9dc5;
    let instructions = 0;
    for (const bare of [this.#fast, this.#slow]) {
      bare.leaves = () => false;
      fillWorld(bare, new Random(seed ^ 0x55555555));
    }
    const tables = this.#fast.ram.slice(WORLD);
    for (let n = 0; n < STARTS; n++) {
      const from = random.next();
      // a processor may mark a page as accessed that another has not looked at (SDM vol. 3, 4.8)
      for (const { ram, cpu } of [this.#fast, this.#slow]) {
        ram.set(tables, WORLD);
        cpu.memoryWritten(WORLD, tables.length);
      }
      const name = `seed ${String(seed)}, start ${String(n)}`;
      const mode = start(this.#fast, from);
      start(this.#slow, from);
      starts.set(mode, (starts.get(mode) ?? 0) + 1);
      const before = this.#fast.cpu.retired;
      const end = this.#go(random, `${name} (${mode})`);
      instructions += this.#fast.cpu.retired - before;
      ends.set(end, (ends.get(end) ?? 0) + 1);
      hash = digest(observe(this.#fast).subarray(1), hash);
      if (end === 'nowhere') break;
    }
    const [a, b] = [this.#fast, this.#slow].map(({ ram32 }) => ram32.subarray(0, WORLD / 4));
    if (a === undefined || b === undefined) throw new Error('two processors have two memories');
    const different = a.findIndex((word, i) => word !== b[i]);
    const nowhere = ends.has('nowhere');
    if (different >= 0 && !nowhere) throw new FuzzFailure(`seed ${String(seed)}: memory differs at ${(4 * different).toString(16)}`); // prettier-ignore
    if (nowhere) this.#renew();
    return { instructions, digest: nowhere ? hash : digest(a, hash), starts, ends };
  }

  /** One start, slice by slice; how it ended. */
  #go(random: Random, name: string): string {
    const [fast, slow] = [this.#fast, this.#slow];
    // counts of two processors that were reset differ by a constant
    const ahead = fast.cpu.retired - slow.cpu.retired;
    for (let slice = 0; slice < SLICES; slice++) {
      const length = 1 + random.below(LONGEST);
      if (random.once(6)) fast.interrupt = slow.interrupt = random.below(256);
      if (random.once(20)) {
        fast.cpu.nmi();
        slow.cpu.nmi();
      }
      const begin = fast.cpu.retired;
      const where = `${name}, slice ${String(slice)} of ${String(length)}`;
      const end = this.#guard(where, () => runFor(fast, length));
      const done = fast.cpu.retired - begin;
      if (done > length) throw new FuzzFailure(`${where}: retired ${String(done)} instructions`);
      if (end === 'nowhere') return end;
      const target = fast.cpu.retired - ahead;
      const stepped = this.#guard(where, () => stepTo(slow, target, end));
      if (stepped === 'nowhere') return stepped;
      const rule = broken(fast) ?? broken(slow);
      if (rule !== null) throw new FuzzFailure(`${where}: not so: ${rule}`);
      const [a, b] = [observe(fast), observe(slow)];
      b[0] = (b[0] ?? 0) + ahead;
      const found = stepped === end ? difference(a, b) : `blocks say ${end}, steps ${stepped}`;
      if (found !== '') throw new FuzzFailure(`${where}: blocks and steps differ: ${found}`);
      if (end !== 'limit') return end;
    }
    return 'limit';
  }

  /** After a host exception, or where the two have stopped at different events, they are no more alike. */
  #renew(): void {
    this.#fast = new BareCpu(RAM, this.#model, EAGER);
    this.#slow = new BareCpu(RAM, this.#model, null);
  }

  #guard(where: string, action: () => string): string {
    try {
      return action();
    } catch (error) {
      this.#renew();
      throw new FuzzFailure(`${where}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`); // prettier-ignore
    }
  }
}

/** Runs so many instructions, or to an end. */
function runFor({ cpu, devices }: BareCpu, length: number): string {
  const target = cpu.retired + length;
  for (let patience = PATIENCE; patience > 0; patience--) {
    devices.length = 0;
    const before = cpu.retired;
    const outcome = cpu.run(target - before);
    if (outcome !== 'limit' && outcome !== 'leave') return outcome;
    if (cpu.retired >= target) return 'limit';
    if (outcome === 'limit' && cpu.retired === before) return 'nowhere';
  }
  return 'nowhere';
}

/** Goes there by single steps; to the end if the other side met one. */
function stepTo(bare: BareCpu, target: number, end: string): string {
  const { cpu, devices } = bare;
  let patience = PATIENCE * 4;
  while (cpu.retired < target || end !== 'limit') {
    devices.length = 0;
    const before = cpu.retired;
    const outcome = cpu.run(1);
    if (outcome !== 'limit' && outcome !== 'leave') return outcome;
    if (cpu.retired === before && --patience === 0) return 'nowhere';
    if (cpu.retired > target) return 'past the end';
  }
  return 'limit';
}
