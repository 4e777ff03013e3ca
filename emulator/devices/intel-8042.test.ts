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
  assert.deepEqual(keyboard(0xf2), [0xfa, 0xab, 0x41], 'translated');
  assert.deepEqual(keyboard(0xff), [0xfa, 0xaa]);
  assert.deepEqual(keyboard(0xed, 0x02), [0xfa, 0xfa]);
  assert.deepEqual(keyboard(0xf0, 0x01), [0xfa, 0xfa]);
  assert.deepEqual(keyboard(0xf0, 0x00), [0xfa, 0xfa, 0x43], 'set 1, translated');
  assert.deepEqual(keyboard(0xf0, 0x03), [0xfa, 0xfe], 'no set 3');
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

test('typed keys come in set 1 through translation, in set 2 without it, 10 ms apart', () => {
  // A, right Ctrl, Pause: codes of IBM's tables for the two sets
  const keys = [0x1e, 0x9e, 0xe0, 0x1d, 0xe0, 0x9d, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5];
  const inSet2 = [0x1c, 0xf0, 0x1c, 0xe0, 0x14, 0xe0, 0xf0, 0x14, 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77]; // prettier-ignore
  for (const [configuration, expected] of [
    [0x45, keys],
    [0x05, inSet2],
  ] as const) {
    const { clock, chip, command, data, status } = controller();
    command(0x60, configuration);
    chip.type(keys);
    const codes: number[] = [];
    for (; clock.time < 100e6; runTo(clock, chip, clock.time + 1e5)) {
      while (status() & 1) codes.push(data());
    }
    assert.deepEqual(codes, expected);
    assert.equal(chip.nextDeadline(), Infinity);
  }
});

test('keys wait while the keyboard is disabled, and nobody can grow their queue without bound', () => {
  const { clock, chip, keyboard, data, status } = controller();
  assert.deepEqual(keyboard(0xf5), [0xfa]);
  chip.type([0x1e]);
  runTo(clock, chip, clock.time + 50e6);
  assert.equal(status() & 1, 0);
  chip.writePort(DATA, 1, 0xf4);
  runTo(clock, chip, clock.time + 1e6);
  assert.equal(data(), 0xfa);
  runTo(clock, chip, clock.time + 1e6);
  assert.equal(data(), 0x1e);
  chip.type(new Uint8Array(1 << 20));
  const state = chip.state() as unknown as { keyboard: { typed: number[] } };
  assert.ok(state.keyboard.typed.length <= 1 << 16);
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
