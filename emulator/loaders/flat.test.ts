import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flatLoader } from './flat.ts';
import type { LoadContext } from './loader.ts';
import { GuestImageError } from './loader.ts';
import { loadContext } from './test-ram.ts';

const code = Uint8Array.of(0xeb, 0xfe); // jmp $

function attributeOf(context: LoadContext): string {
  try {
    flatLoader.load(context);
  } catch (error) {
    assert.ok(error instanceof GuestImageError, String(error));
    return error.attribute;
  }
  return 'loaded';
}

test('a raw binary goes to 0x7c00 and starts there in real mode', () => {
  const context = loadContext(code, {}, 1);
  const { cpu, ranges } = flatLoader.load(context);
  assert.deepEqual([...context.ram.bytes.subarray(0x7c00, 0x7c02)], [0xeb, 0xfe]);
  assert.equal(cpu.mode, 'real');
  assert.equal(cpu.eip, 0x7c00);
  assert.equal(cpu.cr0, 0x10);
  assert.equal(cpu.registers.esp, 0x7c00);
  assert.deepEqual(cpu.segments.cs, { selector: 0, rights: 0x9b, base: 0, limit: 0xffff });
  assert.deepEqual(cpu.segments.ds, { selector: 0, rights: 0x93, base: 0, limit: 0xffff });
  assert.deepEqual(ranges, [{ name: 'image', address: 0x7c00, size: 2 }]);
});

test('above 64 KiB the code segment starts at the paragraph of the load address', () => {
  const { cpu } = flatLoader.load(loadContext(code, { loadAddress: 0x12345 }, 1));
  assert.equal(cpu.segments.cs.selector, 0x1234);
  assert.equal(cpu.segments.cs.base, 0x12340);
  assert.equal(cpu.eip, 5);
});

test('what a raw binary cannot have is refused by the attribute', () => {
  assert.equal(attributeOf(loadContext(new Uint8Array(0))), 'guest.kernel');
  assert.equal(attributeOf(loadContext(code, { commandLine: 'quiet' })), 'guest.commandLine');
  assert.equal(attributeOf(loadContext(code, { initrd: code })), 'guest.initrd');
  assert.equal(attributeOf(loadContext(code, { loadAddress: 0x100000 })), 'guest.loadAddress');
  assert.equal(attributeOf(loadContext(code, { loadAddress: 0xb8000 })), 'guest.loadAddress');
  assert.equal(attributeOf(loadContext(new Uint8Array(0x99000))), 'guest.kernel');
  assert.equal(attributeOf(loadContext(new Uint8Array(70 << 20))), 'machine.memory');
});

test('only a boot sector is known as such without guest.format', () => {
  const sector = new Uint8Array(512);
  assert.ok(!flatLoader.probe(sector));
  sector.set([0x55, 0xaa], 510);
  assert.ok(flatLoader.probe(sector));
  assert.ok(!flatLoader.probe(sector.slice(0, 511)));
});
