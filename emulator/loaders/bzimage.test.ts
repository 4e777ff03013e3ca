import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBzImage, setupFields, SETUP_FIELDS } from '../formats/bzimage-header.ts';
import type { SetupField } from '../formats/bzimage-header.ts';
import { pcMemoryMap } from '../formats/e820.ts';
import { FormatError } from '../formats/format-error.ts';
import { bzImageLoader } from './bzimage.ts';
import type { LoadContext } from './loader.ts';
import { GuestImageError } from './loader.ts';
import { loadContext } from './test-ram.ts';

const SETUP_SECTORS = 3;
const KERNEL_BYTES = 0x8000;

/** An image by boot.rst with the header of Debian's kernel, except where `fields` says otherwise. */
function bzImage(fields: Partial<Record<SetupField, number>> = {}): Uint8Array {
  const start = (SETUP_SECTORS + 1) * 512;
  const image = new Uint8Array(start + KERNEL_BYTES);
  const view = new DataView(image.buffer);
  const values: Partial<Record<SetupField, number>> = {
    setup_sects: SETUP_SECTORS,
    syssize: KERNEL_BYTES / 16,
    vid_mode: 0xffff,
    boot_flag: 0xaa55,
    jump: 0x6aeb, // to 0x26c, the end of a header of protocol 2.15
    header: 0x53726448,
    version: 0x20f,
    kernel_version: 0x400,
    loadflags: 1,
    code32_start: 0x100000,
    initrd_addr_max: 0x7fffffff,
    kernel_alignment: 0x1000000,
    relocatable_kernel: 1,
    min_alignment: 13,
    cmdline_size: 2047,
    pref_address: 0x1000000,
    init_size: 0x100000,
    ...fields,
  };
  for (const [name, value] of Object.entries(values)) {
    const { offset, size } = SETUP_FIELDS[name as SetupField];
    if (size === 1) view.setUint8(offset, value);
    else if (size === 2) view.setUint16(offset, value, true);
    else view.setUint32(offset, value, true);
  }
  image.set(Buffer.from('6.1.0-test (someone) #1\0'), 0x600);
  image.fill(0xcc, start);
  image.set(Buffer.from('32-bit entry'), start);
  return image;
}

const refusal = (context: LoadContext): { attribute: string; message: string } => {
  try {
    bzImageLoader.load(context);
  } catch (error) {
    assert.ok(error instanceof GuestImageError, String(error));
    return { attribute: error.attribute, message: error.message };
  }
  return assert.fail('was loaded');
};

test('the kernel goes where it would like to run and is entered in flat protected mode', () => {
  const context = loadContext(bzImage());
  const { cpu, ranges, summary } = bzImageLoader.load(context);
  assert.equal(context.ram.text(0x1000000).slice(0, 12), '32-bit entry');
  assert.equal(cpu.mode, 'protected32');
  assert.equal(cpu.eip, 0x1000000);
  assert.equal(cpu.registers.esi, 0x10000);
  assert.deepEqual([cpu.registers.ebp, cpu.registers.edi, cpu.registers.ebx], [0, 0, 0]);
  assert.equal(cpu.eflags, 2);
  // boot.rst: __BOOT_CS(0x10) execute/read, __BOOT_DS(0x18) read/write, both 4 GiB flat
  assert.deepEqual(cpu.segments.cs, { selector: 0x10, rights: 0xc09b, base: 0, limit: 0xffffffff });
  for (const name of ['ds', 'es', 'ss'] as const) {
    assert.deepEqual(cpu.segments[name], {
      selector: 0x18,
      rights: 0xc093,
      base: 0,
      limit: 0xffffffff,
    });
  }
  // the same descriptors in memory, spelled as SDM vol. 3, 3.4.5 has them
  const gdt = Buffer.from(context.ram.bytes.subarray(cpu.gdt.base, cpu.gdt.base + 32));
  assert.equal(cpu.gdt.limit, 31);
  assert.equal(gdt.subarray(16).toString('hex'), 'ffff0000009bcf00' + 'ffff00000093cf00');
  assert.deepEqual(
    ranges.map(({ name }) => name),
    ['boot GDT', 'zero page', 'command line', 'kernel'],
  );
  assert.match(summary, /Linux 6\.1\.0-test, boot protocol 2\.15, 32 KiB at 0x1000000/);
});

test('the zero page has the setup header, the memory map, command line, initrd and RSDP', () => {
  const initrd = Buffer.from('initrd contents');
  const context = loadContext(bzImage(), {
    commandLine: 'console=ttyS0 é',
    initrd,
    acpiRsdp: 0xf5a40,
  });
  const { ranges } = bzImageLoader.load(context);
  const { ram } = context;
  const page = 0x10000;
  assert.equal(ram.u32(page + 0x202), 0x53726448);
  assert.equal(ram.bytes[page + 0x210], 0xff, 'type_of_loader: undefined');
  assert.equal(ram.u32(page + 0x214), 0x1000000, 'code32_start');
  assert.equal(ram.bytes[page + 0x1ef], 0, 'sentinel');
  assert.equal(ram.text(ram.u32(page + 0x228)), 'console=ttyS0 \xc3\xa9', 'in UTF-8');
  assert.equal(ram.u32(page + 0x70), 0xf5a40);
  // the highest page below the end of RAM that has room
  assert.equal(ram.u32(page + 0x218), (64 << 20) - 0x1000);
  assert.equal(ram.u32(page + 0x21c), initrd.length);
  assert.equal(ram.text((64 << 20) - 0x1000), 'initrd contents');
  assert.equal(ranges.at(-1)?.name, 'initrd');
  // e820: four entries of 20 bytes at 0x2d0, the last one from 1 MiB
  assert.equal(ram.bytes[page + 0x1e8], 4);
  assert.equal(ram.u32(page + 0x2d0 + 60), 0x100000);
  assert.equal(ram.u32(page + 0x2d0 + 68), 63 << 20);
  assert.equal(ram.u32(page + 0x1e0), 63 << 10, 'alt_mem_k');
  // nothing behind the header's own end was copied (0x202 + 0x6a)
  assert.equal(ram.u32(page + 0x26c), 0);
});

test('fields that the protocol version does not have are neither read nor written', () => {
  // 2.05 is that of Linux 2.6.20: relocatable, but no cmdline_size, pref_address or init_size
  const old = bzImage({ version: 0x205, cmdline_size: 7, pref_address: 0x2000000 });
  const image = parseBzImage(old);
  assert.equal(image.commandLineSize, 255);
  assert.equal(image.preferredAddress, null);
  assert.equal(image.initSize, 3 * KERNEL_BYTES, 'unpacked it is larger');
  assert.ok(!setupFields(old).some(({ name }) => name === 'cmdline_size'));
  assert.equal(parseBzImage(bzImage({ version: 0x202 })).initrdAddressMax, 0x37ffffff);
  const context = loadContext(old, { entry: '32-bit' });
  assert.equal(bzImageLoader.load(context).cpu.eip, 0x100000);
});

test('every protocol version is loaded by either entry, with the fields that it has', () => {
  for (let version = 0x202; version <= 0x20f; version++) {
    const image = bzImage({ version });
    const protectedMode = loadContext(image, { entry: '32-bit', commandLine: 'quiet' });
    const { cpu } = bzImageLoader.load(protectedMode);
    const { ram } = protectedMode;
    // pref_address came with 2.10, relocatable_kernel with 2.05
    assert.equal(cpu.eip, version >= 0x20a ? 0x1000000 : 0x100000, version.toString(16));
    assert.equal(ram.text(ram.u32(0x10228)), 'quiet');
    const real = loadContext(image, { entry: '16-bit', commandLine: 'quiet' });
    assert.equal(bzImageLoader.load(real).cpu.mode, 'real');
    assert.equal(real.ram.text(real.ram.u32(0x10228)), 'quiet');
  }
});

test('the 16-bit entry is for what speaks an old protocol, or when it is asked for', () => {
  const mode = (version: number, entry: 'auto' | '16-bit' | '32-bit'): string =>
    bzImageLoader.load(loadContext(bzImage({ version }), { entry })).cpu.mode;
  // iPXE speaks 2.07, Linux 2.6.26 2.08
  assert.equal(mode(0x207, 'auto'), 'real');
  assert.equal(mode(0x208, 'auto'), 'protected32');
  assert.equal(mode(0x207, '32-bit'), 'protected32');
  assert.equal(mode(0x20f, '16-bit'), 'real');
});

test('at the 16-bit entry setup code, heap and BIOS services lie as boot.rst has them', () => {
  const context = loadContext(bzImage({ heap_end_ptr: 0x1234 }), {
    entry: '16-bit',
    loadAddress: 0x2000000,
    initrd: Buffer.from('disk'),
  });
  const { cpu, ranges, summary } = bzImageLoader.load(context);
  const { ram } = context;
  // the services, in the BIOS' segment, start first
  assert.deepEqual([cpu.segments.cs.selector, cpu.eip], [0xf000, 0xf200]);
  assert.equal(ram.text(0x2000000).slice(0, 12), '32-bit entry');
  assert.equal(ram.u32(0x10202), 0x53726448);
  assert.equal(ram.bytes[0x10210], 0xff, 'type_of_loader');
  assert.equal(ram.bytes[0x10211], 0x81, 'LOADED_HIGH and CAN_USE_HEAP');
  assert.equal(ram.u32(0x10224) & 0xffff, 0xe000 - 0x200, 'heap_end_ptr');
  assert.equal(ram.u32(0x10214), 0x2000000, 'code32_start');
  assert.equal(ram.text(ram.u32(0x10218)), 'disk');
  assert.equal(ram.u32(0x1021c), 4);
  // where the services go on to: IP, CS = segment of the setup code and 20h, SP, DS (services.s)
  const words = [0, 2, 4, 6].map((at) => ram.view.getUint16(0xff000 + at, true));
  assert.deepEqual(words, [0, 0x1020, 0xe000, 0x1000]);
  assert.equal(ram.view.getUint16(0xff000 + 16, true), context.memoryMap.length);
  assert.deepEqual(
    ranges.map(({ name }) => name),
    ['setup code', 'command line', 'BIOS services', 'kernel', 'initrd'],
  );
  assert.match(summary, /, 16-bit entry$/);
});

test('setup code that is larger than the protocol allows is refused', () => {
  const sectors = 64;
  const image = new Uint8Array((sectors + 2) * 512);
  image.set(bzImage().subarray(0, 0x800));
  image[0x1f1] = sectors;
  new DataView(image.buffer).setUint32(0x1f4, 32, true);
  assert.match(
    refusal(loadContext(image, { entry: '16-bit' })).message,
    /setup code has 32.5 KiB, more than the 32 KiB/,
  );
});

test('a relocatable kernel can be loaded elsewhere', () => {
  const context = loadContext(bzImage(), { loadAddress: 0x2000000 });
  assert.equal(bzImageLoader.load(context).cpu.eip, 0x2000000);
  assert.equal(context.ram.u32(0x10000 + 0x230), 0x1000000, 'its alignment stays');
  // aligned less than it prefers, but as much as it needs: it is told so
  const lesser = loadContext(bzImage(), { loadAddress: 0x1402000 });
  assert.equal(bzImageLoader.load(lesser).cpu.eip, 0x1402000);
  assert.equal(lesser.ram.u32(0x10000 + 0x230), 0x2000);
});

test('below its preferred address it is loaded, but runs at that address', () => {
  const { summary, cpu } = bzImageLoader.load(loadContext(bzImage(), { loadAddress: 0x100000 }));
  assert.equal(cpu.eip, 0x100000);
  assert.match(summary, /at 0x100000, to run at 0x1000000/);
});

test('load addresses that are not possible are refused with the reason', () => {
  const at = (loadAddress: number, fields: Partial<Record<SetupField, number>> = {}) =>
    refusal(loadContext(bzImage(fields), { loadAddress }));
  assert.deepEqual(at(0x1400100), {
    attribute: 'guest.loadAddress',
    message:
      'The load address 0x1400100 is no multiple of the alignment 0x2000 (8192 bytes) that the kernel needs: choose, for example, 0x1402000.',
  });
  assert.match(at(0x2000000, { relocatable_kernel: 0 }).message, /relocatable_kernel is 0/);
  assert.match(at(0x8000).message, /1 MiB/);
  assert.deepEqual(at(0x4000000), {
    attribute: 'guest.loadAddress',
    message:
      'The kernel needs 32 KiB of memory from 0x4000000 to 0x4008000, but the machine has 64 MiB: choose a lower guest.loadAddress or more machine.memory.',
  });
  const reserved = pcMemoryMap(64 << 20, [{ address: 0x2080000, size: 0x1000, type: 3 }]);
  assert.match(
    refusal(loadContext(bzImage(), { loadAddress: 0x2000000, memoryMap: reserved })).message,
    /^The kernel needs 1 MiB of memory from 0x2000000 to 0x2100000, where the ACPI tables are \(0x2080000 to 0x2081000\): choose another guest.loadAddress\.$/,
  );
});

test('a machine too small for the kernel is refused', () => {
  assert.deepEqual(refusal(loadContext(bzImage(), {}, 16)), {
    attribute: 'machine.memory',
    message:
      'The kernel needs 1 MiB of memory from 0x1000000 to 0x1100000, but the machine has 16 MiB: give it more in machine.memory.',
  });
});

test('the initrd stays below initrd_addr_max and apart from the kernel', () => {
  const initrd = new Uint8Array(0x1800).fill(1);
  const low = loadContext(bzImage({ initrd_addr_max: 0x1ffffff }), { initrd });
  bzImageLoader.load(low);
  assert.equal(low.ram.u32(0x10000 + 0x218), 0x1ffe000);
  // RAM ends where the kernel's own need does: the hole below it is used
  const tight = loadContext(bzImage({ init_size: 48 << 20 }), { initrd });
  bzImageLoader.load(tight);
  assert.equal(tight.ram.u32(0x10000 + 0x218), 0x1000000 - 0x2000);
});

test('an initrd that does not fit is refused with the sizes', () => {
  const initrd = new Uint8Array(50 << 20);
  assert.deepEqual(refusal(loadContext(bzImage(), { initrd })), {
    attribute: 'guest.initrd',
    message:
      'The initrd of 50 MiB does not fit: beside the kernel there is room for 47 MiB below 0x4000000; give the machine more memory or make the initrd smaller.',
  });
  const empty = refusal(loadContext(bzImage(), { initrd: new Uint8Array(0) }));
  assert.equal(empty.attribute, 'guest.initrd');
});

test('a command line of cmdline_size characters fits, one more does not', () => {
  const fits = loadContext(bzImage({ cmdline_size: 20 }), { commandLine: 'x'.repeat(20) });
  bzImageLoader.load(fits);
  assert.equal(fits.ram.text(0x20000), 'x'.repeat(20));
  assert.deepEqual(
    refusal(loadContext(bzImage({ cmdline_size: 20 }), { commandLine: 'x'.repeat(21) })),
    {
      attribute: 'guest.commandLine',
      message: 'The command line has 21 characters, but this kernel takes at most 20: shorten it.',
    },
  );
  assert.match(refusal(loadContext(bzImage(), { commandLine: 'a\0b' })).message, /zero character/);
});

test('kernels that cannot run here are refused with the reason', () => {
  const message = (fields: Partial<Record<SetupField, number>>) =>
    refusal(loadContext(bzImage(fields))).message;
  assert.match(message({ xloadflags: 1 }), /x86-64/);
  assert.match(message({ loadflags: 0 }), /zImage/);
  assert.match(message({ version: 0x201 }), /boot protocol 2\.01/);
  assert.match(message({ kernel_alignment: 0x3000 }), /no power of two/);
});

test('an image cut off anywhere is refused', () => {
  const image = bzImage();
  for (const length of [0x210, 0x26b, 0x800, 0x801, image.length - 16]) {
    const { attribute, message } = refusal(loadContext(image.slice(0, length)));
    assert.equal(attribute, 'guest.kernel');
    assert.match(message, /cut off/);
  }
  assert.throws(() => parseBzImage(image.slice(0, 0x20f)), FormatError);
  assert.ok(!bzImageLoader.probe(image.slice(0, 0x20f)));
});

test('any byte of the header may be wrong: loaded or refused, never an exception of ours', () => {
  for (let at = 0x1f1; at < 0x270; at++) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const image = bzImage();
      image[at] = value;
      const entry = at % 2 === 0 ? '16-bit' : '32-bit';
      try {
        bzImageLoader.load(loadContext(image, { initrd: new Uint8Array(100), entry }, 32));
      } catch (error) {
        assert.ok(error instanceof GuestImageError, `byte ${at.toString(16)}: ${String(error)}`);
      }
    }
  }
});
