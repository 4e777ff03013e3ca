/**
 * Loader of multiboot 1 kernels (Multiboot Specification 0.6.96): ELF32 files, and files of any other
 * kind that say in their header where they go (the "a.out kludge"). An initrd becomes the one module.
 * Of the information block memory sizes, memory map, command line, modules and the loader's name are
 * filled; there are no disks, no APM table, no configuration table, and no VBE.
 *
 * The specification gives the information block no place: it goes to the lowest page from 0x1000 on that
 * the kernel leaves free, the module to the lowest one above 1 MiB behind the kernel.
 */
import type { ElfFile } from '../formats/elf.ts';
import { ELF_MACHINE, isElf, parseElf, SEGMENT_TYPE } from '../formats/elf.ts';
import { encodeE820 } from '../formats/e820.ts';
import { bytesText, FormatError, hex } from '../formats/format-error.ts';
import type { MultibootHeader } from '../formats/multiboot-header.ts';
import { findMultibootHeader, MULTIBOOT_LOADER_MAGIC } from '../formats/multiboot-header.ts';
import { encodeText } from '../formats/text.ts';
import type { LoadContext, LoadedGuest, LoadedRange, Loader } from './loader.ts';
import { GuestImageError } from './loader.ts';
import type { Extent } from './placement.ts';
import { alignUp, findRoom, isRam, largestRoom, overlaps } from './placement.ts';
import { bootGdt, protectedModeStart } from './processor-state.ts';

/** Page 0 has the vectors and the BIOS data area. */
const LOW_MEMORY = 0x1000;
const HIGH_MEMORY = 0x100000;
const PAGE = 0x1000;
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

/** A piece of the kernel in memory: `bytes`, then zeros up to `size`. */
interface Piece extends Extent {
  readonly bytes: Uint8Array;
}

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
  for (const piece of pieces) {
    ram.write(piece.address, piece.bytes);
    ram.fill(piece.address + piece.bytes.length, piece.size - piece.bytes.length, 0);
  }
  const initrd = placeInitrd(context, pieces);
  const info = writeInformation(context, initrd === null ? pieces : [...pieces, initrd], initrd);
  const gdt = bootGdt(info.address + info.size);
  const kernel = pieces.map(({ address, size }) => ({ name: 'kernel', address, size }));
  const ranges: LoadedRange[] = [...kernel, info, gdt];
  if (initrd !== null) ranges.push(initrd);
  const total = pieces.reduce((sum, piece) => sum + piece.size, 0);
  return {
    loader: 'multiboot',
    cpu: protectedModeStart(ram, gdt, entry, { eax: MULTIBOOT_LOADER_MAGIC, ebx: info.address }),
    ranges: ranges.sort((a, b) => a.address - b.address),
    summary:
      `multiboot 1 ${header.addresses === null ? 'ELF' : 'image'}, ${bytesText(total)} at ${hex(Math.min(...pieces.map((piece) => piece.address)))}, entry ${hex(entry)}` +
      (initrd === null ? '' : `, module ${bytesText(initrd.size)} at ${hex(initrd.address)}`),
  };
}

interface Kernel {
  readonly pieces: readonly Piece[];
  readonly entry: number;
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

function elfPieces(file: ElfFile): Kernel {
  const segments = file.segments.filter(
    (segment) => segment.type === SEGMENT_TYPE.LOAD && segment.memorySize > 0,
  );
  if (segments.length === 0) {
    throw new FormatError(
      'malformed',
      'The ELF file has no segment to load: link it as a program.',
    );
  }
  const pieces = segments.map((segment) => ({
    address: segment.physicalAddress,
    size: segment.memorySize,
    bytes: file.bytes.subarray(segment.offset, segment.offset + segment.fileSize),
  }));
  // e_entry is meant as a physical address; one that lies in a segment by its virtual one is moved along
  const home = segments.find(
    ({ virtualAddress, memorySize }) =>
      file.entry >= virtualAddress && file.entry < virtualAddress + memorySize,
  );
  const moved = home === undefined ? 0 : home.physicalAddress - home.virtualAddress;
  return { pieces, entry: file.entry + moved };
}

function addressedPieces(
  context: LoadContext,
  header: MultibootHeader,
  addresses: NonNullable<MultibootHeader['addresses']>,
): Kernel {
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

function checkPieces(context: LoadContext, pieces: readonly Piece[]): void {
  pieces.forEach((piece, index) => {
    const where = `The kernel has a segment of ${bytesText(piece.size)} at ${hex(piece.address)}`;
    const end = piece.address + piece.size;
    if (end > context.ram.size) {
      throw new GuestImageError(
        'machine.memory',
        `${where}, but the machine's memory ends at ${hex(context.ram.size)}: give it more in machine.memory, or link the kernel lower.`,
      );
    }
    if (!isRam(context.memoryMap, piece)) {
      throw new GuestImageError(
        'guest.kernel',
        `${where}, where a PC has no free memory: link it to 0x100000 or higher.`,
      );
    }
    if (pieces.slice(index + 1).some((other) => overlaps(piece, other))) {
      throw new GuestImageError(
        'guest.kernel',
        `${where} that overlaps another one: link it again with segments apart.`,
      );
    }
  });
}

function placeInitrd(context: LoadContext, pieces: readonly Piece[]): LoadedRange | null {
  if (context.initrd === undefined) return null;
  const size = context.initrd.length;
  const kernelEnd = Math.max(...pieces.map((piece) => piece.address + piece.size));
  const wish = { alignment: PAGE, from: Math.max(HIGH_MEMORY, kernelEnd), to: 0xffffffff };
  const address = findRoom(context.memoryMap, pieces, {
    ...wish,
    size: Math.max(size, 1),
    prefer: 'lowest',
  });
  if (address === null) {
    const room = bytesText(largestRoom(context.memoryMap, pieces, wish));
    throw new GuestImageError(
      'guest.initrd',
      `The initrd of ${bytesText(size)} does not fit: behind the kernel there is room for ${room}; give the machine more memory or make the initrd smaller.`,
    );
  }
  context.ram.write(address, context.initrd);
  return { name: 'initrd', address, size };
}

/** Lays the information block out, with all that it points at behind it, and writes it. */
function writeInformation(
  context: LoadContext,
  taken: readonly Extent[],
  initrd: LoadedRange | null,
): LoadedRange {
  const commandLine = zeroTerminated(`${context.imageName} ${context.commandLine}`.trim());
  const loaderName = zeroTerminated(LOADER_NAME);
  const moduleName = zeroTerminated('initrd');
  const map = memoryMap(context);
  const at = { modules: INFO.size, map: INFO.size + MODULE_SIZE } as const;
  const textAt = at.map + map.length;
  const moduleNameAt = textAt + commandLine.length;
  const loaderNameAt = moduleNameAt + moduleName.length;
  const size = alignUp(loaderNameAt + loaderName.length, 16);

  const address = findRoom(context.memoryMap, taken, {
    size: size + bootGdt(0).size,
    alignment: PAGE,
    from: LOW_MEMORY,
    to: 0xffffffff,
    prefer: 'lowest',
  });
  if (address === null) {
    throw new GuestImageError(
      'machine.memory',
      `Beside the kernel there is no room for the ${size} bytes of multiboot information: give the machine more memory or shorten the command line.`,
    );
  }
  const block = new Uint8Array(size);
  const view = new DataView(block.buffer);
  const u32 = (offset: number, value: number) => view.setUint32(offset, value, true);
  const { MEMORY, COMMAND_LINE, MODULES, MEMORY_MAP, LOADER_NAME: NAME } = INFO_FLAG;
  u32(INFO.flags, MEMORY | COMMAND_LINE | MODULES | MEMORY_MAP | NAME);
  u32(INFO.memLower, 0x9fc00 >> 10);
  u32(INFO.memUpper, Math.max(0, context.ram.size - HIGH_MEMORY) >>> 10);
  u32(INFO.commandLine, address + textAt);
  u32(INFO.moduleCount, initrd === null ? 0 : 1);
  u32(INFO.modules, address + at.modules);
  u32(INFO.mapLength, map.length);
  u32(INFO.map, address + at.map);
  u32(INFO.loaderName, address + loaderNameAt);
  if (initrd !== null) {
    u32(at.modules, initrd.address);
    u32(at.modules + 4, initrd.address + initrd.size);
    u32(at.modules + 8, address + moduleNameAt);
  }
  block.set(map, at.map);
  block.set(commandLine, textAt);
  block.set(moduleName, moduleNameAt);
  block.set(loaderName, loaderNameAt);
  context.ram.write(address, block);
  return { name: 'multiboot information', address, size };
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

function zeroTerminated(text: string): Uint8Array {
  return Uint8Array.from([...encodeText(text), 0]);
}
