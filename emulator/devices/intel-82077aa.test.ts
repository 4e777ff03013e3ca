/**
 * Floppy controller and DMA as a driver sees them (82077AA data sheet, chapter 5; 8237A data sheet).
 * Run: node --import tsx --test emulator/devices/intel-82077aa.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLOPPY_FORMATS } from './floppy-formats.ts';
import { Intel8237 } from './intel-8237.ts';
import { Intel82077aa } from './intel-82077aa.ts';
import { Probe, throughJson } from './test-bench.ts';

const SECTOR = 512;
const FORMAT = FLOPPY_FORMATS[6];
const TRACK = 18 * SECTOR;
/** READ, WRITE and READ ID in MFM; with the multitrack bit. */
const READ = 0x46;
const READ_BOTH_SIDES = 0xe6;
const WRITE = 0x45;
const READ_ID = 0x4a;

/** Each sector's first byte is its number on the disk, modulo 256; `drive` false: nothing is there. */
function controller(drive = true) {
  const image = new Uint8Array(2880 * SECTOR);
  for (let sector = 0; sector < 2880; sector++) image.fill(sector, sector * SECTOR, (sector + 1) * SECTOR); // prettier-ignore
  const ram = new Uint8Array(0x30000);
  const dma = new Intel8237({
    read: (at, length) => (at + length > ram.length ? null : ram.slice(at, at + length)),
    write: (at, bytes) => {
      if (at + bytes.length > ram.length) return false;
      ram.set(bytes, at);
      return true;
    },
  });
  const line = new Probe();
  const medium = drive ? { image, format: FORMAT } : null;
  const chip = new Intel82077aa({ interrupt: line, dma, medium });
  const send = (...bytes: readonly number[]): void => {
    for (const byte of bytes) {
      assert.equal(chip.readPort(0x3f4, 1) & 0xc0, 0x80);
      chip.writePort(0x3f5, 1, byte);
    }
  };
  const result = (): number[] => {
    const bytes: number[] = [];
    while ((chip.readPort(0x3f4, 1) & 0xc0) === 0xc0) bytes.push(chip.readPort(0x3f5, 1));
    return bytes;
  };
  /** Channel 2 as SeaBIOS sets it up. */
  const channel = (mode: number, address: number, length: number): void => {
    for (const [port, value] of [
      [0x0a, 6], [0x0c, 0], [0x04, address & 0xff], [0x04, (address >> 8) & 0xff],
      [0x05, (length - 1) & 0xff], [0x05, (length - 1) >> 8],
      [0x0b, mode], [0x81, address >> 16], [0x0a, 2],
    ] as const) dma.writePort(port, 1, value);
  }; // prettier-ignore
  const toMemory = (address: number, length: number): void => {
    channel(0x46, address, length);
  };
  const fromMemory = (address: number, length: number): void => {
    channel(0x4a, address, length);
  };
  chip.writePort(0x3f2, 1, 0x1c);
  for (let each = 0; each < 4; each++) {
    send(0x08);
    result();
  }
  return { chip, dma, ram, line, send, result, toMemory, fromMemory, image };
}

test('after a reset four SENSE INTERRUPT STATUS tell of the drives', () => {
  const { chip, line, send, result } = controller();
  chip.writePort(0x3f2, 1, 0x18);
  assert.equal(chip.readPort(0x3f4, 1), 0);
  chip.writePort(0x3f2, 1, 0x1c);
  assert.equal(line.level, true);
  for (let drive = 0; drive < 4; drive++) {
    send(0x08);
    assert.deepEqual(result(), [0xc0 | drive, 0]);
    assert.equal(line.level, false);
  }
  send(0x08);
  assert.deepEqual(result(), [0x80]);
});

test('SEEK ends in an interrupt and clears the disk change line', () => {
  const { chip, line, send, result } = controller();
  assert.equal(chip.readPort(0x3f7, 1), 0x80);
  send(0x0f, 0, 40);
  assert.equal(line.level, true);
  send(0x08);
  assert.deepEqual(result(), [0x20, 40]);
  assert.equal(chip.readPort(0x3f7, 1), 0);
  send(0x04, 0);
  assert.deepEqual(result(), [0x28]);
});

test('READ DATA moves sectors by DMA up to terminal count, over both sides', () => {
  const { ram, send, result, toMemory, line } = controller();
  toMemory(0x12000, 4 * SECTOR);
  send(READ_BOTH_SIDES, 0, 0, 0, 17, 2, 18, 27, 0xff);
  assert.equal(line.level, true);
  assert.deepEqual(result(), [0x04, 0, 0, 0, 1, 3, 2]);
  const first = [0, 1, 2, 3].map((sector) => ram[0x12000 + sector * SECTOR]);
  assert.deepEqual(first, [16, 17, 18, 19]);
  assert.equal(ram[0x12000 + 4 * SECTOR], 0);
});

test('WRITE DATA is read back; the image stays as it was', () => {
  const { ram, send, result, toMemory, fromMemory, image } = controller();
  ram.fill(0xee, 0x1000, 0x1000 + SECTOR);
  fromMemory(0x1000, SECTOR);
  send(WRITE, 0, 0, 0, 3, 2, 18, 27, 0xff);
  assert.equal(result()[0], 0);
  toMemory(0x2000, SECTOR);
  send(READ, 0, 0, 0, 3, 2, 18, 27, 0xff);
  assert.equal(result()[0], 0);
  assert.deepEqual([ram[0x2000], ram[0x21ff]], [0xee, 0xee]);
  assert.equal(image[2 * SECTOR], 2);
});

test('what cannot be read ends with the reason', () => {
  const { chip, send, result, toMemory } = controller();
  const st = (): number[] => result().slice(0, 3);
  toMemory(0x1000, 2 * TRACK);
  send(READ, 0, 0, 0, 1, 2, 18, 27, 0xff);
  assert.deepEqual(st(), [0x40, 0x80, 0], 'end of cylinder without terminal count');
  toMemory(0x1000, SECTOR);
  send(READ, 0, 0, 0, 19, 2, 19, 27, 0xff);
  assert.deepEqual(st(), [0x40, 0x04, 0], 'no such sector');
  send(READ, 0, 5, 0, 1, 2, 18, 27, 0xff);
  assert.deepEqual(st(), [0x40, 0x04, 0x10], 'the head is elsewhere');
  chip.writePort(0x3f7, 1, 2);
  send(READ_ID, 0);
  assert.deepEqual(st(), [0x40, 0x01, 0], 'the wrong data rate');
  chip.writePort(0x3f7, 1, 0);
  send(READ_ID, 0);
  assert.deepEqual(st(), [0, 0, 0]);
  send(READ_ID, 1);
  assert.deepEqual(st(), [0x41, 0x01, 0], 'no such drive');
});

test('without DMA a read is an overrun, an unknown command is told', () => {
  const { dma, send, result } = controller();
  dma.writePort(0x0d, 1, 0);
  send(READ, 0, 0, 0, 1, 2, 18, 27, 0xff);
  assert.deepEqual(result().slice(0, 2), [0x40, 0x10]);
  send(0x1f);
  assert.deepEqual(result(), [0x80]);
});

test('FORMAT TRACK fills the sectors that it is told', () => {
  const { ram, send, result, toMemory, fromMemory } = controller();
  for (let sector = 0; sector < 18; sector++) ram.set([0, 0, sector + 1, 2], 0x1000 + 4 * sector);
  fromMemory(0x1000, 72);
  send(0x4d, 0, 2, 18, 0x6c, 0xf6);
  assert.equal(result()[0], 0);
  toMemory(0x2000, SECTOR);
  send(READ, 0, 0, 0, 18, 2, 18, 27, 0xff);
  result();
  assert.equal(ram[0x2000], 0xf6);
});

test('a drive that is not there does not recalibrate', () => {
  const { send, result } = controller(false);
  send(0x07, 0);
  send(0x08);
  assert.deepEqual(result(), [0x70, 0]);
});

test('DMA does not carry into the page register, and counts down', () => {
  const { dma, ram } = controller();
  const set = (address: number, count: number, mode: number): void => {
    for (const [port, value] of [
      [0x0c, 0], [0x04, address & 0xff], [0x04, address >> 8], [0x05, count & 0xff],
      [0x05, count >> 8], [0x0b, mode], [0x81, 1], [0x0a, 2],
    ] as const) dma.writePort(port, 1, value);
  }; // prettier-ignore
  set(0xfffe, 9, 0x46);
  assert.deepEqual(dma.write(2, Uint8Array.of(1, 2, 3)), { moved: 2, ended: false });
  assert.deepEqual([ram[0x1fffe], ram[0x1ffff], ram[0x20000]], [1, 2, 0]);
  assert.deepEqual([dma.readPort(0x04, 1), dma.readPort(0x04, 1)], [0, 0]);
  set(0x0011, 1, 0x66);
  assert.deepEqual(dma.write(2, Uint8Array.of(5, 6)), { moved: 2, ended: true });
  assert.deepEqual([ram[0x10010], ram[0x10011]], [6, 5]);
  assert.equal(dma.readPort(0x08, 1) & 4, 4);
});

test('a snapshot holds results to be read and what was written', () => {
  const first = controller();
  first.ram.fill(9, 0x1000, 0x1200);
  first.fromMemory(0x1000, SECTOR);
  first.send(WRITE, 0, 0, 0, 1, 2, 18, 27, 0xff);
  const second = controller();
  second.chip.restore(throughJson(first.chip.state()));
  assert.deepEqual(second.result(), first.result());
  second.toMemory(0x2000, SECTOR);
  second.send(READ, 0, 0, 0, 1, 2, 18, 27, 0xff);
  assert.equal(second.ram[0x2000], 9);
});

test('whatever software writes, nothing is thrown', () => {
  const { chip, dma } = controller();
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let step = 0; step < 50_000; step++) {
    const port = [0x3f2, 0x3f3, 0x3f4, 0x3f5, 0x3f5, 0x3f5, 0x3f7][random(7)];
    if (random(3) === 0) chip.readPort(port, 1);
    else chip.writePort(port, 1, random(256));
    if (random(4) === 0) dma.writePort([random(16), 0x81, 0xc0 + random(32)][random(3)], 1, random(256)); // prettier-ignore
  }
});
