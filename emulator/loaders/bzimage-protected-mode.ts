/**
 * A bzImage by the 32-bit boot protocol (Linux Documentation/arch/x86/boot.rst, "32-bit Boot Protocol", and
 * zero-page.rst): it does what the kernel's own 16-bit setup code would have learned from a BIOS, writes it
 * into the zero page, and enters the kernel in protected mode. The 16-bit code is never run. screen_info
 * tells of a VGA in text mode 3, as the board starts it; there are no disks, no APM, no EFI.
 *
 * Where things go (guest-physical), beside kernel and initrd:
 *   0x00500  boot GDT
 *   0x10000  zero page (struct boot_params)
 *   0x20000  command line
 */
import { encodeE820, ramFrom, setU64 } from '../formats/e820.ts';
import { SETUP_HEADER_START, setSetupField } from '../formats/bzimage-header.ts';
import type { PlacedBzImage } from './bzimage-placement.ts';
import { COMMAND_LINE_ADDRESS, fillSetupHeader, HIGH_MEMORY } from './bzimage-placement.ts';
import type { InitialCpuState, LoadContext, LoadedRange } from './loader.ts';
import { bootGdt, protectedModeStart } from './processor-state.ts';

const GDT_ADDRESS = 0x500;
const ZERO_PAGE_ADDRESS = 0x10000;

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

/** Writes zero page, command line and GDT, and gives the state at the entry. */
export function protectedModeEntry(
  context: LoadContext,
  placed: PlacedBzImage,
): { readonly cpu: InitialCpuState; readonly ranges: readonly LoadedRange[] } {
  const { ram } = context;
  const { commandLine, place } = placed;
  const gdt = bootGdt(GDT_ADDRESS);
  ram.write(COMMAND_LINE_ADDRESS, commandLine);
  ram.write(ZERO_PAGE_ADDRESS, zeroPage(context, placed));
  return {
    cpu: protectedModeStart(ram, gdt, place.load, { esi: ZERO_PAGE_ADDRESS }),
    ranges: [
      gdt,
      { name: 'zero page', address: ZERO_PAGE_ADDRESS, size: ZERO_PAGE.size },
      { name: 'command line', address: COMMAND_LINE_ADDRESS, size: commandLine.length },
    ],
  };
}

/** struct boot_params: the setup header as the image has it, with the loader's fields filled in. */
function zeroPage(context: LoadContext, placed: PlacedBzImage): Uint8Array {
  const page = new Uint8Array(ZERO_PAGE.size);
  const view = new DataView(page.buffer);
  const { image, place } = placed;
  // all else is zero, the sentinel at 0x1ef too, by which the kernel knows that the page was cleared
  page.set(image.setupHeader, SETUP_HEADER_START);
  for (const [offset, byte] of SCREEN_INFO) page[offset] = byte;
  fillSetupHeader(page, placed);
  setSetupField(page, image.version, 'code32_start', place.load);

  const kilobytesAbove1M = Math.floor(ramFrom(context.memoryMap, HIGH_MEMORY) / 1024);
  view.setUint16(ZERO_PAGE.extMemK, Math.min(kilobytesAbove1M, 0xfc00), true);
  view.setUint32(ZERO_PAGE.altMemK, kilobytesAbove1M, true);
  const map = context.memoryMap.slice(0, E820_MAX_ENTRIES);
  page[ZERO_PAGE.e820Entries] = map.length;
  page.set(encodeE820(map), ZERO_PAGE.e820Table);
  // older kernels than Linux 5.0 do not look here, and have nothing else in this place
  setU64(view, ZERO_PAGE.acpiRsdp, context.acpiRsdp ?? 0);
  return page;
}
