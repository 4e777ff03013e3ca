import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadContext } from './loader.ts';
import { GuestImageError } from './loader.ts';
import { pvhLoader } from './pvh.ts';
import type { TestSegment } from './test-elf.ts';
import { testElf } from './test-elf.ts';
import { loadContext } from './test-ram.ts';

const KERNEL: readonly TestSegment[] = [
  { virtual: 0xc1000000, physical: 0x1000000, text: 'kernel', memorySize: 0x2000 },
];
/** A kernel with the note XEN_ELFNOTE_PHYS32_ENTRY (xen/include/public/elfnote.h), and another one before. */
const entryNote = (entry: number, size = 4): Uint8Array => {
  const description = new Uint8Array(size);
  if (size >= 4) new DataView(description.buffer).setUint32(0, entry, true);
  return testElf({
    entry: 0x1000000,
    segments: KERNEL,
    notes: [
      { name: 'Xen', type: 6, description: Buffer.from('linux\0') },
      { name: 'Xen', type: 18, description },
    ],
  });
};

function refusal(context: LoadContext): { attribute: string; message: string } {
  try {
    pvhLoader.load(context);
  } catch (error) {
    assert.ok(error instanceof GuestImageError, String(error));
    return { attribute: error.attribute, message: error.message };
  }
  return assert.fail('was loaded');
}

test('a PVH kernel is entered at its note, in the state that the ABI names', () => {
  const context = loadContext(entryNote(0x1000123));
  const { cpu, summary } = pvhLoader.load(context);
  assert.equal(context.ram.text(0x1000000), 'kernel');
  assert.equal(cpu.eip, 0x1000123);
  assert.equal(cpu.cr0 & ~0x10, 1, 'PE; ET cannot be cleared');
  assert.equal(cpu.eflags & 0x20300, 0, 'VM, IF and TF are clear');
  for (const { base, limit } of Object.values(cpu.segments)) {
    assert.deepEqual({ base, limit }, { base: 0, limit: 0xffffffff });
  }
  assert.deepEqual(cpu.taskRegister, { base: 0, limit: 0x67 });
  assert.match(summary, /^PVH ELF, 8192 bytes at 0x1000000, entry 0x1000123$/);
});

test('hvm_start_info has memory map, modules, command line and RSDP', () => {
  const context = loadContext(entryNote(0x1000000), {
    initrd: Buffer.from('disk'),
    modules: [{ bytes: Buffer.from('more'), name: '/m', commandLine: 'a b' }],
    commandLine: 'console=ttyS0',
    acpiRsdp: 0xe0000,
  });
  const { cpu } = pvhLoader.load(context);
  const { ram } = context;
  const info = cpu.registers.ebx;
  const u64 = (at: number): number => ram.u32(at) + ram.u32(at + 4) * 2 ** 32;
  // struct hvm_start_info, xen/include/public/arch-x86/hvm/start_info.h
  assert.deepEqual([0, 4, 8, 12].map((offset) => ram.u32(info + offset)), [0x336ec578, 1, 0, 2]); // prettier-ignore
  assert.equal(ram.text(u64(info + 24)), 'console=ttyS0');
  assert.equal(u64(info + 32), 0xe0000);
  const list = u64(info + 16);
  const modules = [0, 32].map((at) => ({
    text: ram.text(u64(list + at)),
    size: u64(list + at + 8),
    commandLine: ram.text(u64(list + at + 16)),
  }));
  assert.deepEqual(modules, [
    { text: 'disk', size: 4, commandLine: 'initrd' },
    { text: 'more', size: 4, commandLine: '/m a b' },
  ]);
  const entries = context.memoryMap.map((_, index) => {
    const at = u64(info + 40) + index * 24;
    return { address: u64(at), size: u64(at + 8), type: ram.u32(at + 16) };
  });
  assert.equal(ram.u32(info + 48), entries.length);
  assert.deepEqual(entries, context.memoryMap);
});

test('without modules the list has no address', () => {
  const context = loadContext(entryNote(0x1000000));
  const { cpu } = pvhLoader.load(context);
  assert.equal(context.ram.u32(cpu.registers.ebx + 12), 0);
  assert.equal(context.ram.u32(cpu.registers.ebx + 16), 0);
});

test('only an ELF file with the note is a PVH kernel', () => {
  assert.equal(pvhLoader.probe(entryNote(0x1000000)), true);
  assert.equal(pvhLoader.probe(testElf({ entry: 0, segments: KERNEL })), false);
  assert.equal(pvhLoader.probe(Buffer.from('\x7fELF')), false);
  assert.equal(pvhLoader.probe(new Uint8Array(0)), false);
  assert.match(
    refusal(loadContext(testElf({ entry: 0, segments: KERNEL }))).message,
    /has no note XEN_ELFNOTE_PHYS32_ENTRY: build the kernel with CONFIG_PVH/,
  );
});

test('kernels that cannot be loaded are refused with the reason', () => {
  assert.match(refusal(loadContext(entryNote(0xc1000000))).message, /gives 0xc1000000 as its entry/); // prettier-ignore
  assert.match(refusal(loadContext(entryNote(0, 3))).message, /has 3 bytes instead of 4/);
  const foreign = testElf({ entry: 0, segments: KERNEL, machine: 62 });
  assert.match(refusal(loadContext(foreign)).message, /for x86-64, but .* 32-bit one/);
  assert.deepEqual(refusal(loadContext(entryNote(0x1000000), { loadAddress: 0x2000000 })), {
    attribute: 'guest.loadAddress',
    message:
      'A PVH kernel is loaded where it was linked to: remove guest.loadAddress, or give a bzImage of the same kernel.',
  });
  assert.equal(refusal(loadContext(entryNote(0x1000000), {}, 16)).attribute, 'machine.memory');
  assert.match(
    refusal(loadContext(entryNote(0x1000000), { commandLine: 'a\0b' })).message,
    /a zero character/,
  );
  const modules = [{ bytes: new Uint8Array(48 << 20), name: '/m', commandLine: '' }];
  assert.equal(refusal(loadContext(entryNote(0x1000000), { modules })).attribute, 'guest.modules');
});

test('a kernel cut off or changed anywhere is loaded or refused, never an exception of ours', () => {
  const whole = entryNote(0x1000000);
  const attempt = (image: Uint8Array): void => {
    pvhLoader.probe(image);
    try {
      pvhLoader.load(loadContext(image, {}, 32));
    } catch (error) {
      assert.ok(error instanceof GuestImageError, String(error));
    }
  };
  for (const length of [0, 4, 51, 52, 0x400, 0x420, 0x1010, 0x1060, 0x10003]) {
    attempt(whole.slice(0, length));
  }
  // the file header, both program headers, and the notes' sizes
  const places = [...Array(52).keys(), ...[...Array(64).keys()].map((at) => 0x1000 + at)];
  for (const at of [...places, 0x400, 0x404, 0x408, 0x413]) {
    const image = whole.slice();
    image[at] = 0xff;
    attempt(image);
  }
});

test('notes without an end are refused', () => {
  const empty = { name: '', type: 0, description: new Uint8Array(0) };
  const image = testElf({ entry: 0, segments: KERNEL, notes: [empty] });
  const view = new DataView(image.buffer);
  // the note segment is made the whole rest of the file, and there are many of it
  const headers = 0x1000;
  const count = 200;
  for (let index = 1; index < count; index++) {
    [4, 0x3000, 0, 0, 0xc000, 0, 4, 4].forEach((value, word) =>
      view.setUint32(headers + index * 32 + word * 4, value, true),
    );
  }
  view.setUint16(44, count, true);
  assert.equal(pvhLoader.probe(image), false);
  assert.match(refusal(loadContext(image)).message, /more than 4096 notes/);
});
