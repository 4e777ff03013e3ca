/**
 * Disk, cable and bus master as a driver sees them (ATA/ATAPI-6, chapters 8 and 9; 82371SB data sheet).
 * Run: node --import tsx --test emulator/devices/ata-disk.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortBus } from '../memory/bus.ts';
import { AtaDisk } from './ata-disk.ts';
import { AtapiCdrom } from './atapi-cdrom.ts';
import { IdeChannel } from './ide-channel.ts';
import type { IdeDrive } from './ide-drive.ts';
import { Piix3Ide } from './piix3-ide.ts';
import { Probe, throughJson } from './test-bench.ts';

const BASE = 0x1f0;
const CONTROL = 0x3f6;
const BUS_MASTER = 0xc000;
const SECTOR = 512;

/** Each sector is filled with its number, from 1. */
function pattern(sectors: number, size = SECTOR): Uint8Array {
  return Uint8Array.from({ length: sectors * size }, (_, at) => Math.floor(at / size) + 1);
}

function cable(master: IdeDrive | null, slave: IdeDrive | null = null) {
  const line = new Probe();
  const ram = new Uint8Array(0x10000);
  const ports = new PortBus(() => {});
  const ide = new Piix3Ide(
    ports,
    {
      read: (at, length) => (at + length > ram.length ? null : ram.slice(at, at + length)),
      write: (at, bytes) => {
        if (at + bytes.length > ram.length) return false;
        ram.set(bytes, at);
        return true;
      },
    },
    (number, hooks) =>
      new IdeChannel({
        base: number === 0 ? BASE : 0x170,
        control: number === 0 ? CONTROL : 0x376,
        interrupt: hooks.interrupt(number === 0 ? line : new Probe()),
        drives: number === 0 ? [master, slave] : [null, null],
        dmaRequested: hooks.dmaRequested,
      }),
  );
  ide.configuration.writeConfig(0x20, 4, BUS_MASTER);
  ide.configuration.writeConfig(0x04, 2, 5);
  const [channel] = ide.channels;
  const out = (register: number, value: number): void =>
    channel.writePort(BASE + register, 1, value);
  const status = (): number => channel.readPort(BASE + 7, 1) & 0xff;
  /** Registers of a 28-bit command to the master. */
  const command = (opcode: number, lba = 0, count = 1, device = 0xe0): void => {
    out(6, device | ((lba >> 24) & 15));
    out(2, count);
    out(3, lba & 0xff);
    out(4, (lba >> 8) & 0xff);
    out(5, (lba >> 16) & 0xff);
    out(7, opcode);
  };
  const read = (bytes: number): number[] =>
    Array.from({ length: bytes / 2 }, () => channel.readPort(BASE, 2)).flatMap((word) => [
      word & 0xff,
      (word >> 8) & 0xff,
    ]);
  const write = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += 4) {
      channel.writePort(BASE, 4, new DataView(bytes.buffer, at).getUint32(0, true));
    }
  };
  return { channel, ide, ports, line, ram, out, status, command, read, write };
}

test('READ SECTORS: an interrupt for each sector, none after the last', () => {
  const { command, read, status, line } = cable(new AtaDisk(pattern(8)));
  command(0x20, 2, 2);
  assert.equal(line.rises, 1);
  assert.equal(status(), 0x58);
  assert.equal(line.level, false, 'reading the status ends the interrupt');
  assert.deepEqual(new Set(read(SECTOR)), new Set([3]));
  assert.equal(line.rises, 2);
  assert.equal(status(), 0x58);
  assert.deepEqual(new Set(read(SECTOR)), new Set([4]));
  assert.equal(status(), 0x50);
  assert.equal(line.rises, 2);
});

test('WRITE SECTORS is read back; the image stays as it was', () => {
  const image = pattern(8);
  const { command, read, write, status, line } = cable(new AtaDisk(image));
  command(0x30, 5, 1);
  assert.equal(line.rises, 0, 'the first block is asked for without an interrupt');
  assert.equal(status(), 0x58);
  write(new Uint8Array(SECTOR).fill(0xee));
  assert.equal(line.rises, 1);
  assert.equal(status(), 0x50);
  command(0x20, 5, 1);
  assert.deepEqual(new Set(read(SECTOR)), new Set([0xee]));
  assert.deepEqual(image, pattern(8));
});

test('READ MULTIPLE moves blocks, once SET MULTIPLE MODE was given', () => {
  const { command, read, status, line } = cable(new AtaDisk(pattern(8)));
  command(0xc4, 0, 4);
  assert.equal(status() & 1, 1, 'aborted');
  command(0xc6, 0, 2);
  const before = line.rises;
  command(0xc4, 0, 3);
  assert.equal(status(), 0x58);
  assert.equal(read(2 * SECTOR)[SECTOR], 2);
  assert.equal(line.rises, before + 2);
  assert.equal(status(), 0x58);
  assert.equal(read(SECTOR)[0], 3);
  assert.equal(status(), 0x50);
});

test('48-bit addresses and CHS reach the same sectors', () => {
  const { command, read, out } = cable(new AtaDisk(pattern(200)));
  out(6, 0xe0);
  for (const [register, older, newer] of [[2, 0, 1], [3, 0, 100], [4, 0, 0], [5, 0, 0]] as const) {
    out(register, older);
    out(register, newer);
  } // prettier-ignore
  out(7, 0x24);
  assert.equal(read(SECTOR)[0], 101);
  // 16 heads, 63 sectors: cylinder 0, head 1, sector 38
  command(0x20, 38, 1, 0xa1);
  assert.equal(read(SECTOR)[0], 101);
});

test('what is not on the disk is IDNF, what it does not know ABRT', () => {
  const { command, channel, status } = cable(new AtaDisk(pattern(2000)));
  command(0x20, 1999, 2);
  assert.deepEqual([status(), channel.readPort(BASE + 1, 1)], [0x51, 0x10]);
  command(0x20, 0, 1, 0xa0);
  assert.equal(channel.readPort(BASE + 1, 1), 0x10, 'CHS sectors begin with 1');
  command(0xb0, 0, 1);
  assert.deepEqual([status(), channel.readPort(BASE + 1, 1)], [0x51, 0x04]);
});

test('IDENTIFY DEVICE has the size in 28 and 48 bits and the geometry', () => {
  const { command, read } = cable(new AtaDisk(new Uint8Array(100_000 * SECTOR - 5)));
  command(0xec);
  const words = new Uint16Array(Uint8Array.from(read(SECTOR)).buffer);
  assert.deepEqual([words[1], words[3], words[6]], [99, 16, 63]);
  assert.equal(words[60] + words[61] * 65536, 100_000);
  assert.equal(words[100] + words[101] * 65536, 100_000);
});

test('READ DMA goes through the descriptors; the end clears "active"', () => {
  const { command, ports, ram, line, status } = cable(new AtaDisk(pattern(8)));
  const table = new DataView(ram.buffer);
  for (const [entry, address, length] of [[0, 0x2000, 0x200], [1, 0x4000, 0x80000200]] as const) {
    table.setUint32(0x1000 + 8 * entry, address, true);
    table.setUint32(0x1004 + 8 * entry, length, true);
  } // prettier-ignore
  ports.write(BUS_MASTER + 4, 4, 0x1000);
  ports.write(BUS_MASTER, 1, 0x08);
  command(0xc8, 3, 2);
  assert.equal(line.rises, 0);
  ports.write(BUS_MASTER, 1, 0x09);
  assert.equal(line.rises, 1);
  assert.equal(ports.read(BUS_MASTER + 2, 1) & 7, 4, 'interrupt, not active, no error');
  assert.deepEqual([ram[0x2000], ram[0x21ff], ram[0x4000], ram[0x41ff]], [4, 4, 5, 5]);
  assert.equal(status(), 0x50);
});

test('a descriptor outside memory is an error of the bus master, not ours', () => {
  const { command, ports, ram } = cable(new AtaDisk(pattern(8)));
  new DataView(ram.buffer).setUint32(0x1000, 0xfffffff0, true);
  ports.write(BUS_MASTER + 4, 4, 0x1000);
  ports.write(BUS_MASTER, 1, 0x09);
  command(0xc8, 0, 1);
  assert.equal(ports.read(BUS_MASTER + 2, 1) & 2, 2);
  ports.write(BUS_MASTER, 1, 0);
  ports.write(BUS_MASTER + 4, 4, 0xfffffffc);
  ports.write(BUS_MASTER, 1, 0x09);
  assert.equal(ports.read(BUS_MASTER + 2, 1) & 2, 2);
});

test('device 0 answers for a device 1 that is not there; an empty channel floats', () => {
  const { channel, out } = cable(new AtaDisk(pattern(8)));
  out(6, 0xb0);
  assert.equal(channel.readPort(BASE + 7, 1), 0);
  assert.equal(channel.readPort(BASE + 6, 1) & 0x10, 0x10);
  assert.equal(cable(null).status(), 0x7f);
});

test('a software reset leaves the signature of each kind of drive', () => {
  for (const [drive, mid, high, status] of [
    [new AtaDisk(pattern(8)), 0, 0, 0x50],
    [new AtapiCdrom(pattern(8, 2048)), 0x14, 0xeb, 0],
  ] as const) {
    const { channel } = cable(drive);
    channel.writePort(CONTROL, 1, 4);
    assert.equal(channel.readPort(BASE + 7, 1), 0x80);
    channel.writePort(CONTROL, 1, 0);
    const registers = [2, 3, 4, 5].map((register) => channel.readPort(BASE + register, 1));
    assert.deepEqual(registers, [1, 1, mid, high]);
    assert.equal(channel.readPort(BASE + 7, 1), status);
  }
});

test('a snapshot holds a transfer under way and what was written', () => {
  const first = cable(new AtaDisk(pattern(8)));
  first.command(0x30, 1, 1);
  first.write(new Uint8Array(SECTOR).fill(7));
  first.command(0x20, 0, 2);
  first.read(SECTOR + 10);
  const second = cable(new AtaDisk(pattern(8)));
  second.channel.restore(throughJson(first.channel.state()));
  assert.deepEqual(second.read(SECTOR - 10), first.read(SECTOR - 10));
  assert.equal(second.read(2)[0], 0xff);
  assert.throws(() => cable(null).channel.restore(first.channel.state()), RangeError);
});

/** A packet command with its data; `limit` bytes a block. */
function packet(
  bench: ReturnType<typeof cable>,
  bytes: readonly number[],
  limit = 0xfffe,
): number[] {
  const { channel, out, status, read, write } = bench;
  out(6, 0xa0);
  out(1, 0);
  out(4, limit & 0xff);
  out(5, limit >> 8);
  out(7, 0xa0);
  write(Uint8Array.from([...bytes, ...new Array<number>(12 - bytes.length).fill(0)]));
  const data: number[] = [];
  while ((status() & 8) !== 0) {
    const length = channel.readPort(BASE + 4, 1) | (channel.readPort(BASE + 5, 1) << 8);
    data.push(...read(length));
  }
  return data;
}

test('a CD-ROM reports the reset once, then reads sectors in blocks of the given length', () => {
  const bench = cable(new AtapiCdrom(pattern(8, 2048)));
  assert.deepEqual(packet(bench, [0x00]), []);
  assert.equal(bench.status() & 1, 1);
  assert.deepEqual(packet(bench, [0x03, 0, 0, 0, 18]).filter((_, at) => at === 2 || at === 12), [6, 0x29]); // prettier-ignore
  packet(bench, [0x00]);
  assert.equal(bench.status() & 1, 0);
  const data = packet(bench, [0x28, 0, 0, 0, 0, 3, 0, 0, 2], 2048);
  assert.equal(data.length, 4096);
  assert.deepEqual([data[0], data[4095]], [4, 5]);
});

test('a CD-ROM answers what drivers ask, and says why it cannot', () => {
  const bench = cable(new AtapiCdrom(pattern(8, 2048)));
  packet(bench, [0x00]);
  assert.deepEqual(packet(bench, [0x25]), [0, 0, 0, 7, 0, 0, 8, 0]);
  assert.deepEqual(packet(bench, [0x12, 0, 0, 0, 36]).slice(0, 2), [5, 0x80]);
  assert.deepEqual(packet(bench, [0x43, 0, 0, 0, 0, 0, 0, 0, 20]), [
    ...[0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0],
    ...[0, 0x14, 0xaa, 0, 0, 0, 0, 8],
  ]);
  assert.deepEqual(packet(bench, [0x46, 0, 0, 0, 0, 0, 0, 0, 8]), [0, 0, 0, 24, 0, 0, 0, 8]);
  assert.equal(packet(bench, [0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255])[8], 0x2a);
  const sense = (): number[] => {
    const data = packet(bench, [0x03, 0, 0, 0, 18]);
    return [data[2], data[12]];
  };
  packet(bench, [0x28, 0, 0, 0, 0, 7, 0, 0, 2]);
  assert.deepEqual(sense(), [5, 0x21]);
  packet(bench, [0x2a]);
  assert.deepEqual(sense(), [5, 0x20]);
  assert.deepEqual(sense(), [0, 0]);
});

test('whatever software writes, nothing is thrown', () => {
  const bench = cable(new AtaDisk(pattern(8)), new AtapiCdrom(pattern(8, 2048)));
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let step = 0; step < 50_000; step++) {
    const port = random(8) === 0 ? CONTROL : BASE + random(8);
    const size = port === BASE ? [1, 2, 4][random(3)] : 1;
    if (random(2) === 0) bench.channel.readPort(port, size);
    else bench.channel.writePort(port, size, random(2 ** 32));
    if (random(4) === 0) bench.ports.write(BUS_MASTER + random(16), 1, random(256));
  }
});
