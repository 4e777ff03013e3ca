/**
 * Loader of Linux bzImages (Linux Documentation/arch/x86/boot.rst), boot protocols 2.02 to today's, by
 * either entry: the 32-bit one (bzimage-protected-mode.ts) or the 16-bit one (bzimage-real-mode.ts). Where
 * things go is decided in bzimage-placement.ts for both.
 */
import { bytesText, FormatError, hex } from '../formats/format-error.ts';
import type { BzImage } from '../formats/bzimage-header.ts';
import { describeBzImage, isBzImage, parseBzImage } from '../formats/bzimage-header.ts';
import { placeBzImage } from './bzimage-placement.ts';
import { protectedModeEntry } from './bzimage-protected-mode.ts';
import { realModeEntry } from './bzimage-real-mode.ts';
import type { LoadContext, LoadedRange, Loader } from './loader.ts';
import { GuestImageError } from './loader.ts';

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
