/**
 * Where indexes are kept from one session to the next, by the build ID of their files. The host gives it;
 * a host without a disk has none.
 */
import type { SymbolModule } from './symbol-module.ts';

export interface IndexStore {
  /** Null when there is none of this key, or it cannot be read. */
  read(key: string): Promise<Uint8Array | null>;
  /** Failing is not worth a word: the index is built again next time. */
  write(key: string, bytes: Uint8Array): Promise<void>;
}

/**
 * What an index is kept under: the build ID, and what the debugging sections look like, since a stripped
 * file has the build ID too. Null for a file without one.
 */
export function storeKey({ image, file }: SymbolModule): string | null {
  if (image.buildId === null || file === null) return null;
  let hash = 0x811c9dc5;
  for (const { name, offset, size } of file.elf.sections)
    for (const character of `${name} ${offset} ${size} `)
      hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return `${image.buildId}-${(hash >>> 0).toString(16).padStart(8, '0')}`;
}
