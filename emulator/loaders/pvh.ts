/**
 * Loader of PVH kernels: ELF32 files with the note XEN_ELFNOTE_PHYS32_ENTRY, among them the vmlinux of a
 * Linux with CONFIG_PVH, and the kernels of Xen guests (Xen, docs/misc/pvh.pandoc "x86/HVM direct boot ABI";
 * xen/include/public/arch-x86/hvm/start_info.h). The kernel gets the address of an hvm_start_info in EBX:
 * memory map, modules, command line and ACPI's RSDP. There need be no Xen under it.
 *
 * Segments go to their physical addresses; the note XEN_ELFNOTE_PHYS32_RELOC, by which a kernel allows
 * other ones, is not read.
 */
import type { ElfFile } from '../formats/elf.ts';
import { ELF_MACHINE, elfNotes, isElf, parseElf } from '../formats/elf.ts';
import { encodeE820, setU64 } from '../formats/e820.ts';
import { bytesText, FormatError, hex } from '../formats/format-error.ts';
import { InformationBlock } from './information-block.ts';
import type { LoadContext, LoadedGuest, LoadedRange, Loader } from './loader.ts';
import { GuestImageError } from './loader.ts';
import type { PlacedModule } from './modules.ts';
import { placeModules, zeroTerminated } from './modules.ts';
import { checkPieces, elfPieces, writePieces } from './pieces.ts';
import { bootGdt, protectedModeStart, TSS_LIMIT } from './processor-state.ts';
import { isRam } from './placement.ts';

const NOTE = { name: 'Xen', PHYS32_ENTRY: 18 } as const;

/** struct hvm_start_info, version 1. */
const START_INFO = {
  magic: 0, version: 4, flags: 8, moduleCount: 12, modules: 16, commandLine: 24, rsdp: 32,
  memoryMap: 40, memoryMapEntries: 48, size: 56,
} as const; // prettier-ignore
const START_MAGIC = 0x336ec578;
const START_VERSION = 1;
/** struct hvm_modlist_entry: address, size, command line, reserved. */
const MODULE_SIZE = 32;
/** struct hvm_memmap_table_entry: an E820 entry and a reserved word. */
const MAP_ENTRY_SIZE = 24;

export const pvhLoader: Loader = {
  name: 'pvh',
  takesModules: true,
  probe(image) {
    if (!isElf(image)) return false;
    try {
      return hasEntryNote(parseElf(image));
    } catch (error) {
      if (error instanceof FormatError || error instanceof RangeError) return false;
      throw error;
    }
  },
  load(context) {
    try {
      return load(context);
    } catch (error) {
      if (error instanceof FormatError) throw new GuestImageError('guest.kernel', error.message);
      throw error;
    }
  },
};

const hasEntryNote = (file: ElfFile): boolean =>
  elfNotes(file).some(({ name, type }) => name === NOTE.name && type === NOTE.PHYS32_ENTRY);

function load(context: LoadContext): LoadedGuest {
  const file = parseElf(context.image);
  if (file.is64 || file.machine !== ELF_MACHINE.I386) {
    throw new GuestImageError(
      'guest.kernel',
      `${context.imageName} is a PVH kernel for ${file.machine === ELF_MACHINE.X86_64 ? 'x86-64' : 'another processor'}, but this machine's processor is a 32-bit one: use an i386 kernel.`,
    );
  }
  const entry = entryPoint(context, file);
  if (context.loadAddress !== 'auto') {
    throw new GuestImageError(
      'guest.loadAddress',
      'A PVH kernel is loaded where it was linked to: remove guest.loadAddress, or give a bzImage of the same kernel.',
    );
  }
  const { pieces } = elfPieces(file);
  checkPieces(context, pieces);
  if (!isRam(context.memoryMap, { address: entry, size: 1 })) {
    throw new FormatError(
      'malformed',
      `The kernel's note XEN_ELFNOTE_PHYS32_ENTRY gives ${hex(entry)} as its entry, where there is no memory: it must be a physical address.`,
    );
  }
  const { ram } = context;
  writePieces(ram, pieces);
  const modules = placeModules(context, pieces);
  const { range: info, block } = startInformation(context, [...pieces, ...modules], modules);
  block.write(ram, info);
  const gdt = bootGdt(info.address + info.size);
  const kernel = pieces.map(({ address, size }) => ({ name: 'kernel', address, size }));
  const places = modules.map(({ name, address, size }) => ({ name, address, size }));
  const ranges: LoadedRange[] = [...kernel, info, gdt, ...places];
  const total = pieces.reduce((sum, piece) => sum + piece.size, 0);
  const lowest = Math.min(...pieces.map((piece) => piece.address));
  return {
    loader: 'pvh',
    cpu: {
      ...protectedModeStart(ram, gdt, entry, { ebx: info.address }),
      taskRegister: { base: 0, limit: TSS_LIMIT },
    },
    ranges: ranges.sort((a, b) => a.address - b.address),
    summary:
      `PVH ELF, ${bytesText(total)} at ${hex(lowest)}, entry ${hex(entry)}` +
      modules.map(({ size, address }) => `, module ${bytesText(size)} at ${hex(address)}`).join(''),
  };
}

/** The note's 32-bit word; a description of 8 bytes has it in the lower half. */
function entryPoint(context: LoadContext, file: ElfFile): number {
  const note = elfNotes(file).find(
    ({ name, type }) => name === NOTE.name && type === NOTE.PHYS32_ENTRY,
  );
  if (note === undefined) {
    throw new GuestImageError(
      'guest.kernel',
      `${context.imageName} has no note XEN_ELFNOTE_PHYS32_ENTRY: build the kernel with CONFIG_PVH, or give its bzImage.`,
    );
  }
  const { description } = note;
  if (description.length < 4) {
    throw new FormatError(
      'malformed',
      `The note XEN_ELFNOTE_PHYS32_ENTRY has ${description.length} bytes instead of 4: build the kernel again.`,
    );
  }
  return new DataView(description.buffer, description.byteOffset, 4).getUint32(0, true);
}

function startInformation(
  context: LoadContext,
  taken: Parameters<InformationBlock['place']>[1],
  modules: readonly PlacedModule[],
): { readonly range: LoadedRange; readonly block: InformationBlock } {
  const block = new InformationBlock('PVH start information');
  const info = new DataView(new ArrayBuffer(START_INFO.size));
  const list = new DataView(new ArrayBuffer(modules.length * MODULE_SIZE));
  const map = memoryMap(context);
  block.add(bytesOf(info));
  const mapAt = block.add(map);
  const listAt = block.add(bytesOf(list));
  const commandLineAt = block.add(zeroTerminated(context.commandLine, 'guest.commandLine'));
  const textsAt = modules.map(({ text }) => block.add(text));
  const range = block.place(context, taken);
  const { address } = range;

  info.setUint32(START_INFO.magic, START_MAGIC, true);
  info.setUint32(START_INFO.version, START_VERSION, true);
  info.setUint32(START_INFO.moduleCount, modules.length, true);
  setU64(info, START_INFO.modules, modules.length === 0 ? 0 : address + listAt);
  setU64(info, START_INFO.commandLine, address + commandLineAt);
  setU64(info, START_INFO.rsdp, context.acpiRsdp ?? 0);
  setU64(info, START_INFO.memoryMap, address + mapAt);
  info.setUint32(START_INFO.memoryMapEntries, context.memoryMap.length, true);
  modules.forEach((module, index) => {
    const entry = index * MODULE_SIZE;
    setU64(list, entry, module.address);
    setU64(list, entry + 8, module.size);
    setU64(list, entry + 16, address + (textsAt[index] ?? 0));
  });
  return { range, block };
}

function memoryMap({ memoryMap: map }: LoadContext): Uint8Array {
  const bytes = new Uint8Array(map.length * MAP_ENTRY_SIZE);
  map.forEach((entry, index) => bytes.set(encodeE820([entry]), index * MAP_ENTRY_SIZE));
  return bytes;
}

const bytesOf = ({ buffer }: DataView): Uint8Array => new Uint8Array(buffer);
