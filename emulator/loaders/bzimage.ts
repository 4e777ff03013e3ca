/**
<<<<<<< HEAD
 * Loader of Linux bzImages by the 32-bit boot protocol (Linux Documentation/arch/x86/boot.rst, "32-bit
 * Boot Protocol", and zero-page.rst): it does what the kernel's own 16-bit setup code would have learned
 * from a BIOS, writes it into the zero page, and enters the kernel in protected mode. The 16-bit code is
 * never run. screen_info tells of a VGA in text mode 3, as the board starts it; no disks, no APM, no EFI.
 *
 * Where things go (guest-physical):
 *   0x00500            boot GDT
 *   0x10000            zero page (struct boot_params)
 *   0x20000            command line
 *   loadAddress        protected-mode kernel: by default where it would like to run
 *   as high as may be  initrd
=======
 * Loader of Linux bzImages (Linux Documentation/arch/x86/boot.rst), boot protocols 2.02 to today's, by
 * either entry: the 32-bit one (bzimage-protected-mode.ts) or the 16-bit one (bzimage-real-mode.ts). Where
 * things go is decided in bzimage-placement.ts for both.
>>>>>>> a2bfc86 (Enter bzImages at their 16-bit entry too, with BIOS services under them)
 */
import { bytesText, FormatError, hex } from '../formats/format-error.ts';
import type { BzImage } from '../formats/bzimage-header.ts';
import { describeBzImage, isBzImage, parseBzImage } from '../formats/bzimage-header.ts';
import { placeBzImage } from './bzimage-placement.ts';
import { protectedModeEntry } from './bzimage-protected-mode.ts';
import { realModeEntry } from './bzimage-real-mode.ts';
import type { LoadContext, LoadedRange, Loader } from './loader.ts';
import { GuestImageError } from './loader.ts';
<<<<<<< HEAD
import type { Extent } from './placement.ts';
import { alignUp, findRoom, isRam, largestRoom } from './placement.ts';
import { bootGdt, protectedModeStart } from './processor-state.ts';

const GDT_ADDRESS = 0x500;
const ZERO_PAGE_ADDRESS = 0x10000;
const COMMAND_LINE_ADDRESS = 0x20000;
/** Everything of the loader's ends here; the EBDA and the hole follow. */
const LOW_MEMORY_END = 0x90000;
/** Where a bzImage has always been loaded, and the lowest address for one. */
const HIGH_MEMORY = 0x100000;
const PAGE = 0x1000;

/** struct boot_params, fields outside the setup header (zero-page.rst). */
const ZERO_PAGE = {
  extMemK: 0x002,
  acpiRsdp: 0x070,
  altMemK: 0x1e0,
  e820Entries: 0x1e8,
  e820Table: 0x2d0,
  size: 0x1000,
} as const;
/**
 * struct screen_info, at the start of the zero page (include/uapi/linux/screen_info.h): what it learns
 * from the video BIOS of a VGA in text mode 3. Offset and byte.
 */
// prettier-ignore
const SCREEN_INFO = [
  [0x06, 3],    // orig_video_mode
  [0x07, 80],   // orig_video_cols
  [0x0a, 3],    // orig_video_ega_bx: 256 KiB, colour
  [0x0e, 25],   // orig_video_lines
  [0x0f, 1],    // orig_video_isVGA
  [0x10, 16],   // orig_video_points: lines of a character
] as const;
const E820_MAX_ENTRIES = 128;
/** type_of_loader of a loader without an assigned number. */
const UNDEFINED_LOADER = 0xff;
=======
>>>>>>> a2bfc86 (Enter bzImages at their 16-bit entry too, with BIOS services under them)

export const bzImageLoader: Loader = {
  name: 'bzimage',
  takesModules: false,
  probe: isBzImage,
  load(context) {
    const image = parse(context);
    const placed = placeBzImage(context, image);
    const { place, initrd } = placed;
    const real = usesRealMode(context, image);
    const { cpu, ranges: own } = (real ? realModeEntry : protectedModeEntry)(context, placed);
    const { ram } = context;
    ram.write(place.load, image.protectedMode);
    if (initrd !== null && context.initrd !== undefined) ram.write(initrd.address, context.initrd);
    const ranges: LoadedRange[] = [
      ...own,
      { name: 'kernel', address: place.load, size: image.protectedMode.length },
      ...(initrd === null ? [] : [initrd]),
    ];
    const moves = place.needed.at(-1)?.address ?? place.load;
    const summary = [
      `${describeBzImage(image)} at ${hex(place.load)}`,
      ...(moves === place.load ? [] : [`to run at ${hex(moves)}`]),
      ...(initrd === null ? [] : [`initrd ${bytesText(initrd.size)} at ${hex(initrd.address)}`]),
      ...(real ? ['16-bit entry'] : []),
    ].join(', ');
    ranges.sort((a, b) => a.address - b.address);
    return { loader: 'bzimage', cpu, ranges, summary };
  },
};

function parse(context: LoadContext): BzImage {
  let image: BzImage;
  try {
    image = parseBzImage(context.image);
  } catch (error) {
    if (error instanceof FormatError) throw new GuestImageError('guest.kernel', error.message);
    throw error;
  }
  if (image.is64) {
    throw new GuestImageError(
      'guest.kernel',
      `${context.imageName} is a kernel for x86-64, but this machine's processor is a 32-bit one: use an i386 kernel, such as the one of Debian's linux-image-686.`,
    );
  }
  return image;
}

/**
 * iPXE and its like have no 32-bit entry, and Linux has counted on loaders that use it since 2.6.26, which
 * speaks protocol 2.08 at least.
 */
function usesRealMode({ entry = 'auto' }: LoadContext, { version }: BzImage): boolean {
  return entry === '16-bit' || (entry === 'auto' && version < 0x208);
}
<<<<<<< HEAD

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
      `${cause}, where the board keeps memory for itself: choose another guest.loadAddress.`,
    );
  }
  return { load, alignment, needed };
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

function writeGuest(
  context: LoadContext,
  image: BzImage,
  place: KernelPlace,
  commandLine: Uint8Array,
  initrd: LoadedRange | null,
): LoadedGuest {
  const { ram } = context;
  const gdt = bootGdt(GDT_ADDRESS);
  ram.write(place.load, image.protectedMode);
  ram.write(COMMAND_LINE_ADDRESS, commandLine);
  if (initrd !== null && context.initrd !== undefined) ram.write(initrd.address, context.initrd);
  ram.write(ZERO_PAGE_ADDRESS, zeroPage(context, image, place, initrd));
  const ranges: LoadedRange[] = [
    gdt,
    { name: 'zero page', address: ZERO_PAGE_ADDRESS, size: ZERO_PAGE.size },
    { name: 'command line', address: COMMAND_LINE_ADDRESS, size: commandLine.length },
    { name: 'kernel', address: place.load, size: image.protectedMode.length },
  ];
  if (initrd !== null) ranges.push(initrd);
  ranges.sort((a, b) => a.address - b.address);
  const moves = place.needed.at(-1)?.address ?? place.load;
  const summary = [
    `${describeBzImage(image)} at ${hex(place.load)}`,
    ...(moves === place.load ? [] : [`to run at ${hex(moves)}`]),
    ...(initrd === null ? [] : [`initrd ${bytesText(initrd.size)} at ${hex(initrd.address)}`]),
  ].join(', ');
  return {
    loader: 'bzimage',
    cpu: protectedModeStart(ram, gdt, place.load, { esi: ZERO_PAGE_ADDRESS }),
    ranges,
    summary,
  };
}

/** struct boot_params: the setup header as the image has it, with the loader's fields filled in. */
function zeroPage(
  context: LoadContext,
  image: BzImage,
  place: KernelPlace,
  initrd: LoadedRange | null,
): Uint8Array {
  const page = new Uint8Array(ZERO_PAGE.size);
  const view = new DataView(page.buffer);
  // all else is zero, the sentinel at 0x1ef too, by which the kernel knows that the page was cleared
  page.set(image.setupHeader, SETUP_HEADER_START);
  const { version } = image;
  for (const [offset, byte] of SCREEN_INFO) page[offset] = byte;
  setSetupField(page, version, 'type_of_loader', UNDEFINED_LOADER);
  setSetupField(page, version, 'code32_start', place.load);
  setSetupField(page, version, 'cmd_line_ptr', COMMAND_LINE_ADDRESS);
  setSetupField(page, version, 'ramdisk_image', initrd?.address ?? 0);
  setSetupField(page, version, 'ramdisk_size', initrd?.size ?? 0);
  if (place.alignment !== image.alignment) {
    setSetupField(page, version, 'kernel_alignment', place.alignment);
  }

  const kilobytesAbove1M = Math.max(0, (context.ram.size - HIGH_MEMORY) >> 10);
  view.setUint16(ZERO_PAGE.extMemK, Math.min(kilobytesAbove1M, 0xfc00), true);
  view.setUint32(ZERO_PAGE.altMemK, kilobytesAbove1M, true);
  const map = context.memoryMap.slice(0, E820_MAX_ENTRIES);
  page[ZERO_PAGE.e820Entries] = map.length;
  page.set(encodeE820(map), ZERO_PAGE.e820Table);
  // older kernels than Linux 5.0 do not look here, and have nothing else in this place
  setU64(view, ZERO_PAGE.acpiRsdp, context.acpiRsdp ?? 0);
  return page;
}

/** The largest power of two that divides `value`. */
const lowestBit = (value: number): number => value & -value;
=======
>>>>>>> a2bfc86 (Enter bzImages at their 16-bit entry too, with BIOS services under them)
