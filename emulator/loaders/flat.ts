/**
 * Loader of raw binaries: the file goes to one address and is entered in real mode at its first byte, as
 * a BIOS enters a boot sector at 0000:7c00 (no specification; IBM PC, Technical Reference, "Bootstrap").
 * There is no BIOS: INT 10h and the like lead nowhere, and registers are zero rather than what a BIOS
 * would leave. Other addresses than 0x7c00 are possible anywhere below 1 MiB.
 */
import { bytesText, hex } from '../formats/format-error.ts';
import type { LoadContext, Loader } from './loader.ts';
import { GuestImageError } from './loader.ts';
import { isRam } from './placement.ts';
import { realModeStart } from './processor-state.ts';

const BOOT_SECTOR_ADDRESS = 0x7c00;
/** The stack is below 0x7c00 in any case, where a boot sector expects it. */
const STACK_TOP = 0x7c00;
const REAL_MODE_END = 0x100000;

export const flatLoader: Loader = {
  name: 'flat',
  takesModules: false,
  /** A boot sector's signature. Without it only guest.format says that a file is a raw binary. */
  probe: (image) => image.length >= 512 && image[510] === 0x55 && image[511] === 0xaa,
  load(context) {
    const address = context.loadAddress === 'auto' ? BOOT_SECTOR_ADDRESS : context.loadAddress;
    check(context, address);
    context.ram.write(address, context.image);
    // an address that a 16-bit IP can hold is entered with CS 0, so that offsets are linear addresses
    const cs = address < 0x10000 ? 0 : address >> 4;
    return {
      loader: 'flat',
      cpu: realModeStart(cs, address - (cs << 4), STACK_TOP),
      ranges: [{ name: 'image', address, size: context.image.length }],
      summary: `raw binary, ${bytesText(context.image.length)} at ${hex(address)}, real mode`,
    };
  },
};

function check(context: LoadContext, address: number): void {
  const { image, ram } = context;
  if (image.length === 0) {
    throw new GuestImageError(
      'guest.kernel',
      `${context.imageName} is empty: build or download it again.`,
    );
  }
  if (context.initrd !== undefined) {
    throw new GuestImageError(
      'guest.initrd',
      'A raw binary has no way to find an initrd: remove guest.initrd.',
    );
  }
  if (context.commandLine !== '') {
    throw new GuestImageError(
      'guest.commandLine',
      'A raw binary has no way to find a command line: remove guest.commandLine.',
    );
  }
  if (address >= REAL_MODE_END) {
    throw new GuestImageError(
      'guest.loadAddress',
      `A raw binary starts in real mode and cannot be loaded at ${hex(address)}: choose an address below 1 MiB (0x100000).`,
    );
  }
  if (isRam(context.memoryMap, { address, size: image.length })) return;
  const end = address + image.length;
  const where = `The raw binary of ${bytesText(image.length)} would lie at ${hex(address)} to ${hex(end)}`;
  if (end > ram.size) {
    throw new GuestImageError(
      'machine.memory',
      `${where}, beyond the ${bytesText(ram.size)} of the machine: give it more in machine.memory.`,
    );
  }
  throw new GuestImageError(
    context.loadAddress === 'auto' ? 'guest.kernel' : 'guest.loadAddress',
    `${where}, where a PC has no free memory (0x9fc00 to 0x100000): use a smaller image or another guest.loadAddress.`,
  );
}
