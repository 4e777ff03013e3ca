/**
 * The files that a kernel finds beside it in memory: multiboot 1 and PVH both know a list of modules, each
 * with a string of its own, and say nothing of where they lie but that it is said. They go page-aligned
 * behind the kernel, above 1 MiB, in the order given. guest.initrd is the first of them.
 */
import { bytesText } from '../formats/format-error.ts';
import { encodeText } from '../formats/text.ts';
import type { GuestAttribute, LoadContext, LoadedRange } from './loader.ts';
import { GuestImageError } from './loader.ts';
import type { Extent } from './placement.ts';
import { findRoom, largestRoom } from './placement.ts';

const HIGH_MEMORY = 0x100000;
const PAGE = 0x1000;
/** More than anyone has: a list that a program has written wrongly. */
const MODULE_LIMIT = 1024;

/** A module in memory. */
export interface PlacedModule extends LoadedRange {
  /** "initrd", or name and arguments, as the kernel is to be told. Zero-terminated bytes. */
  readonly text: Uint8Array;
}

interface Wanted {
  readonly attribute: GuestAttribute;
  /** For messages: "The initrd", "The module /tmp/x". */
  readonly title: string;
  readonly rangeName: string;
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Finds room for initrd and modules beside `kernel` and writes them there. Throws GuestImageError. */
export function placeModules(
  context: LoadContext,
  kernel: readonly Extent[],
): readonly PlacedModule[] {
  const wanted = wantedModules(context);
  if (wanted.length > MODULE_LIMIT) {
    throw new GuestImageError(
      'guest.modules',
      `${wanted.length} modules are more than the ${MODULE_LIMIT} that can be loaded: name fewer.`,
    );
  }
  let from = Math.max(HIGH_MEMORY, ...kernel.map(({ address, size }) => address + size));
  return wanted.map((module) => {
    const placed = place(context, kernel, module, from);
    from = placed.address + placed.size;
    return placed;
  });
}

function wantedModules({ initrd, modules = [] }: LoadContext): readonly Wanted[] {
  const first: readonly Wanted[] =
    initrd === undefined
      ? []
      : [{ attribute: 'guest.initrd', title: 'The initrd', rangeName: 'initrd', bytes: initrd, text: 'initrd' }]; // prettier-ignore
  const others = modules.map(({ name, bytes, commandLine }): Wanted => {
    const text = `${name} ${commandLine}`.trim();
    return { attribute: 'guest.modules', title: `The module ${name}`, rangeName: 'module', bytes, text }; // prettier-ignore
  });
  return [...first, ...others];
}

function place(
  context: LoadContext,
  taken: readonly Extent[],
  { attribute, title, rangeName, bytes, text }: Wanted,
  from: number,
): PlacedModule {
  const size = bytes.length;
  const wish = { alignment: PAGE, from, to: 0xffffffff };
  // an empty module has an address too
  const address = findRoom(context.memoryMap, taken, {
    ...wish,
    size: Math.max(size, 1),
    prefer: 'lowest',
  });
  if (address === null) {
    const room = bytesText(largestRoom(context.memoryMap, taken, wish));
    throw new GuestImageError(
      attribute,
      `${title} of ${bytesText(size)} does not fit: behind what is loaded before it there is room for ${room}; give the machine more memory or make it smaller.`,
    );
  }
  context.ram.write(address, bytes);
  return { name: rangeName, address, size, text: zeroTerminated(text, attribute) };
}

/** The text as a kernel reads it. Throws GuestImageError that names `attribute` for a zero in the text. */
export function zeroTerminated(text: string, attribute: GuestAttribute): Uint8Array {
  const encoded = encodeText(text);
  if (encoded.includes(0)) {
    throw new GuestImageError(
      attribute,
      'The text for the kernel contains a zero character, at which the kernel would stop reading: remove it.',
    );
  }
  return Uint8Array.from([...encoded, 0]);
}
