/**
 * The device for programs under test: its register, its lines, its memory, and that it is there only when
 * asked for. Expected values: the ports of QEMU's hw/misc/pc-testdev.
 * Run: node --import tsx --test emulator/devices/test-device.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PcBoard } from './pc-board.ts';
import { ManualClock, Probe, throughJson } from './test-bench.ts';
import { TEST_MEMORY_ADDRESS, TestDevice } from './test-device.ts';

function board(testDevice: boolean) {
  const nothing = (): void => undefined;
  const notices: string[] = [];
  const pc = new PcBoard({
    clock: new ManualClock(),
    memoryBytes: 1 << 24,
    serialOutput: nothing,
    powerOff: nothing,
    reset: nothing,
    notice: (text) => notices.push(text),
    testDevice,
  });
  return { pc, notices };
}

test('the register keeps what the last access of each size left', () => {
  const { pc } = board(true);
  pc.writePort(0xe0, 4, 0x12345678);
  assert.equal(pc.readPort(0xe0, 4), 0x12345678);
  pc.writePort(0xe1, 1, 0xff);
  pc.writePort(0xe2, 2, 0xabcd);
  assert.equal(pc.readPort(0xe0, 4), 0xabcdff78);
  assert.equal(pc.readPort(0xe8, 1), 0x78);
  pc.writePort(0xe4, 4, 0xffffffff);
  assert.equal(pc.readPort(0xe0, 2), 0xff78);
});

test('memory on the bus, which a snapshot keeps', () => {
  const { pc } = board(true);
  pc.writeMmio(TEST_MEMORY_ADDRESS + 0xfffc, 4, 0x89abcdef);
  pc.writeMmio(TEST_MEMORY_ADDRESS + 0xfffd, 1, 0x11);
  assert.equal(pc.readMmio(TEST_MEMORY_ADDRESS + 0xfffc, 4), 0x89ab11ef);
  const other = board(true).pc;
  other.restore(throughJson(pc.state()));
  assert.equal(other.readMmio(TEST_MEMORY_ADDRESS + 0xfffe, 2), 0x89ab);
});

test('ports 2000h to 2017h drive the interrupt inputs', () => {
  const probes = Array.from({ length: 24 }, () => new Probe(false));
  const device = new TestDevice(probes);
  device.writePort(0x2017, 1, 1);
  assert.equal(probes[23]?.level, true);
  device.writePort(0x2017, 1, 0);
  assert.equal(probes[23]?.level, false);
});

test('a machine without it has nothing at its ports', () => {
  const { pc, notices } = board(false);
  assert.equal(pc.readPort(0xe0, 4), 0xffffffff);
  assert.equal(pc.readMmio(TEST_MEMORY_ADDRESS, 4), 0xffffffff);
  assert.equal(notices.length, 5);
});
