/**
 * ROM and the RAM that takes its place (82441FX data sheet 290549, "PAM"; 82371SB, "BIOSCS#").
 * Run: node --import tsx --test emulator/devices/i440fx.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FirmwareRom, isRomSize } from './firmware-rom.ts';
import { I440fx } from './i440fx.ts';

const KIB = 1024;

function rom(kib: number): FirmwareRom {
  return new FirmwareRom(Uint8Array.from({ length: kib * KIB }, (_, at) => at >> 12));
}

test('the ROM ends at 4 GiB and at 1 MiB, whatever its size', () => {
  const large = rom(256);
  assert.equal(large.page(0xfffff000)[0], 63);
  assert.equal(large.page(0xfffc0000)[0], 0);
  assert.equal(large.page(0xfffbf000)[0], 63, 'it repeats in its window');
  assert.equal(large.page(0xff000)[0xfff], 63);
  assert.equal(large.page(0xe0000)[0], 32);
  assert.equal(large.readMemory(0xffffe, 2), 0x3f3f);
  assert.equal(rom(64).page(0xe0000)[0], 0);
  assert.equal(rom(128).page(0xe0000)[0], 0);
  for (const size of [0, 4096, 65537, 3 * 65536, 2 ** 21]) assert.equal(isRomSize(size), false);
});

test('attributes follow the PAM registers, told once for each change', () => {
  const told: string[] = [];
  const chip = new I440fx({
    rom: rom(256),
    setAttributes: (address, bytes, { readRam, writeRam }) => {
      told.push(`${address.toString(16)}+${bytes.toString(16)} ${readRam ? 'r' : '-'}${writeRam ? 'w' : '-'}`); // prettier-ignore
    },
    writeRam: () => {},
  });
  chip.bridge.writeConfig(0x59, 1, 0x00);
  told.length = 0;
  chip.bridge.writeConfig(0x58, 4, 0x33333000);
  assert.deepEqual(told, [
    'c0000+4000 rw', 'c4000+4000 rw', 'c8000+4000 rw', 'cc000+4000 rw', 'f0000+10000 rw',
  ]); // prettier-ignore
  told.length = 0;
  chip.bridge.writeConfig(0x59, 1, 0x10);
  chip.bridge.writeConfig(0x5a, 1, 0x31);
  chip.bridge.writeConfig(0x5a, 1, 0x31);
  assert.deepEqual(told, ['f0000+10000 r-', 'c0000+4000 r-']);
  chip.bridge.reset();
  assert.equal(told.length, 7);
});

test('what does not go to RAM finds ROM from E0000h on and nothing below; writes may go to RAM alone', () => {
  const written: number[][] = [];
  const chip = new I440fx({
    rom: rom(256),
    setAttributes: () => {},
    writeRam: (...write) => written.push(write),
  });
  const at = (address: number): number => address - 0xc0000;
  assert.equal(chip.readMemory(at(0xc0000), 1) & 0xff, 0xff);
  assert.equal(chip.readMemory(at(0xe0000), 4), 0x20202020);
  assert.equal(chip.romPage(0xd0000), null);
  assert.equal(chip.romPage(0xf0000)?.[0], 48);
  chip.writeMemory(at(0xf0000), 2, 0x1234);
  assert.deepEqual(written, []);
  chip.bridge.writeConfig(0x59, 1, 0x20);
  chip.writeMemory(at(0xf0000), 2, 0x1234);
  assert.deepEqual(written, [[0xf0000, 2, 0x1234]]);
  assert.equal(chip.romPage(0xf0000)?.[0], 48, 'reads still find ROM');
  chip.bridge.writeConfig(0x59, 1, 0x30);
  assert.equal(chip.romPage(0xf0000), null);
});
