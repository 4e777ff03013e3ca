/**
 * The board as the processor and the machine see it: interrupt routing, exact deadlines, power and reset,
 * and that snapshots and early advances change nothing.
 * Run: node --import tsx --test emulator/devices/pc-board.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PC_PARTS, PcBoard } from './pc-board.ts';
import { ManualClock, throughJson } from './test-bench.ts';

const LOCAL_APIC = 0xfee00000;
const IO_APIC = 0xfec00000;
const SECOND = 1e9;

function board() {
  const clock = new ManualClock();
  const sent: number[] = [];
  const events: string[] = [];
  const notices: string[] = [];
  const pc = new PcBoard({
    clock,
    memoryBytes: 64 * 1024 * 1024,
    serialOutput: (byte) => sent.push(byte),
    powerOff: (code, via) => events.push(`off ${code} ${via}`),
    reset: (via) => events.push(`reset ${via}`),
    notice: (text) => notices.push(text),
    a20Changed: (enabled) => events.push(enabled ? 'A20 on' : 'A20 off'),
    nmi: () => events.push('nmi'),
  });
  const outb = (port: number, value: number): void => pc.writePort(port, 1, value);
  const inb = (port: number): number => pc.readPort(port, 1);
  /** As the machine runs: to the next deadline exactly. */
  const step = (): number => {
    assert.notEqual(pc.nextDeadline(), Infinity, 'something is to come');
    clock.time = pc.nextDeadline();
    pc.advance(clock.time);
    return clock.time;
  };
  const untilInterrupt = (): void => {
    for (let turn = 0; !pc.interruptPending(); turn++) {
      assert.ok(turn < 100, 'an interrupt comes');
      step();
    }
  };
  return { clock, pc, sent, events, notices, outb, inb, step, untilInterrupt };
}

type Board = ReturnType<typeof board>;

/** The 8259A pair as Linux sets it up: vectors 30h and 38h, all masked but `mask`'s zeros. */
function initializePics({ outb }: Board, mask: number): void {
  for (const [port, base, icw3] of [
    [0x20, 0x30, 0x04],
    [0xa0, 0x38, 0x02],
  ] as const) {
    outb(port, 0x11);
    outb(port + 1, base);
    outb(port + 1, icw3);
    outb(port + 1, 0x01);
  }
  outb(0x21, mask & 0xff);
  outb(0xa1, mask >> 8);
}

function redirect({ pc }: Board, input: number, low: number): void {
  pc.writeMmio(IO_APIC, 4, 0x11 + 2 * input);
  pc.writeMmio(IO_APIC + 0x10, 4, 0);
  pc.writeMmio(IO_APIC, 4, 0x10 + 2 * input);
  pc.writeMmio(IO_APIC + 0x10, 4, low);
}

function startTimer({ outb }: Board, count: number): void {
  outb(0x43, 0x34);
  outb(0x40, count & 0xff);
  outb(0x40, count >> 8);
}

test('every port and window of the parts list is answered, none beside it', () => {
  const { pc, notices, inb } = board();
  for (const { ports, window } of Object.values(PC_PARTS)) {
    for (const [first, last] of ports) for (let port = first; port <= last; port++) inb(port);
    if (window) assert.equal(pc.isMmio(window[0]) && pc.isMmio(window[0] + window[1] - 1), true);
  }
  assert.deepEqual(notices, []);
  assert.equal(pc.isMmio(0xfed40000), false);
});

test('timer through the 8259A and the virtual wire: INTR at the exact nanosecond, vector 30h', () => {
  const bench = board();
  const { clock, pc, outb, untilInterrupt } = bench;
  initializePics(bench, 0xfffe);
  startTimer(bench, 1193);
  // OUT rises 1 + 1193 pulses after the write at 0: ceil(1194 × 10^9 / 1193182) ns.
  const expected = Math.ceil((1194 * 1e9) / 1193182);
  untilInterrupt();
  assert.equal(clock.time, expected);
  assert.equal(pc.acknowledgeInterrupt(), 0x30);
  assert.equal(pc.interruptPending(), false);
  outb(0x20, 0x20);
  untilInterrupt();
  assert.equal(clock.time, Math.ceil((2387 * 1e9) / 1193182));
});

test('timer through the I/O APIC is its input 2', () => {
  const bench = board();
  const { pc, untilInterrupt } = bench;
  pc.writeMmio(LOCAL_APIC + 0x350, 4, 0x10000); // LINT0 masked
  initializePics(bench, 0xffff);
  redirect(bench, 2, 0x50);
  startTimer(bench, 1193);
  untilInterrupt();
  assert.equal(pc.acknowledgeInterrupt(), 0x50);
  pc.writeMmio(LOCAL_APIC + 0xb0, 4, 0);
  assert.equal(pc.interruptPending(), false);
});

test('serial output by interrupts: IRQ 4, a real edge for each load', () => {
  const bench = board();
  const { pc, sent, outb, inb, untilInterrupt } = bench;
  initializePics(bench, 0xffef);
  outb(0x3fb, 0x03);
  outb(0x3fa, 0x01);
  outb(0x3fc, 0x0b);
  outb(0x3f9, 0x02);
  const message = Array.from({ length: 200 }, (_, index) => 0x20 + (index % 64));
  let position = 0;
  while (position < message.length) {
    untilInterrupt();
    assert.equal(pc.acknowledgeInterrupt(), 0x34);
    outb(0x20, 0x20);
    assert.equal(inb(0x3fa) & 0x0f, 0x02);
    for (let loaded = 0; loaded < 16 && position < message.length; loaded++) {
      outb(0x3f8, message[position++] ?? 0);
    }
  }
  assert.deepEqual(sent, message);
});

test('serial input wakes the machine at one character time', () => {
  const bench = board();
  const { clock, pc, outb, inb, step } = bench;
  initializePics(bench, 0xffef);
  outb(0x3fb, 0x03);
  outb(0x3fc, 0x0b);
  outb(0x3f9, 0x01);
  assert.equal(pc.nextDeadline(), Infinity);
  clock.time = 1000;
  pc.sendSerialInput(Uint8Array.from([0x0d]));
  assert.equal(pc.pendingSerialInput(), 1);
  assert.equal(step(), 1868);
  assert.equal(pc.acknowledgeInterrupt(), 0x34);
  assert.equal(inb(0x3f8), 0x0d);
  assert.equal(pc.pendingSerialInput(), 0);
});

test('the clock interrupts on IRQ 8 through the cascade', () => {
  const bench = board();
  const { clock, pc, outb, step } = bench;
  initializePics(bench, 0xfefb);
  outb(0x70, 0x0b);
  outb(0x71, 0x12);
  step();
  assert.equal(clock.time, SECOND);
  assert.equal(pc.acknowledgeInterrupt(), 0x38);
});

test('the power button is a level interrupt 9 at the I/O APIC until its status is cleared', () => {
  const bench = board();
  const { pc } = bench;
  redirect(bench, 9, 0x8060);
  pc.writePort(0x602, 2, 0x100);
  pc.pressPowerButton();
  assert.equal(pc.acknowledgeInterrupt(), 0x60);
  pc.writeMmio(LOCAL_APIC + 0xb0, 4, 0);
  assert.equal(pc.interruptPending(), true);
  assert.equal(pc.acknowledgeInterrupt(), 0x60);
  pc.writePort(0x600, 2, 0x100);
  pc.writeMmio(LOCAL_APIC + 0xb0, 4, 0);
  assert.equal(pc.interruptPending(), false);
});

test('local APIC timer: the deadline moves with every write', () => {
  const { clock, pc, step } = board();
  pc.writeMmio(LOCAL_APIC + 0x320, 4, 0x20040);
  pc.writeMmio(LOCAL_APIC + 0x3e0, 4, 0x0b);
  pc.writeMmio(LOCAL_APIC + 0x380, 4, 1_000_000);
  assert.equal(pc.nextDeadline(), 1_000_000);
  pc.writeMmio(LOCAL_APIC + 0x380, 4, 500);
  assert.equal(pc.nextDeadline(), 500);
  step();
  assert.equal(pc.acknowledgeInterrupt(), 0x40);
  assert.equal(pc.nextDeadline(), 1000);
  pc.writeMmio(LOCAL_APIC + 0x380, 4, 0);
  assert.equal(pc.nextDeadline(), Infinity);
  pc.writeMmio(LOCAL_APIC + 0x320, 4, 0x40040);
  pc.localApics.of(0).tscDeadline = clock.time + 77;
  assert.equal(pc.nextDeadline(), 577);
});

test('power off: ACPI S5, and the debug-exit port with the value as the result', () => {
  const { pc, events, outb } = board();
  pc.writePort(0x604, 2, 0x3400);
  pc.writePort(0xf4, 4, 0);
  pc.writePort(0xf4, 4, 1);
  outb(0xf4, 38);
  assert.deepEqual(events, [
    'off 0 ACPI S5',
    'off 0 debug-exit port 0xf4',
    'off 1 debug-exit port 0xf4',
    'off 38 debug-exit port 0xf4',
  ]);
});

test('reset by port 92h, the keyboard controller and CF9h; the board itself waits for reset()', () => {
  const { pc, events, outb, inb } = board();
  outb(0x21, 0x5a);
  outb(0x92, 0x01);
  outb(0x64, 0xfe);
  outb(0xcf9, 0x06);
  assert.deepEqual(events, ['reset port 0x92', 'reset keyboard controller', 'reset port 0xcf9']);
  assert.equal(inb(0x21), 0x5a);
  pc.reset();
  assert.equal(inb(0x21), 0xff);
  assert.equal(inb(0x92), 0x00);
});

test('the A20 gate is on at power-on; 8042 and port 92h are ORed', () => {
  const { pc, events, outb } = board();
  assert.equal(pc.a20, true);
  outb(0x92, 0x02);
  outb(0x64, 0xdd);
  assert.deepEqual(events, []);
  outb(0x92, 0x00);
  assert.equal(pc.a20, false);
  outb(0x64, 0xdf);
  assert.deepEqual(events, ['A20 off', 'A20 on']);
  outb(0x64, 0xdd);
  pc.reset();
  assert.deepEqual(events.slice(2), ['A20 off', 'A20 on']);
});

test('the debug console goes to the serial sink without one of its own', () => {
  const { sent, outb, inb } = board();
  assert.equal(inb(0xe9), 0xe9);
  outb(0xe9, 0x21);
  assert.deepEqual(sent, [0x21]);
});

test('unclaimed ports and addresses: ones, dropped writes, one notice each and a bounded number', () => {
  const { pc, notices, inb, outb } = board();
  assert.equal(inb(0x2fd), 0xff);
  outb(0x2fd, 1);
  inb(0x2fd);
  assert.equal(pc.readMmio(0xfed40000, 4), 0xffffffff);
  pc.writeMmio(0xfed40000, 4, 1);
  assert.deepEqual(notices, [
    'No device answers port 0x2fd: the guest reads all ones.',
    'No device answers address 0xfed40000: the guest reads all ones.',
  ]);
  for (let port = 0x1000; port < 0x3000; port++) inb(port);
  assert.equal(notices.length, 65);
});

test('restore refuses a foreign snapshot with the name of what is wrong', () => {
  const { pc } = board();
  assert.throws(() => pc.restore({ version: 9 }), RangeError);
  const state = throughJson(pc.state()) as { version: number; chips: { [part: string]: never } };
  const { timer: _, ...chips } = state.chips;
  assert.throws(() => pc.restore({ version: 1, chips }), /lacks timer/);
});

/** Small deterministic generator (Park and Miller, 1988), so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let value = seed;
  return (below) => {
    value = (value * 48271) % 0x7fffffff;
    return value % below;
  };
}

const PORTS = Object.values(PC_PARTS).flatMap(({ ports }) =>
  ports.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  ),
);
const SIZES = [1, 1, 1, 2, 4] as const;

/** One random thing a guest can do; returns what it saw. */
function disturb(pc: PcBoard, random: (below: number) => number): number {
  const size = SIZES[random(SIZES.length)] ?? 1;
  const port = PORTS[random(PORTS.length)] ?? 0;
  const value = random(2) ? random(256) : random(0x7fffffff) * 2;
  const address =
    (random(2) ? LOCAL_APIC : IO_APIC) + (random(2) ? random(64) * 16 : random(0x400));
  switch (random(8)) {
    case 0:
    case 1:
      return pc.readPort(port, size);
    case 2:
    case 3:
    case 4:
      pc.writePort(port, size, value);
      return 0;
    case 5:
      return pc.readMmio(address, 4);
    case 6:
      // Counts stay large: a period of a few ns is honoured and only makes the test slow.
      pc.writeMmio(address, 4, address - LOCAL_APIC === 0x380 ? value | 0x10000 : value);
      return 0;
    default:
      return pc.interruptPending() ? pc.acknowledgeInterrupt() : -1;
  }
}

/** Runs like the machine to `time`, with extra advances where `nervous`. */
function runTo({ clock, pc }: Board, time: number, nervous: boolean): void {
  for (let turn = 0; turn < 2000 && pc.nextDeadline() <= time; turn++) {
    const deadline = pc.nextDeadline();
    if (nervous) pc.advance(clock.time + Math.floor((deadline - clock.time) / 2));
    clock.time = deadline;
    pc.advance(deadline);
    assert.ok(pc.nextDeadline() > deadline, 'a deadline that was met moves on');
  }
  if (pc.nextDeadline() > time) clock.time = time;
}

test('whatever a guest writes: no exception, no standstill, and values stay in range', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const bench = board();
    const random = randomNumbers(seed * 7919);
    for (let action = 0; action < 1500; action++) {
      const seen = disturb(bench.pc, random);
      assert.ok(Number.isInteger(seen) && seen >= -1 && seen <= 0xffffffff, `seed ${seed}`);
      if (random(10) === 0) bench.pc.sendSerialInput([random(256)]);
      runTo(bench, bench.clock.time + random(50_000), false);
    }
  }
});

test('same guest, same board: snapshots taken anywhere and early advances change nothing', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const [plain, nervous] = [board(), board()];
    let restored = board();
    const randoms = [randomNumbers(seed), randomNumbers(seed), randomNumbers(seed)];
    for (let action = 0; action < 600; action++) {
      if (action % 97 === 0) {
        const next = board();
        next.clock.time = restored.clock.time;
        next.pc.restore(throughJson(restored.pc.state()));
        restored = next;
      }
      const seen = [plain, nervous, restored].map((bench, index) => {
        const random = randoms[index] ?? (() => 0);
        const value = disturb(bench.pc, random);
        runTo(bench, bench.clock.time + random(200_000), bench === nervous);
        return [value, bench.pc.interruptPending(), bench.pc.nextDeadline(), bench.clock.time];
      });
      assert.deepEqual(seen[1], seen[0], `seed ${seed}, action ${action}, nervous`);
      assert.deepEqual(seen[2], seen[0], `seed ${seed}, action ${action}, restored`);
    }
    assert.deepEqual(restored.pc.state(), plain.pc.state());
  }
});
