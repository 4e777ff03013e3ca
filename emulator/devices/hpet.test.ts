/**
 * High precision event timers against the IA-PC HPET specification 1.0a.
 * Run: node --import tsx --test emulator/devices/hpet.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hpet } from './hpet.ts';
import { ManualClock, Probe, runTo, throughJson } from './test-bench.ts';

const [CAPABILITIES, PERIOD, CONFIGURATION, STATUS, COUNTER] = [0x000, 0x004, 0x010, 0x020, 0x0f0];
const timer = (n: number, register: number): number => 0x100 + 0x20 * n + register;
const COMPARATOR = 8;
/** I/O APIC input 20, interrupt enabled; level; periodic, and the value with the period. */
const ROUTE_20 = (20 << 9) | 4;
const LEVEL = 2;
const PERIODIC = 8 | 0x40;

function hpet() {
  const clock = new ManualClock();
  const inputs = [new Probe(), new Probe(), new Probe(), new Probe()];
  const chip = new Hpet({ clock, inputs });
  const write = (register: number, value: number): void => chip.writeMemory(register, 4, value);
  const read = (register: number): number => chip.readMemory(register, 4);
  return { clock, inputs, chip, write, read };
}

test('says what it can do: three timers of 32 bits, 10 ns', () => {
  const { read } = hpet();
  assert.equal(read(CAPABILITIES), 0x80860201);
  assert.equal(read(PERIOD), 10_000_000);
  assert.equal(read(timer(0, 0)) & 0x10, 0x10);
  assert.equal(read(timer(1, 0)) & 0x10, 0);
});

test('the counter counts while it is enabled, and can be set while it is not', () => {
  const { clock, write, read } = hpet();
  clock.time = 1000;
  assert.equal(read(COUNTER), 0);
  write(COUNTER, 0xfffffff0);
  write(CONFIGURATION, 1);
  clock.time = 1155;
  assert.equal(read(COUNTER), 0xffffffff);
  clock.time = 1160;
  assert.equal(read(COUNTER), 0);
  write(COUNTER, 5);
  assert.equal(read(COUNTER), 0);
  write(CONFIGURATION, 0);
  clock.time = 5000;
  assert.equal(read(COUNTER), 0);
});

test('a one-shot timer interrupts once in a round of the counter, at the comparator', () => {
  const { clock, inputs, chip, write } = hpet();
  write(timer(1, COMPARATOR), 100);
  write(timer(1, 0), ROUTE_20);
  write(CONFIGURATION, 1);
  assert.deepEqual(runTo(clock, chip, 2000), [1000]);
  assert.deepEqual([inputs[0]?.rises, inputs[0]?.level], [1, false]);
  assert.equal(chip.nextDeadline(), 1000 + 2 ** 32 * 10);
});

test('a periodic timer goes on by its period, also when nobody looks for long', () => {
  const { clock, inputs, chip, write, read } = hpet();
  write(timer(0, 0), ROUTE_20 | PERIODIC);
  write(timer(0, COMPARATOR), 50);
  write(timer(0, COMPARATOR), 30);
  write(CONFIGURATION, 1);
  assert.deepEqual(runTo(clock, chip, 1200), [500, 800, 1100]);
  clock.time = 1100 + 10 * 300 + 5;
  assert.equal(read(COUNTER), 410);
  assert.equal(inputs[0]?.rises, 4);
  assert.equal(chip.nextDeadline(), 4400);
});

test('a level-triggered timer holds its line until its status bit is written', () => {
  const { clock, inputs, chip, write, read } = hpet();
  write(timer(2, COMPARATOR), 10);
  write(timer(2, 0), ROUTE_20 | LEVEL);
  write(CONFIGURATION, 1);
  runTo(clock, chip, 150);
  assert.deepEqual([read(STATUS), inputs[0]?.level], [4, true]);
  write(STATUS, 3);
  assert.equal(inputs[0]?.level, true);
  const other = hpet();
  other.chip.restore(throughJson(chip.state()));
  assert.equal(other.read(STATUS), 4);
  write(STATUS, 4);
  assert.deepEqual([read(STATUS), inputs[0]?.level], [0, false]);
});
