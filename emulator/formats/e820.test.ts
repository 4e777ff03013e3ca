import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeE820, pcMemoryMap } from './e820.ts';

test('a PC with 128 MiB has the hole below 1 MiB', () => {
  // as a BIOS reports it: 639 KiB, EBDA, BIOS, the rest
  assert.deepEqual(pcMemoryMap(128 << 20), [
    { address: 0, size: 0x9fc00, type: 1 },
    { address: 0x9fc00, size: 0x400, type: 2 },
    { address: 0xf0000, size: 0x10000, type: 2 },
    { address: 0x100000, size: 0x7f00000, type: 1 },
  ]);
});

test('reserved memory is cut out of RAM and listed', () => {
  const map = pcMemoryMap(16 << 20, [
    { address: 0xf00000, size: 0x10000, type: 3 },
    { address: 0xe0000, size: 0x20000, type: 2 },
  ]);
  assert.deepEqual(map, [
    { address: 0, size: 0x9fc00, type: 1 },
    { address: 0x9fc00, size: 0x400, type: 2 },
    { address: 0xe0000, size: 0x20000, type: 2 },
    { address: 0x100000, size: 0xe00000, type: 1 },
    { address: 0xf00000, size: 0x10000, type: 3 },
    { address: 0xf10000, size: 0xf0000, type: 1 },
  ]);
});

test('a machine that ends below the hole has no more than its RAM', () => {
  const ram = pcMemoryMap(512 << 10).filter((entry) => entry.type === 1);
  assert.deepEqual(ram, [{ address: 0, size: 512 << 10, type: 1 }]);
});

test('an entry is base, length and type, little-endian', () => {
  const bytes = encodeE820([{ address: 0x1_2345_6789, size: 0x1000, type: 2 }]);
  assert.equal(
    Buffer.from(bytes).toString('hex'),
    '8967452301000000' + '0010000000000000' + '02000000',
  );
});
