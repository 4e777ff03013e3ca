/**
 * ACPI fixed hardware against the ACPI specification 3.0, 4.7.3.
 * Run: node --import tsx --test emulator/devices/acpi-power.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcpiPower } from './acpi-power.ts';
import { ManualClock, Probe, runTo, throughJson } from './test-bench.ts';

const [STATUS, ENABLE, CONTROL, TIMER] = [0x600, 0x602, 0x604, 0x608];
const SECOND = 1e9;

function acpi() {
  const clock = new ManualClock();
  const sci = new Probe();
  const events: string[] = [];
  const wiring = { clock, interrupt: sci, powerOff: () => events.push('off') };
  return { clock, sci, events, wiring, chip: new AcpiPower(wiring) };
}

test('the PM timer counts 3.579545 MHz in 24 bits', () => {
  const { clock, chip } = acpi();
  clock.time = SECOND;
  assert.equal(chip.readPort(TIMER, 4), 3_579_545);
  clock.time = 5 * SECOND;
  assert.equal(chip.readPort(TIMER, 4), (5 * 3_579_545) % 2 ** 24);
  assert.equal(chip.readPort(TIMER + 1, 1), (((5 * 3_579_545) % 2 ** 24) >> 8) & 0xff);
});

test('SLP_EN with S5 switches off, in a word or in its high byte; other sleep types do not', () => {
  const { events, chip } = acpi();
  chip.writePort(CONTROL, 2, 0x2000 | (1 << 10));
  chip.writePort(CONTROL, 2, 5 << 10);
  assert.deepEqual(events, []);
  chip.writePort(CONTROL, 2, 0x2000 | (5 << 10));
  chip.writePort(CONTROL + 1, 1, 0x34);
  assert.deepEqual(events, ['off', 'off']);
});

test('SCI_EN reads 1 whatever is written, SLP_EN reads 0', () => {
  const { chip } = acpi();
  assert.equal(chip.readPort(CONTROL, 2), 0x0001);
  chip.writePort(CONTROL, 2, 0x2400);
  assert.equal(chip.readPort(CONTROL, 2), 0x0401);
});

test('the power button raises the SCI when it is enabled; writing 1 to its status lowers it', () => {
  const { sci, chip } = acpi();
  chip.pressPowerButton();
  assert.equal(sci.level, false);
  assert.equal(chip.readPort(STATUS, 2), 0x0100);
  chip.writePort(ENABLE, 2, 0x0100);
  assert.equal(sci.level, true);
  chip.writePort(STATUS, 2, 0x0001);
  assert.equal(sci.level, true);
  chip.writePort(STATUS, 4, 0x01000100);
  assert.equal(sci.level, false);
  assert.equal(chip.readPort(STATUS, 4), 0x01000000);
});

test('TMR_STS when bit 23 changes: each 2.343 s, exact', () => {
  const { clock, sci, chip } = acpi();
  assert.equal(chip.nextDeadline(), Infinity);
  chip.writePort(ENABLE, 2, 0x0001);
  const half = Math.ceil((2 ** 23 * 1e9) / 3_579_545);
  assert.equal(chip.nextDeadline(), half);
  assert.deepEqual(runTo(clock, chip, 3 * SECOND), [half]);
  assert.equal(sci.level, true);
  chip.writePort(STATUS, 2, 0x0001);
  assert.equal(sci.level, false);
  assert.equal(chip.nextDeadline(), Math.ceil((2 ** 24 * 1e9) / 3_579_545));
});

test('a restored chip goes on where the other one was', () => {
  const { clock, wiring, chip } = acpi();
  chip.writePort(ENABLE, 2, 0x0101);
  runTo(clock, chip, 4 * SECOND);
  chip.writePort(STATUS, 2, 0x0001);
  const twin = new AcpiPower({ ...wiring, interrupt: new Probe() });
  twin.restore(throughJson(chip.state()));
  for (let step = 0; step < 10; step++) {
    assert.equal(twin.nextDeadline(), chip.nextDeadline());
    clock.time += SECOND;
    assert.equal(twin.readPort(STATUS, 4), chip.readPort(STATUS, 4));
    for (const each of [chip, twin]) if (step % 3 === 0) each.writePort(STATUS, 2, 0x0001);
    assert.deepEqual(twin.state(), chip.state());
  }
});
