/**
 * The ordered list of loaders, and the choice among them: the one that guest.format names, or the first
 * whose probe accepts the image. A new kind of guest image is a file in this folder and a line here.
 */
import { bzImageLoader } from './bzimage.ts';
import { flatLoader } from './flat.ts';
import { imageKind } from './image-kind.ts';
import type { LoadContext, LoadedGuest, Loader } from './loader.ts';
import { GuestImageError } from './loader.ts';
import { multibootLoader } from './multiboot.ts';
import { pvhLoader } from './pvh.ts';

/** A bzImage first: it may also be a PE file and, like every boot sector, ends its first 512 bytes in 55 aa. */
export const loaders: readonly Loader[] = [bzImageLoader, multibootLoader, pvhLoader, flatLoader];

/**
 * Loads the guest with the loader named `format`, or with the first that accepts it for 'auto'. Throws
 * GuestImageError; memory may be partly written then.
 */
export function loadGuest(context: LoadContext, format: string): LoadedGuest {
  if (context.image.length === 0) {
    throw new GuestImageError(
      'guest.kernel',
      `${context.imageName} is empty: build or download it again.`,
    );
  }
  const loader =
    format === 'auto'
      ? loaders.find((candidate) => candidate.probe(context.image))
      : loaders.find((candidate) => candidate.name === format);
  if (loader === undefined && format !== 'auto') {
    const names = ['auto', ...loaders.map(({ name }) => name)].join(', ');
    throw new GuestImageError(
      'guest.format',
      `There is no guest format "${format}": use one of ${names}.`,
    );
  }
  const accepted = loader?.name === 'flat' || loader?.probe(context.image) === true;
  if (loader === undefined || !accepted) throw wrongKind(context, format);
  if ((context.modules ?? []).length > 0 && !loader.takesModules) {
    throw new GuestImageError(
      'guest.modules',
      `A guest of the kind ${loader.name} has no way to find modules: remove guest.modules${context.initrd === undefined && loader.name === 'bzimage' ? ', or give the file as guest.initrd' : ''}.`,
    );
  }
  if ((context.entry ?? 'auto') !== 'auto' && loader !== bzImageLoader) {
    throw new GuestImageError(
      'guest.entry',
      `A guest of the kind ${loader.name} has only one entry: remove guest.entry, which chooses between the two of a bzImage.`,
    );
  }
  return loader.load(context);
}

function wrongKind(context: LoadContext, format: string): GuestImageError {
  const { looksLike, remedy } = imageKind(context.image);
  const wanted =
    format === 'auto'
      ? 'is no guest that can be started (a Linux bzImage, a multiboot 1 or PVH kernel, or a boot sector)'
      : `is no ${format} image, as guest.format says`;
  const help = format === 'auto' ? remedy : `set guest.format to "auto", or ${remedy}`;
  return new GuestImageError(
    'guest.kernel',
    `${context.imageName} ${wanted}; it looks like ${looksLike}: ${help}.`,
  );
}
