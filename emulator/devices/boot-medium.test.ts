/**
 * Which medium an image is, and what it cannot be. Run: node --import tsx --test emulator/devices/boot-medium.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootMedium, type MediumKind } from './boot-medium.ts';

function bytes(length: number, ...places: readonly (readonly [number, readonly number[]])[]) {
  const image = new Uint8Array(length);
  for (const [at, values] of places) image.set(values, at);
  return image;
}
const SIGNATURE = [510, [0x55, 0xaa]] as const;
/** Active, Linux, from sector 2048, 1000 sectors. */
const PARTITION = [0x1be, [0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0xe8, 3, 0, 0]] as const;
const CD001 = [0x43, 0x44, 0x30, 0x30, 0x31] as const;
/** Descriptors of a CD of 24 sectors. */
const PRIMARY = [32768, [1, ...CD001]] as const;
const VOLUME_SIZE = [32768 + 80, [24]] as const;
const BOOT_RECORD = [34816, [0, ...CD001]] as const;
const CD_BYTES = 24 * 2048;

const kind = (image: Uint8Array, wanted: 'auto' | MediumKind = 'auto'): string => {
  const medium = bootMedium(image, wanted);
  if ('problem' in medium) return medium.problem;
  return medium.kind === 'floppy' ? medium.format.name : medium.kind;
};

test('an image is what it looks like', () => {
  assert.equal(kind(bytes(512, SIGNATURE)), '1.44M');
  assert.equal(kind(bytes(5000, SIGNATURE)), '1.44M');
  assert.equal(kind(bytes(5000, SIGNATURE, PARTITION)), 'disk');
  // code where the partition table would be
  assert.equal(kind(bytes(5000, SIGNATURE, [0x1be, [0x31, 0xc0, 0, 0, 5, 0, 0, 0, 0, 8, 0, 0, 9]])), '1.44M'); // prettier-ignore
  for (const [size, name] of [
    [163_840, '160K'],
    [368_640, '360K'],
    [737_280, '720K'],
    [1_228_800, '1.2M'],
    [1_474_560, '1.44M'],
    [2_949_120, '2.88M'],
  ] as const) {
    assert.equal(kind(bytes(size)), name);
  }
  assert.equal(kind(bytes(2_000_000)), 'disk');
  assert.equal(kind(bytes(CD_BYTES, PRIMARY, VOLUME_SIZE, BOOT_RECORD)), 'cdrom');
  assert.equal(kind(bytes(CD_BYTES, SIGNATURE, PARTITION, PRIMARY, VOLUME_SIZE, BOOT_RECORD)), 'cdrom'); // prettier-ignore
});

test('it can be asked for as something else', () => {
  const hybrid = bytes(CD_BYTES, SIGNATURE, PARTITION, PRIMARY, VOLUME_SIZE, BOOT_RECORD);
  assert.equal(kind(hybrid, 'disk'), 'disk');
  assert.equal(kind(bytes(512), 'disk'), 'disk');
  assert.equal(kind(bytes(2_000_000), 'floppy'), '2.88M');
});

test('what it cannot be is said, with the remedy', () => {
  assert.match(kind(new Uint8Array(0)), /^is empty: /);
  assert.match(kind(bytes(2_000_000, [0, [0x51, 0x46, 0x49, 0xfb]])), /^is a qcow2 image: convert/);
  assert.match(kind(bytes(100), 'disk'), /^is smaller than one sector/);
  assert.match(kind(bytes(3_000_000), 'floppy'), /^is larger than a floppy of 2.88M: .*"disk"/);
  assert.match(kind(bytes(CD_BYTES), 'cdrom'), /^has no ISO 9660 volume descriptor/);
  const cut = bytes(CD_BYTES - 2048, PRIMARY, VOLUME_SIZE, BOOT_RECORD);
  assert.match(kind(cut), /^is cut off: its volume has 24 sectors of 2048 bytes, the file 23/);
  const data = bytes(CD_BYTES, PRIMARY, VOLUME_SIZE);
  assert.match(kind(data), /without an El Torito boot record/);
});
