/**
 * Where the parts of a bzImage go: the kernel where it would like to run or where it is told to, the initrd
 * as high as it may be, both apart from each other (Linux Documentation/arch/x86/boot.rst, fields
 * relocatable_kernel, kernel_alignment, min_alignment, pref_address, init_size, initrd_addr_max). What is
 * not possible is refused with the reason.
 */
import { MEMORY_TYPE } from '../formats/e820.ts';
import { bytesText, hex } from '../formats/format-error.ts';
import type { BzImage } from '../formats/bzimage-header.ts';
import { setSetupField } from '../formats/bzimage-header.ts';
import { encodeText } from '../formats/text.ts';
import type { LoadContext, LoadedRange } from './loader.ts';
import { GuestImageError } from './loader.ts';
import type { Extent } from './placement.ts';
import { alignUp, findRoom, isRam, largestRoom, overlaps } from './placement.ts';

export const COMMAND_LINE_ADDRESS = 0x20000;
/** Everything of the loader's below 1 MiB ends here; the EBDA and the hole follow. */
const LOW_MEMORY_END = 0x90000;
/** Where a bzImage has always been loaded, and the lowest address for one. */
export const HIGH_MEMORY = 0x100000;
const PAGE = 0x1000;
/** type_of_loader of a loader without an assigned number. */
const UNDEFINED_LOADER = 0xff;

/** A bzImage with a place for each of its parts. */
export interface PlacedBzImage {
  readonly image: BzImage;
  readonly place: KernelPlace;
  /** Zero-terminated. */
  readonly commandLine: Uint8Array;
  readonly initrd: LoadedRange | null;
}

/** Throws GuestImageError. */
export function placeBzImage(context: LoadContext, image: BzImage): PlacedBzImage {
  const place = placeKernel(context, image);
  const commandLine = placeCommandLine(context, image);
  return { image, place, commandLine, initrd: placeInitrd(context, image, place.needed) };
}

export interface KernelPlace {
  readonly load: number;
  /** What to tell the kernel: lower than it asks for where the chosen address is aligned less. */
  readonly alignment: number;
  /** From where it is loaded and where it will run, until it knows its memory map. */
  readonly needed: readonly Extent[];
}

function placeKernel(context: LoadContext, image: BzImage): KernelPlace {
  const asked = context.loadAddress;
  const load = asked === 'auto' ? defaultLoadAddress(context, image) : asked;
  const problem = asked === 'auto' ? null : loadAddressProblem(image, asked);
  if (problem !== null) throw new GuestImageError('guest.loadAddress', problem);
  const alignment = load % image.alignment === 0 ? image.alignment : lowestBit(load);
  const needed: Extent[] = [
    { address: load, size: image.protectedMode.length },
    { address: runtimeStart(image, load, alignment), size: image.initSize },
  ];
  for (const extent of needed) {
    if (isRam(context.memoryMap, extent)) continue;
    const end = extent.address + extent.size;
    const cause = `The kernel needs ${bytesText(extent.size)} of memory from ${hex(extent.address)} to ${hex(end)}`;
    if (end > context.ram.size) {
      throw new GuestImageError(
        asked === 'auto' ? 'machine.memory' : 'guest.loadAddress',
        `${cause}, but the machine has ${bytesText(context.ram.size)}: ${asked === 'auto' ? 'give it more in machine.memory' : 'choose a lower guest.loadAddress or more machine.memory'}.`,
      );
    }
    throw new GuestImageError(
      'guest.loadAddress',
      `${cause}, where ${inTheWay(context, extent)}: choose another guest.loadAddress.`,
    );
  }
  return { load, alignment, needed };
}

/** What the memory map has in `extent` that is no RAM, as the end of a sentence. */
function inTheWay({ memoryMap }: LoadContext, extent: Extent): string {
  const entry = memoryMap.find(({ type, ...at }) => type !== MEMORY_TYPE.RAM && overlaps(at, extent)); // prettier-ignore
  if (entry === undefined) return 'the memory map has a hole';
  const isAcpi = entry.type === MEMORY_TYPE.ACPI || entry.type === MEMORY_TYPE.NVS;
  const what = isAcpi ? 'the ACPI tables are' : 'the board keeps memory for itself';
  return `${what} (${hex(entry.address)} to ${hex(entry.address + entry.size)})`;
}

/** Where the kernel would like to be, so that it need not move; else where all kernels can be loaded. */
function defaultLoadAddress(context: LoadContext, image: BzImage): number {
  const preferred = image.preferredAddress ?? 0;
  const suits =
    image.relocatable &&
    preferred >= HIGH_MEMORY &&
    preferred % image.alignment === 0 &&
    isRam(context.memoryMap, { address: preferred, size: image.initSize });
  return suits ? preferred : HIGH_MEMORY;
}

function loadAddressProblem(image: BzImage, address: number): string | null {
  if (address < HIGH_MEMORY || address > 0xffffffff) {
    return `The load address ${hex(address)} is not possible: a bzImage goes to 1 MiB (0x100000) or higher, below 4 GiB.`;
  }
  if (!image.relocatable && address !== HIGH_MEMORY) {
    return `The kernel is not relocatable (its header field relocatable_kernel is 0), so it cannot be loaded at ${hex(address)}: remove guest.loadAddress, or build the kernel with CONFIG_RELOCATABLE.`;
  }
  if (image.relocatable && address % image.minimumAlignment !== 0) {
    return `The load address ${hex(address)} is no multiple of the alignment ${hex(image.minimumAlignment)} (${bytesText(image.minimumAlignment)}) that the kernel needs: choose, for example, ${hex(alignUp(address, image.minimumAlignment))}.`;
  }
  return null;
}

/** boot.rst, field init_size; a 32-bit kernel also never runs below its preferred address. */
function runtimeStart(image: BzImage, load: number, alignment: number): number {
  const preferred = image.preferredAddress ?? HIGH_MEMORY;
  if (!image.relocatable) return preferred;
  return Math.max(alignUp(load, alignment), preferred);
}

function placeCommandLine(context: LoadContext, image: BzImage): Uint8Array {
  const text = encodeText(context.commandLine);
  const room = LOW_MEMORY_END - COMMAND_LINE_ADDRESS - 1;
  const limit = Math.min(image.commandLineSize, room);
  if (text.length > limit) {
    throw new GuestImageError(
      'guest.commandLine',
      `The command line has ${text.length} characters, but this kernel takes at most ${limit}: shorten it.`,
    );
  }
  if (text.includes(0)) {
    throw new GuestImageError(
      'guest.commandLine',
      'The command line contains a zero character, at which the kernel would stop reading: remove it.',
    );
  }
  const terminated = new Uint8Array(text.length + 1);
  terminated.set(text);
  return terminated;
}

function placeInitrd(
  context: LoadContext,
  image: BzImage,
  taken: readonly Extent[],
): LoadedRange | null {
  const size = context.initrd?.length ?? 0;
  if (context.initrd === undefined) return null;
  if (size === 0) {
    throw new GuestImageError('guest.initrd', 'The initrd is empty: build it again or remove it.');
  }
  const wish = { alignment: PAGE, from: HIGH_MEMORY, to: image.initrdAddressMax };
  const address = findRoom(context.memoryMap, taken, { ...wish, size, prefer: 'highest' });
  if (address === null) {
    const room = largestRoom(context.memoryMap, taken, wish);
    const below = hex(Math.min(image.initrdAddressMax + 1, context.ram.size));
    throw new GuestImageError(
      'guest.initrd',
      `The initrd of ${bytesText(size)} does not fit: beside the kernel there is room for ${bytesText(room)} below ${below}; give the machine more memory or make the initrd smaller.`,
    );
  }
  return { name: 'initrd', address, size };
}

/** The fields that every loader writes, in a zero page or in the setup code. */
export function fillSetupHeader(bytes: Uint8Array, placed: PlacedBzImage): void {
  const { image, place, initrd } = placed;
  const { version } = image;
  setSetupField(bytes, version, 'type_of_loader', UNDEFINED_LOADER);
  setSetupField(bytes, version, 'cmd_line_ptr', COMMAND_LINE_ADDRESS);
  setSetupField(bytes, version, 'ramdisk_image', initrd?.address ?? 0);
  setSetupField(bytes, version, 'ramdisk_size', initrd?.size ?? 0);
  if (place.alignment !== image.alignment) {
    setSetupField(bytes, version, 'kernel_alignment', place.alignment);
  }
}

/** The largest power of two that divides `value`. */
const lowestBit = (value: number): number => value & -value;
