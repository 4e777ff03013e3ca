import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MEMORY_TYPE } from '../formats/e820.ts';
import type { LoadContext } from './loader.ts';
import { GuestImageError } from './loader.ts';
import { multibootLoader } from './multiboot.ts';
import type { TestSegment } from './test-elf.ts';
import { testElf } from './test-elf.ts';
import { loadContext } from './test-ram.ts';

/** An ELF32 program with a multiboot header. */
function elfKernel(entry: number, segments: readonly TestSegment[], machine = 3): Uint8Array {
  const bytes = testElf({ entry, segments, machine });
  const view = new DataView(bytes.buffer);
  view.setUint32(0x200, 0x1badb002, true);
  view.setUint32(0x208, -0x1badb002, true);
  return bytes;
}

const KERNEL: readonly TestSegment[] = [
  { virtual: 0xc0400000, physical: 0x400000, text: 'kernel', memorySize: 0x2000 },
];

function refusal(context: LoadContext): { attribute: string; message: string } {
  try {
    multibootLoader.load(context);
  } catch (error) {
    assert.ok(error instanceof GuestImageError, String(error));
    return { attribute: error.attribute, message: error.message };
  }
  return assert.fail('was loaded');
}

test('an ELF kernel is loaded by its physical addresses and entered as the specification says', () => {
  const context = loadContext(elfKernel(0xc0400004, KERNEL));
  context.ram.bytes.fill(0xaa, 0x400000, 0x402001);
  const { cpu, summary } = multibootLoader.load(context);
  assert.equal(context.ram.text(0x400000), 'kernel');
  assert.equal(context.ram.bytes[0x401fff], 0, '.bss is cleared');
  assert.equal(context.ram.bytes[0x402000], 0xaa, 'and nothing behind it');
  assert.equal(cpu.eip, 0x400004, 'a virtual entry point becomes a physical one');
  assert.equal(cpu.registers.eax, 0x2badb002);
  assert.equal(cpu.eflags & 0x20200, 0);
  assert.equal(cpu.cr0 & 0x80000001, 1);
  assert.deepEqual(cpu.segments.cs, { selector: 0x10, rights: 0xc09b, base: 0, limit: 0xffffffff });
  assert.match(summary, /multiboot 1 ELF, 8192 bytes at 0x400000/);
});

test('the information block has memory, map, command line, module and loader', () => {
  const initrd = Buffer.from('MEMSIZE=64');
  const context = loadContext(elfKernel(0x400000, KERNEL), { initrd, commandLine: 'one two' });
  const { cpu } = multibootLoader.load(context);
  const { ram } = context;
  const info = cpu.registers.ebx;
  const at = (offset: number) => ram.u32(info + offset);
  assert.equal(info, 0x1000);
  assert.equal(at(0), 0x24d, 'flags 0, 2, 3, 6, 9');
  assert.equal(at(4), 639);
  assert.equal(at(8), 63 << 10);
  assert.equal(ram.text(at(16)), 'kernel.img one two');
  assert.equal(at(20), 1);
  const module = at(24);
  assert.equal(ram.u32(module), 0x402000, 'the first page behind the kernel');
  assert.equal(ram.u32(module + 4), 0x402000 + initrd.length);
  assert.equal(ram.text(0x402000), 'MEMSIZE=64');
  assert.equal(ram.text(ram.u32(module + 8)), 'initrd');
  assert.equal(ram.text(at(64)), 'Guestscope');
  // each entry of the map: its size (20), base, length, type; the last one is RAM from 1 MiB
  assert.equal(at(44), 4 * 24);
  const last = at(48) + 3 * 24;
  assert.deepEqual(
    [0, 4, 8, 12, 16, 20].map((offset) => ram.u32(last + offset)),
    [20, 0x100000, 0, 63 << 20, 0, 1],
  );
});

test('modules lie page-aligned behind the kernel, in order, each with its own string', () => {
  const module = (text: string, name: string, commandLine = '') => ({
    bytes: Buffer.from(text),
    name,
    commandLine,
  });
  const modules = [
    module('a'.repeat(0x1001), '/m/first', 'x=1 y=2'),
    module('', '/m/empty'),
    module('last', '/m/last'),
  ];
  const context = loadContext(elfKernel(0x400000, KERNEL), {
    initrd: Buffer.from('disk'),
    modules,
  });
  const { cpu, ranges, summary } = multibootLoader.load(context);
  const { ram } = context;
  const info = cpu.registers.ebx;
  assert.equal(ram.u32(info + 20), 4);
  // mod_start, mod_end, string, reserved (Multiboot Specification 0.6.96, 3.3)
  const list = ram.u32(info + 24);
  const entries = [0, 1, 2, 3].map((index) => {
    const [start = 0, end, text = 0, reserved] = [0, 4, 8, 12].map((offset) =>
      ram.u32(list + index * 16 + offset),
    );
    return { start, end, text: ram.text(text), reserved };
  });
  assert.deepEqual(entries, [
    { start: 0x402000, end: 0x402004, text: 'initrd', reserved: 0 },
    { start: 0x403000, end: 0x404001, text: '/m/first x=1 y=2', reserved: 0 },
    { start: 0x405000, end: 0x405000, text: '/m/empty', reserved: 0 },
    { start: 0x405000, end: 0x405004, text: '/m/last', reserved: 0 },
  ]);
  assert.equal(ram.text(0x405000), 'last');
  assert.equal(ram.text(ram.u32(info + 64)), 'Guestscope');
  assert.equal(ranges.filter(({ name }) => name === 'module').length, 3);
  assert.match(summary, /, module 4 bytes at 0x405000$/);
});

test('a module that does not fit, or whose string has a zero in it, is refused by name', () => {
  const large = { bytes: new Uint8Array(40 << 20), name: '/m/large', commandLine: '' };
  const kernel = elfKernel(0x400000, KERNEL);
  const twice = refusal(loadContext(kernel, { modules: [large, large] }));
  assert.equal(twice.attribute, 'guest.modules');
  assert.match(
    twice.message,
    /^The module \/m\/large of 40 MiB does not fit: .* there is room for 19.99 MiB;/,
  );
  const zero = { bytes: new Uint8Array(1), name: '/m/zero', commandLine: 'a\0b' };
  assert.match(refusal(loadContext(kernel, { modules: [zero] })).message, /a zero character/);
  const many = Array.from({ length: 1025 }, () => zero);
  assert.match(refusal(loadContext(kernel, { modules: many })).message, /1025 modules are more/);
});

test('the upper memory that is announced ends at the first hole above 1 MiB', () => {
  const context = loadContext(elfKernel(0x400000, KERNEL));
  const memoryMap = [
    { address: 0, size: 0x9fc00, type: MEMORY_TYPE.RAM },
    { address: 0x100000, size: 0x800000, type: MEMORY_TYPE.RAM },
    { address: 0x900000, size: 0x1000, type: MEMORY_TYPE.ACPI },
    { address: 0x901000, size: 0x1000, type: MEMORY_TYPE.RAM },
  ];
  const { cpu } = multibootLoader.load({ ...context, memoryMap });
  assert.equal(context.ram.u32(cpu.registers.ebx + 8), 8192);
});

test('the information block keeps away from a kernel in low memory', () => {
  const low = [{ virtual: 0x1000, physical: 0x1000, text: 'low', memorySize: 0x3000 }];
  const context = loadContext(elfKernel(0x1000, low));
  const { cpu } = multibootLoader.load(context);
  assert.equal(cpu.registers.ebx, 0x4000);
  assert.equal(context.ram.text(0x1000), 'low');
});

test('a file that is no ELF goes where its header says', () => {
  const image = new Uint8Array(0x1000).fill(0x90);
  const view = new DataView(image.buffer);
  // header at file offset 0x20, which is to lie at 0x100010: the file's first 0x10 bytes are skipped
  [0x1badb002, 0x10000, -(0x1badb002 + 0x10000), 0x100010, 0x100000, 0x100800, 0x101000, 0x100040]
    .forEach((value, index) => view.setUint32(0x20 + index * 4, value, true)); // prettier-ignore
  const context = loadContext(image);
  context.ram.bytes.fill(0xaa, 0x100000, 0x102000);
  const { cpu } = multibootLoader.load(context);
  assert.equal(cpu.eip, 0x100040);
  assert.equal(context.ram.u32(0x100010), 0x1badb002);
  assert.equal(context.ram.bytes[0x1007ff], 0x90);
  assert.equal(context.ram.bytes[0x100800], 0, '.bss');
  assert.equal(context.ram.bytes[0x101000], 0xaa);
  const cut = refusal(loadContext(image.slice(0, 0x700)));
  assert.match(cut.message, /ends at 1792 bytes, but its multiboot header promises 2064/);
});

test('kernels that cannot be loaded are refused with the reason', () => {
  const place = (physical: number, memorySize = 0x1000): LoadContext =>
    loadContext(elfKernel(physical, [{ virtual: physical, physical, text: 'x', memorySize }]));
  assert.equal(refusal(place(0x4000000)).attribute, 'machine.memory');
  assert.match(refusal(place(0xa0000)).message, /no free memory/);
  assert.match(refusal(place(0xfffff000, 0xffffffff)).message, /memory ends/);
  assert.match(refusal(loadContext(elfKernel(0x400000, [...KERNEL, ...KERNEL]))).message, /overlaps/); // prettier-ignore
  const apart = [0x600000, 0x500000, 0x400000, 0x5ff000].map((physical) => ({
    virtual: physical, physical, text: 'x', memorySize: 0x1001,
  })); // prettier-ignore
  assert.match(
    refusal(loadContext(elfKernel(0x400000, apart))).message,
    /at 0x5ff000 that overlaps another one at 0x600000/,
  );
  const endless = Array.from({ length: 1025 }, (_, index) => ({
    virtual: 0, physical: 0x400000 + index * 16, text: 'x', memorySize: 1,
  })); // prettier-ignore
  assert.match(refusal(loadContext(elfKernel(0x400000, endless))).message, /1025 segments to load/);
  assert.match(refusal(loadContext(elfKernel(0, []))).message, /no segment to load/);
  assert.match(refusal(loadContext(elfKernel(0, KERNEL, 62))).message, /x86-64/);
  assert.equal(
    refusal(loadContext(elfKernel(0x400000, KERNEL), { loadAddress: 0x200000 })).attribute,
    'guest.loadAddress',
  );
  const initrd = new Uint8Array(62 << 20);
  assert.match(
    refusal(loadContext(elfKernel(0x400000, KERNEL), { initrd })).message,
    /initrd of 62 MiB does not fit: .* there is room for 59.99 MiB/,
  );
});

test('any byte of the headers may be wrong: loaded or refused, never an exception of ours', () => {
  const attempt = (image: Uint8Array): void => {
    multibootLoader.probe(image);
    try {
      multibootLoader.load(loadContext(image, { initrd: new Uint8Array(100) }, 8));
    } catch (error) {
      assert.ok(error instanceof GuestImageError, String(error));
    }
  };
  // the file's header and the program header of an ELF kernel
  const elf = elfKernel(0xc0400000, KERNEL);
  for (const at of [...Array(52).keys(), ...[...Array(32).keys()].map((byte) => 0x1000 + byte)]) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const image = elf.slice();
      image[at] = value;
      attempt(image);
    }
  }
  // the load addresses of a file that is no ELF
  const flat = new Uint8Array(0x1000);
  const view = new DataView(flat.buffer);
  [0x1badb002, 0x10000, -(0x1badb002 + 0x10000), 0x100010, 0x100000, 0x100800, 0x101000, 0x100040]
    .forEach((value, index) => view.setUint32(0x20 + index * 4, value, true)); // prettier-ignore
  for (let at = 0x2c; at < 0x40; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const image = flat.slice();
      image[at] = value;
      attempt(image);
    }
  }
  for (const length of [0, 12, 0x28, 0x3f, 0x40]) attempt(flat.slice(0, length));
});
