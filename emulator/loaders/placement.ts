/**
 * Finding room in guest memory: what is RAM by the memory map, less what is taken. Used for the initrd
 * and for the tables that a loader leaves for its kernel.
 */
import type { MemoryMapEntry } from '../formats/e820.ts';
import { MEMORY_TYPE } from '../formats/e820.ts';

/** Guest-physical bytes from `address`, `size` of them. */
export interface Extent {
  readonly address: number;
  readonly size: number;
}

export interface Wish {
  /** Bytes. */
  readonly size: number;
  /** Of the start, a power of two. */
  readonly alignment: number;
  /** Lowest address of the first byte. */
  readonly from: number;
  /** Highest address of the last byte. */
  readonly to: number;
  readonly prefer: 'lowest' | 'highest';
}

export const overlaps = (a: Extent, b: Extent): boolean =>
  a.address < b.address + b.size && b.address < a.address + a.size;

/** True when every byte of `extent` is RAM. */
export function isRam(map: readonly MemoryMapEntry[], extent: Extent): boolean {
  return freeExtents(map, []).some(
    (free) =>
      extent.address >= free.address && extent.address + extent.size <= free.address + free.size,
  );
}

/** Address that fulfils the wish, or null when no hole is large enough. */
export function findRoom(
  map: readonly MemoryMapEntry[],
  taken: readonly Extent[],
  wish: Wish,
): number | null {
  const holes = freeExtents(map, taken);
  if (wish.prefer === 'highest') holes.reverse();
  for (const hole of holes) {
    const first = alignUp(Math.max(hole.address, wish.from), wish.alignment);
    const end = Math.min(hole.address + hole.size, wish.to + 1);
    const last = alignDown(end - wish.size, wish.alignment);
    if (last >= first) return wish.prefer === 'highest' ? last : first;
  }
  return null;
}

/** Bytes of the largest hole in which `wish` could lie; for messages. */
export function largestRoom(
  map: readonly MemoryMapEntry[],
  taken: readonly Extent[],
  wish: Omit<Wish, 'size' | 'prefer'>,
): number {
  const sizes = freeExtents(map, taken).map((hole) => {
    const first = alignUp(Math.max(hole.address, wish.from), wish.alignment);
    return Math.min(hole.address + hole.size, wish.to + 1) - first;
  });
  return Math.max(0, ...sizes);
}

/** Pieces of RAM that are not taken, ascending; neighbouring entries of the map are one piece. */
function freeExtents(map: readonly MemoryMapEntry[], taken: readonly Extent[]): Extent[] {
  const pieces: { address: number; size: number }[] = [];
  for (const entry of map) {
    if (entry.type !== MEMORY_TYPE.RAM) continue;
    const last = pieces.at(-1);
    if (last !== undefined && last.address + last.size === entry.address) last.size += entry.size;
    else pieces.push({ address: entry.address, size: entry.size });
  }
  return taken.reduce<Extent[]>(
    (free, hole) => free.flatMap((piece) => without(piece, hole)),
    pieces,
  );
}

function without(piece: Extent, hole: Extent): Extent[] {
  if (!overlaps(piece, hole)) return [piece];
  const end = piece.address + piece.size;
  const holeEnd = hole.address + hole.size;
  return [
    { address: piece.address, size: hole.address - piece.address },
    { address: holeEnd, size: end - holeEnd },
  ].filter((part) => part.size > 0);
}

export const alignUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
export const alignDown = (value: number, unit: number): number => Math.floor(value / unit) * unit;
