import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GuestImageError } from './loader.ts';
import { loaders, loadGuest } from './loaders.ts';
import { loadContext } from './test-ram.ts';

const bytes = (text: string, size = 0): Uint8Array => {
  const image = new Uint8Array(Math.max(size, text.length));
  image.set(Buffer.from(text, 'latin1'));
  return image;
};

function refusal(image: Uint8Array, format = 'auto'): GuestImageError {
  try {
    loadGuest(loadContext(image, { imageName: 'vmlinuz' }), format);
  } catch (error) {
    assert.ok(error instanceof GuestImageError, String(error));
    return error;
  }
  return assert.fail('was loaded');
}

/** Header of an ELF file: class, data, type and machine (ELF specification, figure 1-3). */
function elf(bits: 32 | 64, machine: number): Uint8Array {
  const image = new Uint8Array(256);
  image.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, 1, 1]);
  image.set([2, 0, machine], 16);
  return image;
}

test('the first loader that accepts the image loads it', () => {
  const sector = new Uint8Array(1024);
  sector.set([0x55, 0xaa], 510);
  assert.equal(loadGuest(loadContext(sector), 'auto').loader, 'flat');
  // "HdrS" makes a bzImage of it, although the signature is still there
  sector.set(Buffer.from('HdrS'), 0x202);
  assert.match(refusal(sector).message, /boot protocol 0\.00/);
  assert.deepEqual(
    loaders.map((loader) => loader.name),
    ['bzimage', 'multiboot', 'pvh', 'flat'],
  );
});

test('any file can be loaded as a raw binary when guest.format says so', () => {
  assert.equal(loadGuest(loadContext(bytes('#!/bin/sh')), 'flat').loader, 'flat');
});

test('a file of the wrong kind is called by its name, with a remedy', () => {
  const page = elf(64, 62);
  assert.equal(
    refusal(page).message,
    'vmlinuz is no guest that can be started (a Linux bzImage, a multiboot 1 or PVH kernel, or a boot sector); it looks like an ELF program for x86-64: name a kernel for 32-bit x86.',
  );
  const pe = bytes('MZ', 512);
  pe[0x3c] = 0x80;
  pe.set([0x50, 0x45, 0, 0, 0x64, 0x86], 0x80);
  // prettier-ignore
  const kinds: readonly [Uint8Array, RegExp][] = [
    [new Uint8Array(gzipSync('initrd')),         /a gzip archive/],
    [bytes('\xfd7zXZ\0'),                        /an xz archive/],
    [bytes('\x28\xb5\x2f\xfd'),                  /a zstd archive/],
    [bytes('#!/bin/sh\nexec qemu'),              /a script/],
    [elf(32, 3),                                 /an ELF program for x86 without a multiboot header or a PVH entry/],
    [elf(64, 183),                               /ARM64/],
    [bytes('!<arch>\ndebian-binary   '),         /a Debian package: unpack/],
    [pe,                                         /a PE program \(Windows or EFI\) for x86-64/],
    [bytes('MZ', 100),                           /a DOS, Windows or EFI program/],
    [bytes('070701000000'),                      /a cpio archive.*guest\.initrd/],
    [bytes('<!DOCTYPE html>'),                   /a failed download/],
    [bytes('version https://git-lfs.github.com'), /git lfs pull/],
    [bytes('c1000000 T _text\n'),                /a text file/],
    [new Uint8Array(4096),                       /a file of zeros/],
    [Uint8Array.of(1, 2, 3, 4),                  /raw data: set guest\.format to "flat"/],
  ];
  for (const [image, expected] of kinds) {
    const error = refusal(image);
    assert.equal(error.attribute, 'guest.kernel');
    assert.match(error.message, expected);
  }
});

test('an empty file and a format that the file is not are refused', () => {
  assert.match(refusal(new Uint8Array(0)).message, /vmlinuz is empty/);
  assert.match(
    refusal(bytes('#!/bin/sh'), 'bzimage').message,
    /is no bzimage image, as guest\.format says; it looks like a script: set guest\.format to "auto"/,
  );
});

test('modules are for kernels whose protocol knows them', () => {
  const modules = [{ bytes: new Uint8Array(1), name: '/m', commandLine: '' }];
  const context = loadContext(new Uint8Array(1024), { modules });
  assert.throws(() => loadGuest(context, 'flat'), {
    attribute: 'guest.modules',
    message: 'A guest of the kind flat has no way to find modules: remove guest.modules.',
  });
});

test('only a bzImage has two entries', () => {
  const sector = new Uint8Array(512);
  assert.throws(() => loadGuest(loadContext(sector, { entry: '16-bit' }), 'flat'), {
    attribute: 'guest.entry',
    message:
      'A guest of the kind flat has only one entry: remove guest.entry, which chooses between the two of a bzImage.',
  });
});

test('an unknown format is refused with the known ones', () => {
  const error = refusal(bytes('x'), 'coff');
  assert.equal(error.attribute, 'guest.format');
  assert.match(error.message, /use one of auto, bzimage, multiboot, pvh, flat/);
});
