/**
 * 8042 against the IBM PC/AT technical reference ("Keyboard controller") and the commands of the 101-key
 * keyboard (IBM PS/2 technical reference), in the order in which Linux's i8042 and atkbd drivers send them.
 * Run: node --import tsx --test emulator/devices/intel-8042.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Intel8042 } from './intel-8042.ts';
import { ManualClock, Probe, runTo, throughJson } from './test-bench.ts';

const DATA = 0x60;
const COMMAND = 0x64;

function controller() {
  const clock = new ManualClock();
  const irq = new Probe();
  const events: string[] = [];
  const chip = new Intel8042({
    clock,
    interrupt: irq,
    a20Changed: (enabled) => events.push(enabled ? 'A20 on' : 'A20 off'),
    reset: () => events.push('reset'),
  });
  const command = (byte: number, ...data: number[]): void => {
    chip.writePort(COMMAND, 1, byte);
    for (const each of data) chip.writePort(DATA, 1, each);
  };
  const status = (): number => chip.readPort(COMMAND, 1);
  const data = (): number => chip.readPort(DATA, 1);
  /** What the keyboard answers to bytes at port 60h, read as a driver would. */
  const keyboard = (...bytes: number[]): number[] => {
    const answers: number[] = [];
    for (const byte of bytes) {
      chip.writePort(DATA, 1, byte);
      runTo(clock, chip, clock.time + 1e6);
      while (status() & 1) {
        answers.push(data());
        runTo(clock, chip, clock.time + 1e6);
      }
    }
    return answers;
  };
  return { clock, irq, chip, events, command, status, data, keyboard };
}

test('self-test answers 55h and sets the system flag; the keyboard interface is off after it', () => {
  const { command, data, status } = controller();
  command(0x60, 0x00);
  assert.equal(status() & 0x04, 0);
  command(0xaa);
  assert.equal(status() & 0x05, 0x05);
  assert.equal(data(), 0x55);
  assert.equal(status() & 0x01, 0);
  command(0x20);
  assert.equal(data() & 0x10, 0x10);
  command(0xab);
  assert.equal(data(), 0x00);
});

test('the command byte and the RAM behind it are kept', () => {
  const { command, data } = controller();
  command(0x60, 0x47);
  command(0x20);
  assert.equal(data(), 0x47);
  command(0x65, 0x99);
  command(0x25);
  assert.equal(data(), 0x99);
});

test('status bit 3 tells a command from data', () => {
  const { chip, command, status } = controller();
  command(0xae);
  assert.equal(status() & 0x08, 0x08);
  chip.writePort(DATA, 1, 0xf4);
  assert.equal(status() & 0x08, 0);
});

test('keyboard commands: identify, reset, LEDs, scan code set, echo, unknown', () => {
  const { keyboard } = controller();
  assert.deepEqual(keyboard(0xf2), [0xfa, 0xab, 0x83]);
  assert.deepEqual(keyboard(0xff), [0xfa, 0xaa]);
  assert.deepEqual(keyboard(0xed, 0x02), [0xfa, 0xfa]);
  assert.deepEqual(keyboard(0xf0, 0x03), [0xfa, 0xfa]);
  assert.deepEqual(keyboard(0xf0, 0x00), [0xfa, 0xfa, 0x03]);
  assert.deepEqual(keyboard(0xf3, 0x20), [0xfa, 0xfa]);
  assert.deepEqual(keyboard(0xf4), [0xfa]);
  assert.deepEqual(keyboard(0xee), [0xee]);
  assert.deepEqual(keyboard(0xfe), [0xee]);
  assert.deepEqual(keyboard(0x11), [0xfe]);
});

test('IRQ 1 rises for each byte, 100 µs apart, and falls when it is read', () => {
  const { clock, irq, chip, data } = controller();
  chip.writePort(DATA, 1, 0xf2);
  assert.deepEqual(runTo(clock, chip, 100_000), [100_000]);
  assert.equal(irq.level, true);
  assert.equal(chip.nextDeadline(), Infinity);
  assert.equal(data(), 0xfa);
  assert.equal(irq.level, false);
  assert.equal(chip.nextDeadline(), 200_000);
  runTo(clock, chip, 200_000);
  assert.equal(data(), 0xab);
  assert.equal(data(), 0xab, 'the buffer keeps its byte');
  assert.equal(irq.rises, 2);
});

test('with the interrupt bit off the byte waits in silence; with the interface off it does not come', () => {
  const { clock, irq, chip, command, status } = controller();
  command(0x60, 0x44);
  chip.writePort(DATA, 1, 0xee);
  command(0xad);
  runTo(clock, chip, 1e6);
  assert.equal(status() & 1, 0);
  command(0xae);
  runTo(clock, chip, 2e6);
  assert.equal(status() & 1, 1);
  assert.equal(irq.rises, 0);
});

test('A20 through the output port, and by DDh and DFh', () => {
  const { chip, events, command, data } = controller();
  assert.equal(chip.a20, true);
  command(0xd1, 0xdd);
  command(0xd1, 0xdf);
  command(0xdd);
  command(0xdf);
  assert.deepEqual(events, ['A20 off', 'A20 on', 'A20 off', 'A20 on']);
  command(0xd0);
  assert.equal(data() & 0x03, 0x03);
});

test('reset: pulse FEh, or bit 0 of the output port', () => {
  const { events, command } = controller();
  command(0xff);
  command(0xfe);
  command(0xd1, 0xfe);
  assert.deepEqual(events, ['reset', 'reset']);
});

test('no auxiliary port, said at once: test fails, loop comes without the AUX bit', () => {
  const { command, data, status } = controller();
  command(0xa9);
  assert.ok(![0x00, 0xfa, 0xff].includes(data()));
  command(0xd3, 0x5a);
  assert.equal(status() & 0x21, 0x01);
  assert.equal(data(), 0x5a);
});

test('a guest that sends commands without reading cannot grow the queue', () => {
  const { chip } = controller();
  for (let count = 0; count < 10_000; count++) chip.writePort(DATA, 1, 0xf2);
  const { keyboard } = chip.state() as unknown as { keyboard: { queue: number[] } };
  assert.ok(keyboard.queue.length <= 16);
});

test('a restored chip goes on where the other one was', () => {
  const { clock, chip, command } = controller();
  command(0xd1, 0xdd);
  chip.writePort(DATA, 1, 0xf2);
  chip.writePort(DATA, 1, 0xed);
  runTo(clock, chip, 150_000);
  chip.writePort(COMMAND, 1, 0x60);
  const wiring = { clock, interrupt: new Probe(), a20Changed: () => {}, reset: () => {} };
  const twin = new Intel8042(wiring);
  twin.restore(throughJson(chip.state()));
  assert.equal(twin.a20, false);
  for (const each of [chip, twin]) each.writePort(DATA, 1, 0x05);
  for (let step = 0; step < 20; step++) {
    assert.equal(twin.nextDeadline(), chip.nextDeadline());
    clock.time += 60_000;
    const port = step % 2 ? DATA : COMMAND;
    assert.equal(twin.readPort(port, 1), chip.readPort(port, 1));
    assert.deepEqual(twin.state(), chip.state());
  }
});
