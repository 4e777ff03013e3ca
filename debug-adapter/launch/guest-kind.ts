/** What kind of guest a file is, for who looks for guests before there is a machine. */
import { loaders } from '../../emulator/loaders/loaders.ts';

/**
 * Name of the loader that takes it ("bzimage", "multiboot", "pvh"); null for none, and for raw binaries,
 * which cannot be told from any other data.
 */
export function guestKind(image: Uint8Array): string | null {
  try {
    const loader = loaders.find((each) => each.name !== 'flat' && each.probe(image));
    return loader?.name ?? null;
  } catch {
    // damaged: launching it says how
    return null;
  }
}
