/**
 * MC146818 against its data sheet (Motorola MC146818AS: tables 3 and 5, "Update cycle", "Register B").
 * Run: node --import tsx --test emulator/devices/mc146818.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cmosMemory } from './cmos-memory.ts';
import { Mc146818 } from './mc146818.ts';
import { nextAlarm } from './mc146818-calendar.ts';
import { ManualClock, Probe, runTo, throughJson } from './test-bench.ts';

/** 2007-02-04 18:44:54 UTC, a Sunday (date -u -d '2007-02-04 18:44:54' +%s). */
const START = 1_170_614_694;
const SECOND = 1_000_000_000;
const [A, B, C, D] = [0x0a, 0x0b, 0x0c, 0x0d];

function rtc(startTime = START) {
  const clock = new ManualClock();
  const irq = new Probe();
  const memory = cmosMemory(128 * 1024 * 1024);
  const chip = new Mc146818({ clock, interrupt: irq, startTime, memory });
  const read = (index: number): number => (chip.writePort(0x70, 1, index), chip.readPort(0x71, 1));
  const write = (index: number, value: number): void => {
    chip.writePort(0x70, 1, index);
    chip.writePort(0x71, 1, value);
  };
  const time = (): string =>
    [0x32, 9, 8, 7, 4, 2, 0].map((index) => read(index).toString(16).padStart(2, '0')).join(' ');
  return { clock, irq, chip, read, write, time };
}

test('starts at the configured date, BCD and 24 hours, and counts virtual time', () => {
  const { clock, read, time } = rtc();
  assert.equal(time(), '20 07 02 04 18 44 54');
  assert.equal(read(6), 1); // Sunday
  clock.time = 6 * SECOND - 1;
  assert.equal(time(), '20 07 02 04 18 44 59');
  clock.time = 6 * SECOND;
  assert.equal(time(), '20 07 02 04 18 45 00');
  assert.deepEqual([read(A), read(B), read(D)], [0x26, 0x02, 0x80]);
});

test('year and century roll over', () => {
  const { clock, time } = rtc(Date.UTC(1999, 11, 31, 23, 59, 59) / 1000);
  clock.time = SECOND;
  assert.equal(time(), '20 00 01 01 00 00 00');
});

test('binary and 12-hour formats (table 3: hours 81-8C are p.m.)', () => {
  const { write, read } = rtc();
  write(B, 0x84); // SET, binary, 12 hours
  write(4, 0x8c); // 12 p.m.
  write(2, 59);
  write(0, 30);
  write(B, 0x04);
  assert.deepEqual([read(4), read(2), read(0)], [0x8c, 59, 30]);
  write(B, 0x86); // 24 hours
  write(4, 0);
  write(B, 0x06);
  write(B, 0x84);
  write(4, 0x0c); // midnight is 12 a.m.
  write(B, 0x04);
  write(B, 0x86);
  write(4, 23);
  write(B, 0x06);
  assert.equal(read(4), 23);
});

test('BCD with 12 hours: 6 p.m. is 86h', () => {
  const { clock, write, read } = rtc();
  write(B, 0x80);
  write(4, 0x86);
  write(B, 0x00);
  clock.time = 6 * 3600 * SECOND;
  assert.equal(read(4), 0x12);
});

test('SET holds the time while ten bytes are written, without intermediate dates', () => {
  const { clock, write, time } = rtc();
  write(B, 0x82);
  write(7, 0x31);
  write(8, 0x12);
  write(9, 0x99);
  write(0x32, 0x19);
  write(4, 0x23);
  write(2, 0x59);
  write(0, 0x58);
  clock.time = 10 * SECOND;
  assert.equal(time(), '19 99 12 31 23 59 58');
  write(B, 0x02);
  clock.time = 12 * SECOND;
  assert.equal(time(), '20 00 01 01 00 00 00');
});

test('divider reset: the first update comes half a second after its release', () => {
  const { clock, write, read } = rtc();
  clock.time = 123_456_789;
  write(A, 0x76);
  clock.time = 5 * SECOND;
  assert.equal(read(0), 0x54);
  write(A, 0x26);
  clock.time += SECOND / 2 - 1;
  assert.equal(read(0), 0x54);
  clock.time += 1;
  assert.equal(read(0), 0x55);
});

test('UIP is set from 244 µs before the update cycle of 1984 µs', () => {
  const { clock, read } = rtc();
  clock.time = SECOND - 2_228_001;
  assert.equal(read(A), 0x26);
  clock.time += 1;
  assert.equal(read(A), 0xa6);
  clock.time = SECOND;
  assert.equal(read(A), 0x26);
});

test('periodic interrupt: rate 6 is 976.5625 µs; the line stays up until register C is read (table 5)', () => {
  const { clock, irq, chip, read, write } = rtc();
  write(B, 0x42);
  assert.equal(chip.nextDeadline(), 976_563);
  runTo(clock, chip, 976_563);
  assert.equal(irq.level, true);
  assert.equal(chip.nextDeadline(), Infinity);
  assert.equal(read(C), 0xc0);
  assert.equal(irq.level, false);
  assert.equal(chip.nextDeadline(), 1_953_125);
  let interrupts = 0;
  for (let next = chip.nextDeadline(); next <= SECOND; next = chip.nextDeadline()) {
    clock.time = next;
    chip.advance(next);
    assert.equal(read(C), next === SECOND ? 0xd0 : 0xc0);
    interrupts++;
  }
  assert.equal(interrupts, 1023);
});

test('periodic rates of table 5', () => {
  // Frequency by rate select, 32.768 kHz time base.
  const hertz = [0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2];
  for (const [rate, frequency] of hertz.entries()) {
    const { chip, write } = rtc();
    write(A, 0x20 | rate);
    write(B, 0x42);
    const expected = frequency === 0 ? Infinity : Math.ceil(SECOND / frequency);
    assert.equal(chip.nextDeadline(), expected, `rate ${rate}`);
  }
});

test('update-ended interrupt every second; SET clears UIE', () => {
  const { clock, irq, chip, read, write } = rtc();
  clock.time = 300;
  write(B, 0x12);
  assert.deepEqual(runTo(clock, chip, 1.5 * SECOND), [SECOND]);
  assert.equal(irq.level, true);
  assert.equal(read(C) & 0x90, 0x90);
  write(B, 0x92);
  assert.equal(read(B), 0x82);
});

test('flags are set without their enables, and reading C clears them', () => {
  const { clock, irq, read } = rtc();
  clock.time = 2 * SECOND;
  assert.equal(read(C), 0x50);
  assert.equal(read(C), 0x00);
  assert.equal(irq.rises, 0);
});

test('alarm: exact time, and C0-FF match everything', () => {
  const { clock, irq, chip, read, write } = rtc();
  write(5, 0x18);
  write(3, 0x45);
  write(1, 0x10);
  write(B, 0x22);
  assert.equal(chip.nextDeadline(), 16 * SECOND); // 18:45:10
  runTo(clock, chip, 16 * SECOND);
  assert.equal(irq.level, true);
  assert.equal(read(C) & 0xa0, 0xa0);
  write(5, 0xff);
  write(3, 0xc0);
  assert.equal(chip.nextDeadline(), 76 * SECOND); // each minute at :10
  write(1, 0xff);
  assert.equal(chip.nextDeadline(), 17 * SECOND); // each second
  write(3, 0x75);
  assert.equal(chip.nextDeadline(), Infinity); // there is no minute 75
});

test('an alarm for tomorrow, found without walking through the seconds', () => {
  const format = { binary: true, hours24: true };
  const midnight = 86_400 * 1000;
  const alarm = { hours: 3, minutes: 2, seconds: 1 };
  const expected = midnight + 3 * 3600 + 2 * 60 + 1;
  assert.equal(nextAlarm(midnight, alarm, format), expected);
  assert.equal(nextAlarm(expected, alarm, format), expected + 86_400);
  assert.equal(nextAlarm(expected - 1, alarm, format), expected);
});

test('CMOS memory says how much RAM there is, with a valid checksum', () => {
  const { read } = rtc();
  const word = (index: number): number => read(index) | (read(index + 1) << 8);
  assert.equal(word(0x15), 640);
  assert.equal(word(0x17), 0xffff); // 127 MiB in KiB does not fit
  assert.equal(word(0x34), 112 * 16); // 64 KiB blocks above 16 MiB
  let sum = 0;
  for (let index = 0x10; index <= 0x2d; index++) sum += read(index);
  assert.equal((read(0x2e) << 8) | read(0x2f), sum);
});

test('the shutdown byte and the clock survive a reset, interrupt enables do not', () => {
  const { clock, irq, chip, read, write } = rtc();
  write(0x0f, 0x0a);
  write(B, 0x72);
  clock.time = SECOND;
  chip.advance(SECOND);
  assert.equal(irq.level, true);
  chip.reset();
  assert.equal(irq.level, false);
  assert.deepEqual([read(0x0f), read(B), read(0)], [0x0a, 0x02, 0x55]);
});

test('nonsense in the date is brought into range', () => {
  const { clock, write, read } = rtc();
  for (const index of [0, 2, 4, 6, 7, 8, 9, 0x32]) write(index, 0xff);
  clock.time = 3 * SECOND;
  for (const index of [0, 2, 4, 6, 7, 8, 9, 0x32]) {
    assert.ok(read(index) >= 0 && read(index) <= 0xff);
  }
  assert.ok((read(0) & 0x0f) <= 9);
});

test('a restored chip goes on where the other one was', () => {
  const { clock, chip, write } = rtc();
  write(A, 0x2c);
  write(1, 0x05);
  write(5, 0xff);
  write(3, 0xff);
  write(B, 0x72);
  runTo(clock, chip, 12_345_678);
  const twin = new Mc146818({ clock, interrupt: new Probe(), startTime: 0, memory: [] });
  twin.restore(throughJson(chip.state()));
  for (let step = 0; step < 100; step++) {
    assert.equal(twin.nextDeadline(), chip.nextDeadline());
    clock.time = Math.min(chip.nextDeadline(), clock.time + SECOND);
    for (const each of [chip, twin]) {
      each.advance(clock.time);
      each.writePort(0x70, 1, step % 3 === 0 ? C : 0);
    }
    assert.equal(twin.readPort(0x71, 1), chip.readPort(0x71, 1));
    assert.deepEqual(twin.state(), chip.state());
  }
});
