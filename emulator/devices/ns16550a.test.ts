/**
 * 16550A against its data sheet (National Semiconductor PC16550D, TL/C/8652; section numbers in the tests)
 * and against the sequences by which Linux's 8250 driver recognizes and drives it.
 * Run: node --import tsx --test emulator/devices/ns16550a.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ns16550a } from './ns16550a.ts';
import { ManualClock, Probe, runTo, throughJson } from './test-bench.ts';

const [DATA, IER, IIR, LCR, MCR, LSR, MSR, SCRATCH] = [0, 1, 2, 3, 4, 5, 6, 7];
const FCR = IIR;
/** One hundredth of ten bits at 115200 baud (8N1): 1843200 / 16 = 115200. */
const CHARACTER = 868;

function uart() {
  const clock = new ManualClock();
  const irq = new Probe();
  const sent: number[] = [];
  const chip = new Ns16550a({ clock, interrupt: irq, output: (byte) => sent.push(byte) });
  const read = (register: number): number => chip.readPort(0x3f8 + register, 1);
  const write = (register: number, value: number): void =>
    chip.writePort(0x3f8 + register, 1, value);
  return { clock, irq, sent, chip, read, write };
}

/** 8N1, divisor 1, FIFOs on with trigger 8, DTR, RTS and OUT2. */
function opened() {
  const bench = uart();
  bench.write(LCR, 0x03);
  bench.write(FCR, 0x87);
  bench.write(MCR, 0x0b);
  return bench;
}

const text = (characters: string): number[] => [...characters].map((c) => c.charCodeAt(0));

test('after reset: table II (IIR 01, LSR 60, MSR without deltas) and a scratch register', () => {
  const { read, write } = uart();
  assert.deepEqual([IER, IIR, LCR, MCR, LSR].map(read), [0x00, 0x01, 0x00, 0x00, 0x60]);
  assert.equal(read(MSR) & 0x0f, 0);
  write(SCRATCH, 0xa5);
  assert.equal(read(SCRATCH), 0xa5);
});

test('DLAB shows the divisor latch in place of data and IER', () => {
  const { read, write } = uart();
  write(IER, 0x05);
  write(LCR, 0x83);
  write(DATA, 0x0c);
  write(IER, 0x01);
  assert.deepEqual([read(DATA), read(IER)], [0x0c, 0x01]);
  write(LCR, 0x03);
  assert.equal(read(IER), 0x05);
});

test("Linux's autoconfig takes it for a 16550A", () => {
  const { read, write } = uart();
  write(IER, 0x00);
  assert.equal(read(IER) & 0x0f, 0x00);
  write(IER, 0x0f);
  assert.equal(read(IER) & 0x0f, 0x0f);
  write(IER, 0x00);
  write(MCR, 0x1a); // LOOP, OUT2, RTS
  assert.equal(read(MSR) & 0xf0, 0x90); // DCD, CTS
  write(MCR, 0x00);
  write(LCR, 0xbf);
  write(FCR, 0x00);
  write(LCR, 0x00);
  write(FCR, 0x01);
  assert.equal(read(IIR) >> 6, 3);
  write(LCR, 0x80);
  assert.notEqual(read(2), 0); // no EFR: not a 16650
  write(LCR, 0xe0);
  assert.equal(read(2) & 0x10, 0); // no EXCR1: not a SuperIO
  write(LCR, 0x00);
  write(FCR, 0x21);
  assert.equal(read(IIR) & 0x20, 0); // no 64-byte FIFO: not a 16750
  write(IER, 0x40);
  assert.equal(read(IER) & 0x40, 0); // no UUE: not an XScale
});

test('THRE interrupt: raised by enabling it on an empty transmitter, cleared by reading IIR (8.5)', () => {
  const { irq, read, write } = opened();
  write(IER, 0x02);
  assert.equal(irq.level, true);
  assert.equal(read(IIR), 0xc2);
  assert.equal(irq.level, false);
  assert.equal(read(IIR), 0xc1);
  write(IER, 0x00);
  write(IER, 0x02); // Linux tests this twice for UART_BUG_THRE
  assert.equal(read(IIR), 0xc2);
});

test('a byte for an idle transmitter ends one THRE interrupt and starts the next: an edge', () => {
  const { irq, write } = opened();
  write(IER, 0x02);
  assert.equal(irq.rises, 1);
  write(DATA, 0x41);
  assert.deepEqual([irq.falls, irq.rises, irq.level], [1, 2, true]);
});

test('transmitter: THRE while a byte shifts, TEMT one character time later', () => {
  const { clock, chip, sent, read, write } = opened();
  write(DATA, 0x41);
  assert.equal(read(LSR), 0x20);
  write(DATA, 0x42);
  assert.equal(read(LSR), 0x00);
  runTo(clock, chip, CHARACTER);
  assert.equal(read(LSR), 0x20);
  runTo(clock, chip, 2 * CHARACTER - 1);
  assert.equal(read(LSR), 0x20);
  runTo(clock, chip, 2 * CHARACTER);
  assert.equal(read(LSR), 0x60);
  assert.deepEqual(sent, text('AB'));
});

test('interrupt-driven output as Linux does it: 16 bytes for each THRE interrupt, each an edge', () => {
  const { clock, irq, chip, sent, read, write } = opened();
  const message = text('x'.repeat(100));
  let position = 0;
  write(IER, 0x02);
  const edgesBefore = irq.rises;
  while (position < message.length) {
    assert.equal(irq.level, true);
    assert.equal(read(IIR) & 0x0f, 0x02);
    for (let loaded = 0; loaded < 16 && position < message.length; loaded++) {
      write(DATA, message[position++] ?? 0);
    }
    const deadline = chip.nextDeadline();
    assert.ok(deadline > clock.time && deadline <= clock.time + 16 * CHARACTER);
    clock.time = deadline;
    chip.advance(deadline);
  }
  assert.deepEqual(sent, message);
  // One for each of the seven loads, and one when the very first byte went straight to the shifter.
  assert.equal(irq.rises - edgesBefore, 7 + 1);
  write(IER, 0x00);
  assert.equal(irq.level, false);
});

test('a guest that floods the transmitter without looking loses nothing and waits for nothing', () => {
  const { chip, sent, write } = uart();
  for (let count = 0; count < 100_000; count++) write(DATA, count & 0xff);
  assert.equal(sent.length, 100_000);
  assert.equal(chip.nextDeadline(), Infinity);
});

test('character time follows divisor and frame: 9600 7E2 is 11 bits of 104.17 µs, a hundredth', () => {
  const { clock, chip, read, write } = uart();
  write(LCR, 0x9e);
  write(DATA, 12);
  write(LCR, 0x1e);
  write(DATA, 0x55);
  const time = Math.round((11 * 1e9) / 9600 / 100);
  runTo(clock, chip, time - 1);
  assert.equal(read(LSR), 0x20);
  runTo(clock, chip, time);
  assert.equal(read(LSR), 0x60);
});

test('receiver: one byte per character time, interrupt at the trigger level (8.4, 8.5)', () => {
  const { clock, irq, chip, read, write } = opened();
  write(IER, 0x01);
  chip.receive(text('abcdefghij'));
  const met = runTo(clock, chip, 8 * CHARACTER - 1);
  assert.equal(met[0], CHARACTER);
  assert.equal(irq.level, false);
  runTo(clock, chip, 8 * CHARACTER);
  assert.equal(irq.level, true);
  assert.equal(read(IIR), 0xc4);
  assert.equal(read(LSR) & 1, 1);
  assert.equal(read(DATA), 0x61);
  assert.equal(irq.level, false);
});

test('character timeout: what stays below the trigger is announced after four character times', () => {
  const { clock, irq, chip, read, write } = opened();
  write(IER, 0x01);
  chip.receive([0x7a]);
  runTo(clock, chip, 5 * CHARACTER - 1);
  assert.equal(irq.level, false);
  runTo(clock, chip, 5 * CHARACTER);
  assert.equal(read(IIR), 0xcc);
  assert.equal(read(DATA), 0x7a);
  assert.equal(read(IIR), 0xc1);
  assert.equal(chip.nextDeadline(), Infinity);
});

test('a long paste arrives whole and in order, however slowly it is read', () => {
  const { clock, chip, read } = opened();
  const paste = Array.from({ length: 20_000 }, (_, index) => (index * 7) & 0xff);
  chip.receive(paste);
  const received: number[] = [];
  while (chip.pendingInput > 0) {
    runTo(clock, chip, clock.time + 40 * CHARACTER);
    assert.equal(read(LSR) & 2, 0, 'no overrun');
    while (read(LSR) & 1) received.push(read(DATA));
  }
  assert.deepEqual(received, paste);
});

test('nothing typed early is lost: bytes wait for RTS, and a cleared FIFO gives them back', () => {
  const { clock, chip, read, write } = uart();
  write(MCR, 0x00);
  chip.receive(text('ls'));
  runTo(clock, chip, 1e6);
  assert.equal(read(LSR) & 1, 0);
  write(MCR, 0x03);
  runTo(clock, chip, 2e6);
  assert.equal(read(LSR) & 1, 1);
  // Linux's startup: clears FIFOs, switches them off, reads RX once "for luck".
  for (const value of [0x01, 0x07, 0x00]) write(FCR, value);
  assert.equal(read(LSR) & 1, 0);
  assert.equal(read(DATA), 0);
  write(FCR, 0x01);
  runTo(clock, chip, 3e6);
  assert.deepEqual([read(DATA), read(DATA)], text('ls'));
});

test('a simple guest that never touches MCR can poll', () => {
  const { clock, chip, read } = uart();
  chip.receive([0x21, 0x22]);
  runTo(clock, chip, CHARACTER);
  assert.equal(read(LSR) & 1, 1);
  assert.equal(read(DATA), 0x21);
  assert.equal(read(LSR) & 1, 0);
  runTo(clock, chip, 2 * CHARACTER);
  assert.equal(read(DATA), 0x22);
});

test('interrupt priorities: line status, data, transmitter, modem (table IV)', () => {
  const { clock, chip, read, write } = opened();
  write(FCR, 0x00);
  write(MCR, 0x1b); // loop, to overrun the receiver and toggle modem lines
  write(IER, 0x0f);
  write(DATA, 1);
  runTo(clock, chip, CHARACTER);
  write(DATA, 2);
  runTo(clock, chip, 2 * CHARACTER);
  assert.equal(read(IIR), 0x06);
  assert.equal(read(LSR) & 0x02, 0x02);
  assert.equal(read(IIR), 0x04);
  assert.equal(read(DATA), 2);
  assert.equal(read(IIR), 0x02);
  write(MCR, 0x1a); // DTR falls: DSR
  assert.equal(read(IIR), 0x00);
  assert.equal(read(MSR), 0x92);
  assert.equal(read(IIR), 0x01);
});

test('loopback: what is sent comes back, nothing goes out, and the interrupt pin is off (8.6)', () => {
  const { clock, irq, sent, chip, read, write } = opened();
  write(MCR, 0x1b);
  write(IER, 0x01);
  chip.receive([0x99]);
  for (const byte of [0x10, 0x20, 0x30]) write(DATA, byte);
  runTo(clock, chip, 10 * CHARACTER);
  assert.deepEqual([read(DATA), read(DATA), read(DATA), read(LSR) & 1], [0x10, 0x20, 0x30, 0]);
  assert.deepEqual(sent, []);
  assert.equal(irq.rises, 0);
  write(MCR, 0x0b);
  runTo(clock, chip, 20 * CHARACTER);
  assert.equal(read(DATA), 0x99);
});

test('OUT2 gates the interrupt line of a PC', () => {
  const { irq, write } = opened();
  write(MCR, 0x03);
  write(IER, 0x02);
  assert.equal(irq.level, false);
  write(MCR, 0x0b);
  assert.equal(irq.level, true);
});

test('modem deltas: RI reports only its trailing edge (8.7)', () => {
  const { read, write } = opened();
  write(MCR, 0x10);
  read(MSR);
  write(MCR, 0x14);
  assert.equal(read(MSR), 0x40);
  write(MCR, 0x10);
  assert.equal(read(MSR), 0x04);
});

test('a restored chip goes on where the other one was', () => {
  const bench = opened();
  const { clock, chip } = bench;
  bench.write(IER, 0x03);
  chip.receive(text('restore me, please, all of me'));
  runTo(clock, chip, 5 * CHARACTER + 10);
  for (const byte of text('output')) bench.write(DATA, byte);
  const sent: number[] = [];
  const line = new Probe();
  const twin = new Ns16550a({ clock, interrupt: line, output: (byte) => sent.push(byte) });
  twin.restore(throughJson(chip.state()));
  assert.deepEqual(sent, []);
  for (let step = 0; step < 60; step++) {
    assert.equal(twin.nextDeadline(), chip.nextDeadline());
    clock.time = Math.min(chip.nextDeadline(), clock.time + 500);
    chip.advance(clock.time);
    twin.advance(clock.time);
    const register = [IIR, LSR, DATA, MSR][step % 4] ?? 0;
    assert.equal(twin.readPort(register, 1), chip.readPort(register, 1));
    assert.deepEqual(twin.state(), chip.state());
  }
  assert.equal(twin.pendingInput, chip.pendingInput);
});
