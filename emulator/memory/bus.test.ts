/** Address decoding. Run: node --import tsx --test emulator/memory/bus.test.ts */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MmioBus, PortBus } from './bus.ts';

/** A device that writes down accesses and answers with the low byte of the port. */
function recorder() {
  const log: string[] = [];
  return {
    log,
    readPort: (port: number, size: number) => (log.push(`r${size} ${port.toString(16)}`), port),
    writePort: (port: number, size: number, value: number) => {
      log.push(`w${size} ${port.toString(16)}=${value.toString(16)}`);
    },
    readMemory: (offset: number, size: number) => (log.push(`r${size} +${offset}`), -1),
    writeMemory: (offset: number, size: number, value: number) => {
      log.push(`w${size} +${offset}=${value.toString(16)}`);
    },
  };
}

test('a byte-wide device gets a wide access byte by byte, in ascending order', () => {
  const device = recorder();
  const bus = new PortBus(() => {});
  bus.claim('narrow', 0x20, 0x23, device, false);
  assert.equal(bus.read(0x20, 4), 0x23222120);
  bus.write(0x21, 2, 0xffffabcd);
  assert.deepEqual(device.log, ['r1 20', 'r1 21', 'r1 22', 'r1 23', 'w1 21=cd', 'w1 22=ab']);
});

test('a wide device gets whole accesses inside its range, bytes across its edge', () => {
  const device = recorder();
  const bus = new PortBus(() => {});
  bus.claim('wide', 0x10, 0x13, device, true);
  bus.write(0x10, 4, -1);
  bus.read(0x12, 2);
  bus.write(0x13, 2, 0x1234);
  assert.deepEqual(device.log, ['w4 10=ffffffff', 'r2 12', 'w1 13=34']);
});

test('unclaimed ports read ones and are reported, byte by byte', () => {
  const seen: string[] = [];
  const bus = new PortBus((port, direction) => seen.push(`${direction} ${port.toString(16)}`));
  const device = recorder();
  bus.claim('top', 0xffff, 0xffff, device, true);
  assert.equal(bus.read(0x500, 1), 0xff);
  assert.equal(bus.read(0x500, 2), 0xffff);
  assert.equal(bus.read(0x500, 4), 0xffffffff);
  bus.write(0x501, 1, 0);
  bus.read(0xffff, 2);
  assert.deepEqual(device.log, ['r1 ffff']);
  assert.equal(seen[0], 'read 500');
  assert.equal(seen.includes('write 501'), true);
});

test('overlapping claims are errors that name both devices', () => {
  const bus = new PortBus(() => {});
  bus.claim('first', 0x60, 0x64, recorder(), false);
  assert.throws(
    () => bus.claim('second', 0x64, 0x65, recorder(), false),
    /second: port 0x64 .*first/,
  );
  assert.throws(() => bus.claim('third', 0x10000, 0x10000, recorder(), false), RangeError);
  const mmio = new MmioBus(() => {});
  mmio.claim('first', 0xfec00000, 0x1000, recorder());
  assert.throws(
    () => mmio.claim('second', 0xfec00fff, 1, recorder()),
    /second: 0xfec00fff .*first/,
  );
});

test('windows give offsets; accesses that leave them, or hit nothing, read ones', () => {
  const device = recorder();
  const missed: string[] = [];
  const mmio = new MmioBus((address, direction) =>
    missed.push(`${direction} ${address.toString(16)}`),
  );
  mmio.claim('chip', 0xfee00000, 0x1000, device);
  assert.equal(mmio.contains(0xfee00fff), true);
  assert.equal(mmio.contains(0xfee01000), false);
  assert.equal(mmio.read(0xfee00020, 4), 0xffffffff);
  mmio.write(0xfee000b0, 4, -1);
  assert.equal(mmio.read(0xfee00ffe, 4), 0xffffffff);
  assert.equal(mmio.read(0xd0000000, 2), 0xffff);
  mmio.write(0xd0000000, 1, 0);
  assert.deepEqual(device.log, ['r4 +32', 'w4 +176=ffffffff']);
  assert.deepEqual(missed, ['read fee00ffe', 'read d0000000', 'write d0000000']);
});

test('a movable range of ports answers where it was put last, but never for others', () => {
  const fixed = recorder();
  const moving = recorder();
  const bus = new PortBus(() => {});
  bus.claim('fixed', 0xc004, 0xc007, fixed, true);
  const range = bus.movable('moving', 8, moving, true);
  assert.equal(bus.read(0xc000, 1), 0xff);
  range.place(0xc000);
  bus.read(0xc000, 4);
  bus.read(0xc004, 4);
  assert.deepEqual(moving.log, ['r4 c000']);
  assert.deepEqual(fixed.log, ['r4 c004']);
  range.place(0xfffc);
  assert.equal(bus.isClaimed(0xc000), false);
  assert.equal(bus.isClaimed(0xc004), true);
  bus.read(0xffff, 1);
  range.place(null);
  assert.equal(bus.isClaimed(0xffff), false);
  assert.deepEqual(moving.log, ['r4 c000', 'r1 ffff']);
});

test('a movable window answers where it was put last, behind what was there before', () => {
  const fixed = recorder();
  const moving = recorder();
  const mmio = new MmioBus(() => {});
  mmio.claim('fixed', 0xfec00000, 0x1000, fixed);
  const window = mmio.movable('moving', 0x2000, moving);
  assert.equal(mmio.contains(0), false);
  window.place(0xfec00000);
  mmio.read(0xfec00010, 4);
  mmio.read(0xfec01010, 4);
  window.place(0xe0000000);
  mmio.read(0xe0000010, 1);
  assert.equal(mmio.contains(0xfec01010), false);
  window.place(null);
  assert.equal(mmio.contains(0xe0000010), false);
  assert.deepEqual(fixed.log, ['r4 +16']);
  assert.deepEqual(moving.log, ['r4 +4112', 'r1 +16']);
});
