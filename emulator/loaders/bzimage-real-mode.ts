/**
 * A bzImage by its 16-bit entry (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" and
 * "Running the Kernel"): the setup code runs in real mode, asks a BIOS for memory, keyboard and display,
 * and goes to protected mode itself. The BIOS is that of firmware/services.s, which says what it offers.
 *
 * Where things go (guest-physical), beside kernel and initrd:
 *   0x10000  boot sector and setup code, then their heap and stack up to 0x1e000
 *   0x20000  command line
 *   0xff000  BIOS services
 */
import { SERVICES, servicesImage } from '../firmware/services.ts';
import { bytesText } from '../formats/format-error.ts';
import { LOADFLAGS, setSetupField, setupField } from '../formats/bzimage-header.ts';
import type { PlacedBzImage } from './bzimage-placement.ts';
import { COMMAND_LINE_ADDRESS, fillSetupHeader, HIGH_MEMORY } from './bzimage-placement.ts';
import type { InitialCpuState, LoadContext, LoadedRange } from './loader.ts';
import { GuestImageError } from './loader.ts';
import { realModeStart } from './processor-state.ts';

const SETUP_ADDRESS = 0x10000;
const SETUP_SEGMENT = SETUP_ADDRESS >> 4;
/** Of the setup code behind its boot sector, in paragraphs. */
const ENTRY_PARAGRAPHS = 0x20;
/** Offset of the end of heap and stack in their segment. */
const HEAP_END = 0xe000;
/** What boot.rst leaves to boot sector and setup code. */
const SETUP_LIMIT = 0x8000;
/** heap_end_ptr counts from the setup code on. */
const SECTOR = 0x200;
/** Any stack will do for the services, which take another. */
const FIRST_STACK = 0x7c00;

/** Writes setup code, command line and services, and gives the state in which the services start. */
export function realModeEntry(
  context: LoadContext,
  placed: PlacedBzImage,
): { readonly cpu: InitialCpuState; readonly ranges: readonly LoadedRange[] } {
  const { ram, memoryMap } = context;
  const { image, place, commandLine } = placed;
  const { version } = image;
  if (image.realMode.length > SETUP_LIMIT) {
    throw new GuestImageError(
      'guest.kernel',
      `The kernel's setup code has ${bytesText(image.realMode.length)}, more than the ${bytesText(SETUP_LIMIT)} of the 16-bit boot protocol: the image is damaged, or set guest.entry to "32-bit".`,
    );
  }
  const setup = image.realMode.slice();
  fillSetupHeader(setup, placed);
  setSetupField(setup, version, 'heap_end_ptr', HEAP_END - SECTOR);
  const flags = setupField(setup, version, 'loadflags');
  setSetupField(setup, version, 'loadflags', flags | LOADFLAGS.CAN_USE_HEAP);
  // where it is loaded by default the image's own value stays, which may be a hook
  if (place.load !== HIGH_MEMORY) setSetupField(setup, version, 'code32_start', place.load);

  ram.fill(SETUP_ADDRESS, HEAP_END, 0);
  ram.write(SETUP_ADDRESS, setup);
  ram.write(COMMAND_LINE_ADDRESS, commandLine);
  const start = { cs: SETUP_SEGMENT + ENTRY_PARAGRAPHS, ip: 0, ds: SETUP_SEGMENT, sp: HEAP_END };
  ram.write(SERVICES.address, servicesImage({ start, memoryMap }));
  const { cs, ip } = SERVICES.entry;
  return {
    cpu: realModeStart(cs, ip, FIRST_STACK),
    ranges: [
      { name: 'setup code', address: SETUP_ADDRESS, size: setup.length },
      { name: 'command line', address: COMMAND_LINE_ADDRESS, size: commandLine.length },
      { name: 'BIOS services', address: SERVICES.address, size: SERVICES.size },
    ],
  };
}
