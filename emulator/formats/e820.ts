/**
 * The memory map as a PC's firmware gives it to an operating system (ACPI 6.5, 15 "System Address Map
 * Interfaces", the INT 15h E820h table). Linux gets it in the zero page, a multiboot kernel in its
 * information block; both are written by the loaders from this one form.
 */

/** AddressRangeType values. */
export const MEMORY_TYPE = { RAM: 1, RESERVED: 2, ACPI: 3, NVS: 4, UNUSABLE: 5 } as const;
export type MemoryType = (typeof MEMORY_TYPE)[keyof typeof MEMORY_TYPE];

export interface MemoryMapEntry {
  /** Guest-physical address of the first byte. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  readonly type: MemoryType;
}

/** Bytes of one entry in the table that Linux reads: base u64, length u64, type u32. */
export const E820_ENTRY_SIZE = 20;

/** What a PC keeps for itself below 1 MiB: EBDA, the hole for display and option ROMs, and the BIOS. */
const LOW_RESERVED: readonly MemoryMapEntry[] = [
  { address: 0x9fc00, size: 0x400, type: MEMORY_TYPE.RESERVED },
  { address: 0xf0000, size: 0x10000, type: MEMORY_TYPE.RESERVED },
];
const HOLE = { start: 0xa0000, end: 0x100000 };

/**
 * Map of a PC with `ramBytes` of memory in one piece from address 0, as its chipset would have it: with
 * the hole below 1 MiB, and with `reserved` taken out (ACPI tables, for instance). Entries ascend and do
 * not overlap. `reserved` entries must not overlap each other.
 */
export function pcMemoryMap(
  ramBytes: number,
  reserved: readonly MemoryMapEntry[] = [],
): readonly MemoryMapEntry[] {
  const special = [
    ...reserved,
    ...LOW_RESERVED.filter((low) => !reserved.some((entry) => overlaps(entry, low))),
  ];
  const holes = [{ address: HOLE.start, size: HOLE.end - HOLE.start }, ...special];
  const map: MemoryMapEntry[] = [...special];
  let from = 0;
  for (const hole of holes.sort((a, b) => a.address - b.address)) {
    const end = Math.min(hole.address, ramBytes);
    if (end > from) map.push({ address: from, size: end - from, type: MEMORY_TYPE.RAM });
    from = Math.max(from, hole.address + hole.size);
  }
  if (ramBytes > from) map.push({ address: from, size: ramBytes - from, type: MEMORY_TYPE.RAM });
  return map.sort((a, b) => a.address - b.address);
}

/** Bytes of RAM from `address` to the first hole. */
export function ramFrom(memoryMap: readonly MemoryMapEntry[], address: number): number {
  let end = address;
  for (const entry of memoryMap)
    if (entry.type === MEMORY_TYPE.RAM && entry.address === end) end += entry.size;
  return end - address;
}

/** The table as bytes, entry after entry. */
export function encodeE820(map: readonly MemoryMapEntry[]): Uint8Array {
  const bytes = new Uint8Array(map.length * E820_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  map.forEach((entry, index) => {
    const at = index * E820_ENTRY_SIZE;
    setU64(view, at, entry.address);
    setU64(view, at + 8, entry.size);
    view.setUint32(at + 16, entry.type, true);
  });
  return bytes;
}

/** Little-endian u64 from a number below 2^53. */
export function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 0x1_0000_0000, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

interface Extent {
  readonly address: number;
  readonly size: number;
}
const overlaps = (a: Extent, b: Extent): boolean =>
  a.address < b.address + b.size && b.address < a.address + a.size;
