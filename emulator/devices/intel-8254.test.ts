/**
 * 8254 against its data sheet (Intel 231164-005, "Mode definitions", figures 15 to 20; "Read operations").
 * Run: node --import tsx --test emulator/devices/intel-8254.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter } from './intel-8254-counter.ts';
import { Intel8254, PIT_HERTZ } from './intel-8254.ts';
import { Oscillator } from './oscillator.ts';
import { ManualClock, Probe, runTo, throughJson } from './test-bench.ts';

/** OUT after each of the CLK pulses 1, 2, … that follow the write at pulse 0, as the figures draw it. */
function wave(
  counter: Counter,
  pulses: number,
  gate: { readonly [pulse: number]: boolean } = {},
): string {
  let drawn = '';
  for (let pulse = 1; pulse <= pulses; pulse++) {
    counter.advance(pulse);
    drawn += counter.registers.out ? '1' : '0';
    const level = gate[pulse];
    if (level !== undefined) counter.setGate(level, pulse);
  }
  return drawn;
}

function counter(mode: number, count: number, gate = true): Counter {
  const chip = new Counter(gate, () => {});
  chip.writeControl(mode, 1, false, 0);
  chip.write(count, 0);
  return chip;
}

test('mode 0: OUT is low from the control word and high N + 1 pulses after the count (figure 15)', () => {
  assert.equal(wave(counter(0, 4), 7), '0000111');
});

test('mode 0: GATE low holds the count (figure 15)', () => {
  // Counts 3 at pulse 1, 2 at pulse 2; held from 2 to 4, then 1 and 0.
  assert.equal(wave(counter(0, 3), 7, { 2: false, 4: true }), '0000011');
});

test('mode 0: a count written with GATE low is loaded; OUT rises N pulses after GATE does', () => {
  assert.equal(wave(counter(0, 2, false), 8, { 4: true }), '00000111');
});

test('mode 0: a new count restarts from it on the next pulse', () => {
  const chip = counter(0, 3);
  chip.advance(2);
  chip.write(2, 2);
  assert.equal(chip.nextEvent(), 3);
  chip.advance(4);
  assert.equal(chip.registers.out, false);
  chip.advance(5);
  assert.equal(chip.registers.out, true);
});

test('mode 0: the first byte of two stops the count and lowers OUT', () => {
  const chip = new Counter(true, () => {});
  chip.writeControl(0, 3, false, 0);
  chip.write(1, 0);
  chip.write(0, 0);
  chip.advance(2);
  assert.equal(chip.registers.out, true);
  chip.write(2, 2);
  assert.equal(chip.registers.out, false);
  assert.equal(chip.nextEvent(), Infinity);
  chip.write(0, 5);
  chip.advance(7);
  assert.equal(chip.registers.out, false);
  chip.advance(8);
  assert.equal(chip.registers.out, true);
});

test('mode 1: a trigger gives a low pulse of N, another one starts it over (figure 16)', () => {
  const chip = counter(1, 3, false);
  assert.equal(wave(chip, 12, { 2: true, 3: false, 7: true, 8: false, 9: true }), '110001100000');
  chip.advance(13);
  assert.equal(chip.registers.out, true);
});

test('mode 2: OUT is low for the last pulse of each N (figure 17)', () => {
  assert.equal(wave(counter(2, 3), 10), '1101101101');
});

test('mode 2: GATE low raises OUT at once, its rising edge starts a full period (figure 17)', () => {
  // Period from pulse 1: OUT low at 3; gate falls there; rises at 5, loads at 6, low at 8.
  const chip = counter(2, 3);
  assert.equal(wave(chip, 3, { 3: false }), '110');
  assert.equal(chip.registers.out, true);
  chip.setGate(true, 5);
  chip.advance(7);
  assert.equal(chip.registers.out, true);
  chip.advance(8);
  assert.equal(chip.registers.out, false);
});

test('mode 2: a count written while counting takes effect with the next period', () => {
  const chip = counter(2, 4);
  chip.advance(2);
  chip.write(5, 2);
  chip.advance(4);
  assert.equal(chip.registers.out, false);
  chip.advance(5);
  assert.equal(chip.registers.out, true);
  chip.advance(8);
  assert.equal(chip.registers.out, true);
  chip.advance(9);
  assert.equal(chip.registers.out, false);
});

test('mode 3: even counts give a square wave, odd ones (N+1)/2 high and (N-1)/2 low (figure 18)', () => {
  assert.equal(wave(counter(3, 4), 9), '110011001');
  assert.equal(wave(counter(3, 5), 11), '11100111001');
});

test('mode 3 counts down by two from N, or N - 1 when odd (figure 18)', () => {
  const values = (count: number): number[] => {
    const chip = counter(3, count);
    return Array.from({ length: 6 }, (_, pulse) => chip.read(pulse + 1));
  };
  assert.deepEqual(values(4), [4, 2, 4, 2, 4, 2]);
  assert.deepEqual(values(5), [4, 2, 0, 4, 2, 4]);
});

test('mode 4: one low pulse N + 1 pulses after the count, once (figure 19)', () => {
  assert.equal(wave(counter(4, 3), 9), '111011111');
});

test('mode 5: one low pulse N + 1 pulses after the trigger (figure 20)', () => {
  assert.equal(wave(counter(5, 3, false), 12, { 2: true }), '111110111111');
});

test('modes 6 and 7 are 2 and 3', () => {
  assert.equal(counter(6, 3).registers.mode, 2);
  assert.equal(counter(7, 3).registers.mode, 3);
});

test('BCD counts in decimal digits', () => {
  const chip = new Counter(true, () => {});
  chip.writeControl(0, 3, true, 0);
  chip.write(0x00, 0);
  chip.write(0x10, 0);
  assert.equal(chip.nextEvent(), 1);
  chip.advance(2);
  assert.deepEqual([chip.read(2), chip.read(2)], [0x99, 0x09]);
  chip.advance(1001);
  assert.equal(chip.registers.out, true);
  assert.deepEqual([chip.read(1002), chip.read(1002)], [0x99, 0x99]);
});

test('a count of zero is 65536, in BCD 10000', () => {
  const chip = counter(0, 0);
  chip.advance(1);
  assert.equal(chip.nextEvent(), 1 + 65536);
  const decimal = new Counter(true, () => {});
  decimal.writeControl(0, 1, true, 0);
  decimal.write(0, 0);
  decimal.advance(1);
  assert.equal(decimal.nextEvent(), 1 + 10_000);
});

test('the full count survives a gate that falls with its load', () => {
  const chip = counter(0, 0);
  chip.advance(1);
  chip.setGate(false, 1);
  chip.advance(100);
  assert.equal(chip.registers.out, false);
  chip.setGate(true, 100);
  assert.equal(chip.nextEvent(), 100 + 65536);
});

function board() {
  const clock = new ManualClock();
  const irq0 = new Probe(true);
  const pit = new Intel8254({ clock, out0: irq0 });
  return { clock, irq0, pit };
}

function program(pit: Intel8254, channel: number, mode: number, count: number): void {
  pit.writePort(0x43, 1, (channel << 6) | 0x30 | (mode << 1));
  pit.writePort(0x40 + channel, 1, count & 0xff);
  pit.writePort(0x40 + channel, 1, count >> 8);
}

const crystal = new Oscillator(PIT_HERTZ);

test('latched count stays until it is read, live count goes on', () => {
  const { clock, pit } = board();
  program(pit, 0, 2, 1000);
  clock.time = crystal.timeOfTick(101);
  pit.advance(clock.time);
  pit.writePort(0x43, 1, 0x00);
  clock.time = crystal.timeOfTick(301);
  pit.writePort(0x43, 1, 0x00); // ignored: latched already
  assert.equal(pit.readPort(0x40, 1) | (pit.readPort(0x40, 1) << 8), 900);
  assert.equal(pit.readPort(0x40, 1) | (pit.readPort(0x40, 1) << 8), 700);
});

test("at power-on nothing counts and nothing is awaited (Linux's KASLR reads until null count is clear)", () => {
  const { pit } = board();
  assert.equal(pit.nextDeadline(), Infinity);
  pit.writePort(0x43, 1, 0xc2);
  assert.equal(pit.readPort(0x40, 1) & 0x40, 0);
  assert.deepEqual([pit.readPort(0x40, 1), pit.readPort(0x40, 1)], [0, 0]);
});

test('read-back: status before count, with OUT, null count, access, mode (data sheet, figure 10)', () => {
  const { clock, pit } = board();
  program(pit, 2, 3, 0x1234);
  pit.writePort(0x43, 1, 0xe8); // status of counter 2, before the load
  assert.equal(pit.readPort(0x42, 1), 0x80 | 0x40 | 0x30 | 0x06);
  pit.setGate2(true);
  clock.time = crystal.timeOfTick(3);
  pit.writePort(0x43, 1, 0xc8); // count and status
  assert.equal(pit.readPort(0x42, 1), 0x80 | 0x30 | 0x06);
  assert.equal(pit.readPort(0x42, 1), (0x1234 - 4) & 0xff);
  assert.equal(pit.readPort(0x42, 1), 0x12);
});

test('IRQ 0 at 100 Hz comes at exact nanoseconds and does not drift', () => {
  const { clock, irq0, pit } = board();
  program(pit, 0, 2, 11932);
  runTo(clock, pit, 3600e9);
  // Rising edges of mode 2 are at pulses 1 + 11932 k; the expected number in exact arithmetic.
  const pulses = (3600n * 10n ** 9n * 1193182n) / 10n ** 9n;
  assert.equal(irq0.rises, Number((pulses - 1n) / 11932n));
  const edge = 1n + 11932n * BigInt(irq0.rises + 1);
  const expected = (edge * 10n ** 9n + 1193181n) / 1193182n;
  pit.advance(Number(expected) - 1);
  assert.equal(irq0.level, false);
  pit.advance(Number(expected));
  assert.equal(irq0.level, true);
});

test('the BIOS tick: mode 3, count 0, is 54.925 ms', () => {
  const { clock, irq0, pit } = board();
  program(pit, 0, 3, 0);
  runTo(clock, pit, 1e9);
  assert.equal(irq0.rises, 18);
});

test('a late caller gets at least one edge; a counter nobody reads costs nothing', () => {
  const { clock, irq0, pit } = board();
  program(pit, 0, 2, 2);
  program(pit, 2, 3, 2);
  pit.setGate2(true);
  clock.time = 24 * 3600e9;
  pit.advance(clock.time);
  assert.ok(irq0.rises >= 1);
  const pulse = crystal.ticksAt(clock.time);
  assert.equal(pit.out2(), pulse % 2 === 1);
});

test('port 61h calibration: counter 2 in mode 0 raises OUT after its count (50 ms)', () => {
  const { clock, pit } = board();
  const count = 59659;
  pit.setGate2(false);
  program(pit, 2, 0, count);
  pit.setGate2(true);
  clock.time = crystal.timeOfTick(count) - 1;
  assert.equal(pit.out2(), false);
  clock.time = crystal.timeOfTick(count + 1);
  assert.equal(pit.out2(), true);
});

test('a restored chip goes on where the other one was', () => {
  const { clock, pit } = board();
  program(pit, 0, 2, 4321);
  program(pit, 2, 3, 777);
  pit.setGate2(true);
  pit.writePort(0x40, 1, 0x12); // half of a new count
  runTo(clock, pit, 12_345_678);
  pit.writePort(0x43, 1, 0xce);
  const line = new Probe(true);
  const twin = new Intel8254({ clock, out0: line });
  twin.restore(throughJson(pit.state()));
  for (const chip of [pit, twin]) chip.writePort(0x40, 1, 0x01);
  for (let step = 0; step < 50; step++) {
    assert.equal(twin.nextDeadline(), pit.nextDeadline());
    clock.time = pit.nextDeadline();
    pit.advance(clock.time);
    twin.advance(clock.time);
    assert.equal(twin.readPort(0x42, 1), pit.readPort(0x42, 1));
    assert.deepEqual(twin.state(), pit.state());
  }
});
