/**
 * Guests that misbehave, as badly as their sources in test/guests/bad say. Whatever they do ends in a
 * stop with a reason, or goes on in slices that return: never an exception of the host, never a hang,
 * never memory without bound. (A run() that does not return ends the whole process, see watchdog.ts.)
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { MachineStop } from '../../emulator/machine-stop.ts';
import { BAD, BAD_BUILT, guestsIn } from './build.ts';
import { noise } from './noise.ts';
import { type Fingerprint, GuestRun } from './whole-machine.ts';

const INTERFACES = ['kvm', 'bare'] as const;

interface Row {
  readonly guest: string;
  /** How it ends, a triple fault by its description; 'runs' and 'idles': it does not. */
  readonly ends: MachineStop | RegExp | 'runs' | 'idles' | 'anyhow';
  readonly memoryMiB?: number;
}

const off = (code: number): MachineStop => ({
  kind: 'power-off',
  code,
  via: 'debug-exit port 0xf4',
});

// prettier-ignore
const ROWS: readonly Row[] = [
  { guest: 'apic-storm',             ends: off(0) },
  { guest: 'bad-descriptors',        ends: off(0) },
  { guest: 'code-chain',             ends: off(0), memoryMiB: 128 },
  { guest: 'copy-nothing',           ends: 'runs' },
  { guest: 'descriptors-in-nothing', ends: /#GP/ },
  { guest: 'endless-loop',           ends: 'runs' },
  { guest: 'fault-for-ever',         ends: 'runs' },
  { guest: 'fault-into-nothing',     ends: 'runs' },
  { guest: 'halt-forever',           ends: { kind: 'halted-forever' } },
  { guest: 'idle-clock',             ends: 'idles' },
  { guest: 'jump-into-nothing',      ends: /#UD at 0x40000000, .*#GP.*#DF/ },
  { guest: 'kvm-garbage',            ends: off(0) },
  { guest: 'kvm-storm',              ends: off(0), memoryMiB: 4 },
  { guest: 'no-descriptors',         ends: /#GP\(0x8\) at .*, then #GP\(0x9\).*, then #DF/ },
  { guest: 'page-tables-in-nothing', ends: /#PF\(0x0\) at 0x7c53 for address 0x7c53, then #PF.*, then #DF/ },
  { guest: 'port-storm',             ends: off(0) },
  { guest: 'random-code',            ends: 'anyhow' },
  { guest: 'runaway',                ends: 'runs' },
  { guest: 'self-modifying',         ends: off(0) },
  { guest: 'serial-flood',           ends: 'runs' },
  { guest: 'string-ports',           ends: 'runs' },
  { guest: 'task-in-nothing',        ends: /#TS/ },
  { guest: 'task-of-zeros',          ends: /#TS\(0x0\) at 0x0, then #SS.*, then #DF/ },
  { guest: 'timer-storm',            ends: 'runs' },
  { guest: 'triple-fault',           ends: /^#GP at 0x7c05, then #GP at 0x7c05, then #DF at 0x7c05, .*; the handler of none could be entered$/ },
  { guest: 'unmapped-memory',        ends: off(0xff) },
];

const load = (guest: string, type: 'kvm' | 'bare', memoryMiB = 16): GuestRun =>
  new GuestRun({
    image: readFileSync(path.join(BAD_BUILT, `${guest}.bin`)),
    interface: type,
    memoryMiB,
  });

/** An instruction that is not implemented is #UD on the next slice. */
const GOES_ON: ReadonlySet<MachineStop['kind']> = new Set(['budget', 'idle', 'unimplemented']);

/** At most so many slices; stops that a user could go on from are gone on from. */
function play(run: GuestRun, slices: number, budget: number): MachineStop {
  let stop: MachineStop = { kind: 'budget' };
  for (let slice = 0; slice < slices; slice++) {
    stop = run.slice(budget);
    if (!GOES_ON.has(stop.kind)) return stop;
  }
  return stop;
}

test('every guest of the folder has its row', () => {
  assert.deepEqual(
    ROWS.map(({ guest }) => guest),
    guestsIn(BAD),
  );
});

for (const type of INTERFACES) {
  describe(`stops of misbehaving guests, ${type}`, () => {
    for (const { guest, ends, memoryMiB } of ROWS) {
      test(guest, (t) => {
        const run = load(guest, type, memoryMiB);
        const unending = typeof ends === 'string';
        const stop = play(run, unending ? 12 : 2000, 1_000_000);
        if (ends === 'anyhow') {
          assert.ok(stop);
        } else if (ends === 'runs') {
          assert.equal(stop.kind, 'budget');
        } else if (ends === 'idles') {
          assert.equal(stop.kind, 'idle');
        } else if (ends instanceof RegExp) {
          assert.ok(stop.kind === 'triple-fault', JSON.stringify(stop));
          assert.match(stop.description, ends);
        } else {
          assert.deepEqual(stop, ends, run.notices.join('\n'));
        }
        assert.ok(run.notices.length < 1000, 'a guest cannot flood the console with notices');
        t.diagnostic(`${guest}: longest call of run() ${run.longestCall.toFixed(0)} ms`);
      });
    }
  });
}

test('a loop with interrupts off runs exactly as long as it may', () => {
  const run = load('endless-loop', 'kvm');
  for (let slice = 1; slice <= 10; slice++) {
    assert.deepEqual(run.slice(100_003), { kind: 'budget' });
    assert.equal(run.machine.cpu.retired, slice * 100_003);
  }
});

test('an endless chain of faults completes no instruction, and time goes on', () => {
  for (const type of INTERFACES) {
    const run = load('fault-for-ever', type);
    run.slice(1_000_000);
    const { retired } = run.machine.cpu;
    assert.deepEqual(run.slice(1_000_000), { kind: 'budget' });
    assert.equal(run.machine.cpu.retired, retired);
  }
});

test('what floods the serial port waits for whoever reads it, within bounds', () => {
  const { machine } = load('serial-flood', 'bare');
  for (let slice = 0; slice < 200; slice++) machine.run(1_000_000, () => false);
  const { retired } = machine.cpu;
  const waiting = machine.output.take();
  assert.ok(waiting.length > 10_000 && waiting.length < 100_000, String(waiting.length));
  assert.ok(waiting.every((byte) => byte === 0x78));
  machine.run(1_000_000, () => false);
  assert.ok(machine.cpu.retired > retired, 'it goes on when the bytes have been taken');
});

test('what reads and writes nowhere is told of once for each address', () => {
  const run = load('unmapped-memory', 'bare');
  run.go();
  assert.deepEqual(run.notices, ['No device answers address 0x40000000: the write is dropped.']);
});

test('halting with all interrupts masked is idleness, tick by tick', () => {
  const run = load('idle-clock', 'bare');
  const stop = play(run, 10, 1_000_000);
  assert.ok(stop.kind === 'idle' && stop.wakeAt > run.machine.now && stop.wakeAt < Infinity);
});

/** Random code as one run in slices of `budget`; how it ended. */
function randomRun(seed: number, type: 'kvm' | 'bare', budget: number): [string, Fingerprint] {
  const run = load('random-code', type, 4);
  const { memory } = run.machine.cpu;
  const { length } = readFileSync(path.join(BAD_BUILT, 'random-code.bin'));
  memory.writeRam(0x20000, noise(seed, 0x20000));
  memory.writeRam(0x7c00 + length - 4, Uint8Array.of(seed, seed, 1, 1));
  let end = 'limit';
  for (let still = 0; still < 3000; still++) {
    const left = LONGEST_RANDOM_RUN - run.machine.cpu.retired;
    if (left === 0) break;
    const before = run.machine.cpu.retired;
    const stop = run.slice(Math.min(budget, left));
    if (run.machine.cpu.retired !== before) still = 0;
    if (!GOES_ON.has(stop.kind)) {
      end = stop.kind;
      break;
    }
  }
  return [end, run.fingerprint];
}
const LONGEST_RANDOM_RUN = 40_000;

for (const type of INTERFACES) {
  describe(`random code is the same run in slices of any size, ${type}`, () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      test(`seed ${seed}`, () => {
        const reference = randomRun(seed, type, 1_000_000);
        for (const budget of [1, 61]) {
          assert.deepEqual(randomRun(seed, type, budget), reference, `slices of ${budget}`);
        }
      });
    }
  });
}
