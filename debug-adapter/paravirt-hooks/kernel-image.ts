/**
 * The kernel's file as it was linked: what memory held before the kernel patched itself, and the sections
 * that it has since freed (`.parainstructions` lies among what is only for its start). Addresses are those
 * of the file; `image` tells how far it has moved.
 */
import type { ElfFile, ElfSection } from '../../emulator/formats/elf.ts';
import {
  findSection,
  SECTION_FLAG,
  SECTION_TYPE,
  sectionBytes,
} from '../../emulator/formats/elf.ts';
import type { GuestImage } from '../symbols/guest-image.ts';

export interface PlacedBytes {
  /** Linear, as linked. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface KernelImage {
  readonly image: GuestImage;
  /** A section that is in memory with the program; null when the file has none, or not its contents. */
  section(name: string): PlacedBytes | null;
  /** What the file has for these addresses; null where that is not all of it. */
  read(address: number, count: number): Uint8Array | null;
  /** Sections of code, one at a time. */
  code(): Iterable<PlacedBytes>;
}

export function kernelImage(elf: ElfFile, image: GuestImage): KernelImage {
  const loaded = elf.sections.filter(isLoaded);
  const placed = (section: ElfSection): PlacedBytes => ({
    address: section.address >>> 0,
    bytes: sectionBytes(elf, section),
  });
  return {
    image,
    section(name) {
      const section = findSection(elf, name);
      return section !== undefined && isLoaded(section) ? placed(section) : null;
    },
    read(address, count) {
      const section = loaded.find(({ address: start, size }) => {
        const offset = address - (start >>> 0);
        return offset >= 0 && offset + count <= size;
      });
      if (section === undefined) return null;
      const offset = address - (section.address >>> 0);
      return elf.source.read(section.offset + offset, count);
    },
    *code() {
      for (const section of loaded)
        if ((section.flags & SECTION_FLAG.EXECINSTR) !== 0) yield placed(section);
    },
  };
}

function isLoaded({ flags, type, size }: ElfSection): boolean {
  return (flags & SECTION_FLAG.ALLOC) !== 0 && type !== SECTION_TYPE.NOBITS && size > 0;
}
