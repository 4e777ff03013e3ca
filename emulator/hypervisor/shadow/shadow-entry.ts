/**
 * Entries of shadow tables: PAE's format (SDM vol. 3, table 4-11), eight bytes each, in which the
 * processor walks them. An entry of a directory holds a table's offset in the pool and allows
 * everything; rights are those of the last level, where the page frame is guest-physical.
 */

/** Bits of the lower half. MMIO is one that processors ignore: known to be no memory, and not present. */
export const ENTRY = {
  PRESENT: 1 << 0,
  WRITABLE: 1 << 1,
  USER: 1 << 2,
  ACCESSED: 1 << 5,
  DIRTY: 1 << 6,
  GLOBAL: 1 << 8,
  MMIO: 1 << 9,
} as const;
/** Bit of the upper half. */
export const EXECUTE_DISABLE = 1 << 31;

/** Entries of a table. */
export const TABLE_ENTRIES = 512;
/** Frames of 4 KiB in 4 GiB: a frame number has so many bits in an entry's lower half. */
const LOW_FRAME_BITS = 20;

/** Frame number of a page; may have up to 24 bits. */
export function frameOf(low: number, high: number): number {
  return (low >>> 12) | ((high & 0xf) << LOW_FRAME_BITS);
}
/** The lower and the upper half of a frame's address. */
export function frameLow(frame: number): number {
  return frame << 12;
}
export function frameHigh(frame: number): number {
  return (frame >>> LOW_FRAME_BITS) & 0xf;
}
