/**
 * Ports 61h and 92h against the IBM PS/2 technical reference ("System control port A and B").
 * Run: node --import tsx --test emulator/devices/system-control-port.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Intel8254 } from './intel-8254.ts';
import { SystemControlPort } from './system-control-port.ts';
import { ManualClock, Probe, throughJson } from './test-bench.ts';

function ports() {
  const clock = new ManualClock();
  const timer2 = new Intel8254({ clock, out0: new Probe(true) });
  const events: string[] = [];
  const wiring = {
    clock,
    timer2,
    a20Changed: (enabled: boolean) => events.push(enabled ? 'A20 on' : 'A20 off'),
    reset: () => events.push('reset'),
  };
  return { clock, timer2, events, wiring, chip: new SystemControlPort(wiring) };
}

test('61h: gate of timer 2, its output in bit 5, bits 0-3 read back', () => {
  const { clock, timer2, chip } = ports();
  timer2.writePort(0x43, 1, 0xb0);
  timer2.writePort(0x42, 1, 100);
  timer2.writePort(0x42, 1, 0);
  assert.equal(chip.readPort(0x61, 1) & 0x2f, 0x00);
  clock.time = 1e6;
  assert.equal(chip.readPort(0x61, 1) & 0x20, 0, 'gate low: still counting nothing');
  chip.writePort(0x61, 1, 0xfd);
  assert.equal(chip.readPort(0x61, 1) & 0x2f, 0x0d);
  clock.time = 2e6;
  assert.equal(chip.readPort(0x61, 1) & 0x20, 0x20);
});

test('61h: the refresh toggle changes every 15.085 µs (18 timer pulses)', () => {
  const { clock, chip } = ports();
  let changes = 0;
  let before = chip.readPort(0x61, 1) & 0x10;
  for (; clock.time < 1_000_000; clock.time += 100) {
    const now = chip.readPort(0x61, 1) & 0x10;
    if (now !== before) changes++;
    before = now;
  }
  assert.equal(changes, Math.floor((1193182 * 0.001) / 18));
});

test('92h: A20 by bit 1, reset on the rising edge of bit 0', () => {
  const { events, chip } = ports();
  chip.writePort(0x92, 1, 0x02);
  chip.writePort(0x92, 1, 0x02);
  chip.writePort(0x92, 1, 0x00);
  chip.writePort(0x92, 1, 0x01);
  chip.writePort(0x92, 1, 0x01);
  assert.deepEqual(events, ['A20 on', 'A20 off', 'reset']);
});

test('a restored chip reads the same', () => {
  const { chip, wiring } = ports();
  chip.writePort(0x92, 1, 0x02);
  chip.writePort(0x61, 1, 0x03);
  const twin = new SystemControlPort(wiring);
  twin.restore(throughJson(chip.state()));
  assert.equal(twin.a20, true);
  for (const port of [0x61, 0x92]) assert.equal(twin.readPort(port, 1), chip.readPort(port, 1));
});
