/**
 * Loader of multiboot 1 kernels (Multiboot Specification 0.6.96): ELF32 files, and files of any other
 * kind that say in their header where they go (the "a.out kludge"). Of the information block memory sizes,
 * memory map, command line, modules and the loader's name are filled; there is no boot device, no drives,
 * no configuration or APM table, no VBE, and the kernel's symbols are not loaded.
 *
 * The specification gives the information block no place: it goes to the lowest page from 0x1000 on that
 * the kernel leaves free. Where modules go is said in modules.ts.
 */
import type { ElfFile } from '../formats/elf.ts';
import { ELF_MACHINE, isElf, parseElf } from '../formats/elf.ts';
import { encodeE820, ramFrom } from '../formats/e820.ts';
import { bytesText, FormatError, hex } from '../formats/format-error.ts';
import type { MultibootHeader } from '../formats/multiboot-header.ts';
import { findMultibootHeader, MULTIBOOT_LOADER_MAGIC } from '../formats/multiboot-header.ts';
import { InformationBlock } from './information-block.ts';
import type { LoadContext, LoadedGuest, LoadedRange, Loader } from './loader.ts';
import { GuestImageError } from './loader.ts';
import type { PlacedModule } from './modules.ts';
import { placeModules, zeroTerminated } from './modules.ts';
import type { PlacedKernel } from './pieces.ts';
import { checkPieces, elfPieces, writePieces } from './pieces.ts';
import type { Extent } from './placement.ts';
import { bootGdt, protectedModeStart } from './processor-state.ts';

const HIGH_MEMORY = 0x100000;
const LOADER_NAME = 'Guestscope';

/** struct multiboot_info, 3.3 "Boot information format". */
const INFO = {
  flags: 0, memLower: 4, memUpper: 8, commandLine: 16, moduleCount: 20, modules: 24,
  mapLength: 44, map: 48, loaderName: 64, size: 88,
} as const; // prettier-ignore
const INFO_FLAG = { MEMORY: 1, COMMAND_LINE: 4, MODULES: 8, MEMORY_MAP: 64, LOADER_NAME: 512 } as const; // prettier-ignore
const MODULE_SIZE = 16;

export const multibootLoader: Loader = {
  name: 'multiboot',
  takesModules: true,
  probe(image) {
    try {
      return findMultibootHeader(image) !== null;
    } catch (error) {
      // a header, though a bad one: load() says what is wrong with it
      if (error instanceof FormatError) return true;
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

function load(context: LoadContext): LoadedGuest {
  const header = findMultibootHeader(context.image);
  if (header === null) {
    throw new GuestImageError(
      'guest.kernel',
      `${context.imageName} has no multiboot 1 header in its first 8192 bytes: link one there, or choose another guest.format.`,
    );
  }
  if (context.loadAddress !== 'auto') {
    throw new GuestImageError(
      'guest.loadAddress',
      'A multiboot kernel is loaded where it was linked to: remove guest.loadAddress.',
    );
  }
  const { pieces, entry } =
    header.addresses === null
      ? elfPieces(parseElfKernel(context))
      : addressedPieces(context, header, header.addresses);
  checkPieces(context, pieces);

  const { ram } = context;
  writePieces(ram, pieces);
  const modules = placeModules(context, pieces);
  const info = writeInformation(context, [...pieces, ...modules], modules);
  const gdt = bootGdt(info.address + info.size);
  const kernel = pieces.map(({ address, size }) => ({ name: 'kernel', address, size }));
  const places = modules.map(({ name, address, size }) => ({ name, address, size }));
  const ranges: LoadedRange[] = [...kernel, info, gdt, ...places];
  const total = pieces.reduce((sum, piece) => sum + piece.size, 0);
  return {
    loader: 'multiboot',
    cpu: protectedModeStart(ram, gdt, entry, { eax: MULTIBOOT_LOADER_MAGIC, ebx: info.address }),
    ranges: ranges.sort((a, b) => a.address - b.address),
    summary:
      `multiboot 1 ${header.addresses === null ? 'ELF' : 'image'}, ${bytesText(total)} at ${hex(Math.min(...pieces.map((piece) => piece.address)))}, entry ${hex(entry)}` +
      modules.map(({ size, address }) => `, module ${bytesText(size)} at ${hex(address)}`).join(''),
  };
}

function parseElfKernel(context: LoadContext): ElfFile {
  if (!isElf(context.image)) {
    throw new GuestImageError(
      'guest.kernel',
      `${context.imageName} is no ELF file and its multiboot header names no load addresses: set bit 16 of the header's flags and fill them in, or link it as ELF.`,
    );
  }
  const file = parseElf(context.image);
  if (file.is64 || file.machine !== ELF_MACHINE.I386) {
    throw new GuestImageError(
      'guest.kernel',
      `${context.imageName} is a multiboot kernel, but an ELF file for ${file.machine === ELF_MACHINE.X86_64 ? 'x86-64' : 'another processor'}: link it as elf32-i386 (ld -m elf_i386).`,
    );
  }
  return file;
}

function addressedPieces(
  context: LoadContext,
  header: MultibootHeader,
  addresses: NonNullable<MultibootHeader['addresses']>,
): PlacedKernel {
  const start = header.offset - (addresses.header - addresses.loadStart);
  const end =
    addresses.loadEnd === 0
      ? context.image.length
      : start + (addresses.loadEnd - addresses.loadStart);
  if (end > context.image.length) {
    throw new FormatError(
      'truncated',
      `The image ends at ${context.image.length} bytes, but its multiboot header promises ${end}: copy or build it again.`,
    );
  }
  const bytes = context.image.subarray(start, end);
  const size = Math.max(bytes.length, addresses.bssEnd - addresses.loadStart);
  return { pieces: [{ address: addresses.loadStart, size, bytes }], entry: addresses.entry };
}

/** Lays the information block out, with all that it points at behind it, and writes it. */
function writeInformation(
  context: LoadContext,
  taken: readonly Extent[],
  modules: readonly PlacedModule[],
): LoadedRange {
  const block = new InformationBlock('multiboot information');
  const info = new Uint8Array(INFO.size);
  const list = new Uint8Array(modules.length * MODULE_SIZE);
  const map = memoryMap(context);
  const commandLine = `${context.imageName} ${context.commandLine}`.trim();
  block.add(info);
  const listAt = block.add(list);
  const mapAt = block.add(map);
  const commandLineAt = block.add(zeroTerminated(commandLine, 'guest.commandLine'));
  const loaderNameAt = block.add(zeroTerminated(LOADER_NAME, 'guest.kernel'));
  const textsAt = modules.map(({ text }) => block.add(text));
  const range = block.place(context, taken);
  const { address } = range;

  const { MEMORY, COMMAND_LINE, MODULES, MEMORY_MAP, LOADER_NAME: NAME } = INFO_FLAG;
  setU32(info, INFO.flags, MEMORY | COMMAND_LINE | MODULES | MEMORY_MAP | NAME);
  setU32(info, INFO.memLower, ramFrom(context.memoryMap, 0) >>> 10);
  setU32(info, INFO.memUpper, ramFrom(context.memoryMap, HIGH_MEMORY) >>> 10);
  setU32(info, INFO.commandLine, address + commandLineAt);
  setU32(info, INFO.loaderName, address + loaderNameAt);
  setU32(info, INFO.moduleCount, modules.length);
  setU32(info, INFO.modules, address + listAt);
  setU32(info, INFO.mapLength, map.length);
  setU32(info, INFO.map, address + mapAt);
  // mod_start, mod_end, string, reserved
  modules.forEach((module, index) => {
    const entry = index * MODULE_SIZE;
    setU32(list, entry, module.address);
    setU32(list, entry + 4, module.address + module.size);
    setU32(list, entry + 8, address + textsAt[index]);
  });
  block.write(context.ram, range);
  return range;
}

function setU32(bytes: Uint8Array, offset: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(offset, value, true);
}

/** Entries of the E820 form, each with its own size in front. */
function memoryMap(context: LoadContext): Uint8Array {
  const entries = context.memoryMap.map((entry) => encodeE820([entry]));
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 4 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    bytes[at] = entry.length;
    bytes.set(entry, at + 4);
    at += 4 + entry.length;
  }
  return bytes;
}
