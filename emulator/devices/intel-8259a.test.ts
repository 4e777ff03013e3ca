/**
 * 8259A against its data sheet (Intel 231468-003), whose section names stand in the tests; ELCR against
 * the PIIX data sheet (290550).
 * Run: node --import tsx --test emulator/devices/intel-8259a.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Intel8259A } from './intel-8259a.ts';
import { Probe, throughJson } from './test-bench.ts';

const MASTER = 0x20;
const SLAVE = 0xa0;

/** A master programmed as a PC's BIOS does, but alone: ICW1 13h (single, ICW4), vectors from 20h. */
function single(icw4 = 0x01) {
  const int = new Probe();
  const pic = new Intel8259A({ interrupt: int, levelCapable: 0xff });
  pic.writePort(MASTER, 1, 0x13);
  pic.writePort(MASTER + 1, 1, 0x20);
  pic.writePort(MASTER + 1, 1, icw4);
  return { pic, int, raise: (input: number) => set(pic, input, true) };
}

/** The PC's pair: master 20h, slave 28h on IR2. */
function pair(masterIcw4 = 0x01, slaveIcw4 = 0x01) {
  const int = new Probe();
  const slave: Intel8259A = new Intel8259A({
    interrupt: { set: (level) => set(master, 2, level) },
    levelCapable: 0xde,
  });
  const master: Intel8259A = new Intel8259A({ interrupt: int, levelCapable: 0xf8, slave });
  for (const [pic, port, base, icw3, icw4] of [
    [master, MASTER, 0x20, 0x04, masterIcw4],
    [slave, SLAVE, 0x28, 0x02, slaveIcw4],
  ] as const) {
    pic.writePort(port, 1, 0x11);
    pic.writePort(port + 1, 1, base);
    pic.writePort(port + 1, 1, icw3);
    pic.writePort(port + 1, 1, icw4);
  }
  return { master, slave, int };
}

function set(pic: Intel8259A, input: number, level: boolean): void {
  const line = pic.inputs[input];
  assert.ok(line);
  line.set(level);
}

function pulse(pic: Intel8259A, input: number): void {
  set(pic, input, false);
  set(pic, input, true);
}

const irr = (pic: Intel8259A): number => (pic.writePort(MASTER, 1, 0x0a), pic.readPort(MASTER, 1));
const isr = (pic: Intel8259A): number => (pic.writePort(MASTER, 1, 0x0b), pic.readPort(MASTER, 1));

test('a chip that was never initialized asks for nothing', () => {
  const int = new Probe();
  const pic = new Intel8259A({ interrupt: int, levelCapable: 0xff });
  set(pic, 0, true);
  assert.equal(int.level, false);
});

test('interrupt sequence: IRR, INT, INTA gives the vector and moves the bit to ISR; EOI clears it', () => {
  const { pic, int, raise } = single();
  raise(3);
  assert.equal(int.level, true);
  assert.equal(irr(pic), 0x08);
  assert.equal(pic.acknowledge(), 0x23);
  assert.equal(int.level, false);
  assert.equal(irr(pic), 0x00);
  assert.equal(isr(pic), 0x08);
  pic.writePort(MASTER, 1, 0x20);
  assert.equal(isr(pic), 0x00);
});

test('fully nested mode: a higher level interrupts, the same and lower ones wait', () => {
  const { pic, int, raise } = single();
  raise(5);
  assert.equal(pic.acknowledge(), 0x25);
  raise(6);
  assert.equal(int.level, false);
  pulse(pic, 5);
  assert.equal(int.level, false);
  raise(3);
  assert.equal(pic.acknowledge(), 0x23);
  assert.equal(isr(pic), 0x28);
  pic.writePort(MASTER, 1, 0x20); // ends 3
  assert.equal(int.level, false);
  pic.writePort(MASTER, 1, 0x65); // specific EOI of 5
  assert.equal(pic.acknowledge(), 0x25);
  pic.writePort(MASTER, 1, 0x20);
  assert.equal(pic.acknowledge(), 0x26);
});

test('edge mode: a line that stays high interrupts once', () => {
  const { pic, int, raise } = single();
  raise(4);
  pic.acknowledge();
  pic.writePort(MASTER, 1, 0x20);
  assert.equal(int.level, false);
  pulse(pic, 4);
  assert.equal(int.level, true);
});

test('level mode by ELCR: a line that stays high interrupts again after EOI, one that fell does not', () => {
  const { pic, int, raise } = single();
  pic.writePort(0x4d0, 1, 0x10);
  raise(4);
  assert.equal(pic.acknowledge(), 0x24);
  pic.writePort(MASTER, 1, 0x20);
  assert.equal(int.level, true);
  assert.equal(pic.acknowledge(), 0x24);
  set(pic, 4, false);
  pic.writePort(MASTER, 1, 0x20);
  assert.equal(int.level, false);
});

test('ICW1.LTIM makes every input level triggered', () => {
  const int = new Probe();
  const pic = new Intel8259A({ interrupt: int, levelCapable: 0 });
  set(pic, 1, true);
  for (const [port, value] of [
    [0x20, 0x1b],
    [0x21, 0x08],
    [0x21, 0x01],
  ] as const) {
    pic.writePort(port, 1, value);
  }
  assert.equal(pic.acknowledge(), 0x09);
});

test('ELCR keeps only the inputs that can be level (82371SB: F8h and DEh)', () => {
  const { master, slave } = pair();
  master.writePort(0x4d0, 1, 0xff);
  slave.writePort(0x4d1, 1, 0xff);
  assert.equal(master.readPort(0x4d0, 1), 0xf8);
  assert.equal(slave.readPort(0x4d1, 1), 0xde);
});

test('IMR holds a request back and lets it through when cleared', () => {
  const { pic, int, raise } = single();
  pic.writePort(MASTER + 1, 1, 0xfb);
  assert.equal(pic.readPort(MASTER + 1, 1), 0xfb);
  raise(1);
  assert.equal(int.level, false);
  assert.equal(irr(pic), 0x02);
  pic.writePort(MASTER + 1, 1, 0x00);
  assert.equal(pic.acknowledge(), 0x21);
});

test('DEFAULT IR7: a request that is gone before INTA gives vector 7 and nothing in service', () => {
  const { pic, raise } = single();
  raise(3);
  set(pic, 3, false);
  assert.equal(pic.acknowledge(), 0x27);
  assert.equal(isr(pic), 0x00);
});

test('ICW1 clears IMR, ISR and edge latches; a line already high needs a new edge', () => {
  const { pic, int, raise } = single();
  raise(2);
  pic.acknowledge();
  raise(6);
  pic.writePort(MASTER, 1, 0x13);
  pic.writePort(MASTER + 1, 1, 0x40);
  pic.writePort(MASTER + 1, 1, 0x01);
  assert.equal(isr(pic), 0);
  assert.equal(int.level, false);
  pulse(pic, 6);
  assert.equal(pic.acknowledge(), 0x46);
});

test('automatic rotation: the level just served becomes the lowest (data sheet, "Automatic rotation")', () => {
  const { pic, raise } = single();
  raise(4);
  assert.equal(pic.acknowledge(), 0x24);
  pic.writePort(MASTER, 1, 0xa0); // rotate on non-specific EOI
  pulse(pic, 4);
  raise(6);
  // Priorities are now 5 6 7 0 1 2 3 4.
  assert.equal(pic.acknowledge(), 0x26);
  pic.writePort(MASTER, 1, 0x20);
  assert.equal(pic.acknowledge(), 0x24);
});

test('specific rotation: set priority makes IR5 the lowest and IR6 the highest', () => {
  const { pic, raise } = single();
  pic.writePort(MASTER, 1, 0xc5);
  raise(0);
  raise(6);
  assert.equal(pic.acknowledge(), 0x26);
  pic.writePort(MASTER, 1, 0xe6); // rotate on specific EOI: IR6 is now the lowest
  assert.equal(pic.acknowledge(), 0x20);
});

test('automatic EOI leaves nothing in service, and rotates when told to', () => {
  const { pic, raise } = single(0x03);
  pic.writePort(MASTER, 1, 0x80);
  raise(1);
  raise(2);
  assert.equal(pic.acknowledge(), 0x21);
  assert.equal(isr(pic), 0);
  pulse(pic, 1);
  assert.equal(pic.acknowledge(), 0x22);
  assert.equal(pic.acknowledge(), 0x21);
});

test('special mask mode: masking a level in service enables the lower ones; plain EOI leaves it', () => {
  const { pic, int, raise } = single();
  raise(4);
  pic.acknowledge();
  raise(6);
  assert.equal(int.level, false);
  pic.writePort(MASTER + 1, 1, 0x10);
  pic.writePort(MASTER, 1, 0x68);
  assert.equal(pic.acknowledge(), 0x26);
  pic.writePort(MASTER, 1, 0x20);
  assert.equal(isr(pic), 0x10);
  pic.writePort(MASTER, 1, 0x64);
  assert.equal(isr(pic), 0x00);
});

test('poll command: the next read acknowledges and says which level', () => {
  const { pic, raise } = single();
  raise(5);
  pic.writePort(MASTER, 1, 0x0c);
  assert.equal(pic.readPort(MASTER, 1), 0x85);
  assert.equal(isr(pic), 0x20);
  pic.writePort(MASTER, 1, 0x0c);
  assert.equal(pic.readPort(MASTER, 1) & 0x80, 0);
});

test('cascade: the slave gives the vector, both are in service, both need an EOI', () => {
  const { master, slave, int } = pair();
  set(slave, 0, true);
  assert.equal(int.level, true);
  assert.equal(master.acknowledge(), 0x28);
  assert.equal(isr(master), 0x04);
  assert.equal(isr(slave), 0x01);
  set(slave, 3, true);
  assert.equal(int.level, false);
  slave.writePort(SLAVE, 1, 0x20);
  master.writePort(MASTER, 1, 0x20);
  assert.equal(int.level, true);
  assert.equal(master.acknowledge(), 0x2b);
});

test('cascade with automatic EOI in the slave: what waits behind makes a new edge at the master', () => {
  const { master, slave } = pair(0x01, 0x03);
  set(slave, 1, true);
  set(slave, 2, true);
  assert.equal(master.acknowledge(), 0x29);
  master.writePort(MASTER, 1, 0x20);
  assert.equal(master.acknowledge(), 0x2a);
});

test('special fully nested mode: a higher slave input interrupts through a master in service', () => {
  const { master, slave, int } = pair(0x11);
  set(slave, 5, true);
  assert.equal(master.acknowledge(), 0x2d);
  set(slave, 1, true);
  assert.equal(int.level, true);
  assert.equal(master.acknowledge(), 0x29);
});

test('spurious IRQ 15: the slave has nothing left when the master asks it', () => {
  const { master, slave } = pair();
  set(master, 2, true); // the slave's INT as noise
  assert.equal(master.acknowledge(), 0x2f);
  assert.equal(isr(slave), 0x00);
  assert.equal(isr(master), 0x04);
});

test('a restored chip goes on where the other one was', () => {
  const { pic, raise } = single();
  raise(2);
  pic.acknowledge();
  raise(5);
  raise(1);
  const twin = new Intel8259A({ interrupt: new Probe(), levelCapable: 0xff });
  twin.restore(throughJson(pic.state()));
  for (const chip of [pic, twin]) {
    assert.equal(chip.acknowledge(), 0x21);
    assert.equal(isr(chip), 0x06);
    chip.writePort(MASTER, 1, 0x20);
    chip.writePort(MASTER, 1, 0x20);
    assert.equal(chip.acknowledge(), 0x25);
  }
  assert.deepEqual(twin.state(), pic.state());
});

test('restore refuses a foreign shape and names the chip', () => {
  const { pic } = single();
  assert.throws(() => pic.restore({ version: 2 }), /8259A: snapshot version 2/);
  assert.throws(() => pic.restore({ ...pic.state(), isr: '1' }), RangeError);
  assert.throws(() => pic.restore({ ...pic.state(), extra: 1 }), RangeError);
});
