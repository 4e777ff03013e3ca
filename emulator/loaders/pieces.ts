/**
 * The pieces of a kernel that goes where it was linked to: the loadable segments of an ELF32 file (System V
 * ABI, chapter 5 "Program Header"), or whatever else a header names. They are checked against the memory
 * map and against each other before the first byte is written. Only physical addresses count; segments are
 * never moved.
 */
import type { ElfFile } from '../formats/elf.ts';
import { SEGMENT_TYPE } from '../formats/elf.ts';
import { bytesText, FormatError, hex } from '../formats/format-error.ts';
import type { GuestRam, LoadContext } from './loader.ts';
import { GuestImageError } from './loader.ts';
import type { Extent } from './placement.ts';
import { isRam, overlaps } from './placement.ts';

/** A piece of the kernel in memory: `bytes`, then zeros up to `size`. */
export interface Piece extends Extent {
  readonly bytes: Uint8Array;
}

export interface PlacedKernel {
  readonly pieces: readonly Piece[];
  /** Guest-physical. */
  readonly entry: number;
}

/** More segments than any linker makes: a damaged file, and a long time to check. */
const SEGMENT_LIMIT = 1024;

/** Segments by their physical addresses, and e_entry. Throws FormatError. */
export function elfPieces(file: ElfFile): PlacedKernel {
  const segments = file.segments.filter(
    (segment) => segment.type === SEGMENT_TYPE.LOAD && segment.memorySize > 0,
  );
  if (segments.length === 0) {
    throw new FormatError(
      'malformed',
      'The ELF file has no segment to load: link it as a program.',
    );
  }
  if (segments.length > SEGMENT_LIMIT) {
    throw new FormatError(
      'malformed',
      `The ELF file has ${segments.length} segments to load, more than a kernel can mean: build it again.`,
    );
  }
  const pieces = segments.map((segment) => ({
    address: segment.physicalAddress,
    size: segment.memorySize,
    bytes: file.source.read(segment.offset, segment.fileSize),
  }));
  // e_entry is meant as a physical address; one that lies in a segment by its virtual one is moved along
  const home = segments.find(
    ({ virtualAddress, memorySize }) =>
      file.entry >= virtualAddress && file.entry < virtualAddress + memorySize,
  );
  const moved = home === undefined ? 0 : home.physicalAddress - home.virtualAddress;
  return { pieces, entry: file.entry + moved };
}

/** Throws GuestImageError where a piece is not wholly in RAM, or overlaps another one. */
export function checkPieces(context: LoadContext, pieces: readonly Piece[]): void {
  for (const piece of pieces) {
    const where = segmentText(piece);
    const end = piece.address + piece.size;
    if (end > context.ram.size) {
      throw new GuestImageError(
        'machine.memory',
        `${where}, but the machine's memory ends at ${hex(context.ram.size)}: give it more in machine.memory, or link the kernel lower.`,
      );
    }
    if (!isRam(context.memoryMap, piece)) {
      throw new GuestImageError(
        'guest.kernel',
        `${where}, where a PC has no free memory: link it to 0x100000 or higher.`,
      );
    }
  }
  const ascending = [...pieces].sort((a, b) => a.address - b.address);
  ascending.forEach((piece, index) => {
    const next = ascending.at(index + 1);
    if (next === undefined || !overlaps(piece, next)) return;
    throw new GuestImageError(
      'guest.kernel',
      `${segmentText(piece)} that overlaps another one at ${hex(next.address)}: link it again with segments apart.`,
    );
  });
}

const segmentText = ({ address, size }: Extent): string =>
  `The kernel has a segment of ${bytesText(size)} at ${hex(address)}`;

export function writePieces(ram: GuestRam, pieces: readonly Piece[]): void {
  for (const { address, size, bytes } of pieces) {
    ram.write(address, bytes);
    ram.fill(address + bytes.length, size - bytes.length, 0);
  }
}
