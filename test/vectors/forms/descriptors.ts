/**
 * The segments of a case: Linux's flat ones and the entries that execute.c puts into the process's LDT,
 * as descriptors (SDM vol. 3, 3.4.5) in memory and as the caches that a load of them gives.
 */
import type { Segment } from '../../../emulator/cpu/state.ts';

interface Row {
  /** Type, S, DPL and P: bits 8 to 15 of the second doubleword. */
  readonly access: number;
  readonly base: number;
  /** As in the descriptor, before G. */
  readonly limit: number;
  /** G and D/B: bits 20 to 23. */
  readonly flags: number;
}

// prettier-ignore
const CODE_32_FLAT = { access: 0xfb, base: 0, limit: 0xfffff, flags: 0xc } as const satisfies Row;
// prettier-ignore
const DATA_32_FLAT = { access: 0xf3, base: 0, limit: 0xfffff, flags: 0xc } as const satisfies Row;

/** AVL is set, as modify_ldt's `useable` sets it. */
// prettier-ignore
export const LDT = [
  { access: 0xfb, base: 0,          limit: 0xffff,  flags: 0x1 }, // 07 16-bit code
  { access: 0xf3, base: 0,          limit: 0xfffff, flags: 0x9 }, // 0f 4 GiB, B = 0
  { access: 0xf3, base: 0,          limit: 0x8037,  flags: 0x5 }, // 17 ends in the second page of DATA
  { access: 0xf7, base: 0,          limit: 0x7fc1,  flags: 0x5 }, // 1f expands down to the first
  { access: 0xf1, base: 0,          limit: 0xfffff, flags: 0xd }, // 27 read-only
  { access: 0xf9, base: 0,          limit: 0xfffff, flags: 0xd }, // 2f code that cannot be read
  { access: 0x73, base: 0,          limit: 0xfffff, flags: 0xd }, // 37 not present
  { access: 0x7f, base: 0,          limit: 0xfffff, flags: 0xd }, // 3f conforming code, not present
  { access: 0xf7, base: 0,          limit: 0x7fc1,  flags: 0x1 }, // 47 expands down, 16-bit
  { access: 0xf3, base: 0xfffff000, limit: 0xfffff, flags: 0xd }, // 4f addresses wrap round
  { access: 0xf3, base: 0x1000,     limit: 0xbf37,  flags: 0x5 }, // 57 based, ends in STACK
] as const satisfies readonly Row[];

const GDT = new Map<number, Row>([
  [4, CODE_32_FLAT],
  [5, DATA_32_FLAT],
]);

/** Entries of the GDT up to Linux's user segments. */
export const GDT_ENTRIES = 6;

/** The eight bytes of a descriptor as two doublewords. */
function words({ access, base, limit, flags }: Row): readonly [number, number] {
  const low = ((limit & 0xffff) | (base << 16)) >>> 0;
  const middle = ((base >>> 16) & 0xff) | (access << 8) | (limit & 0xf0000);
  return [low, (middle | (flags << 20) | (base & 0xff000000)) >>> 0];
}

/** Writes both tables as doublewords; `at` are indices. */
export function writeTables(ram: Uint32Array, gdt: number, ldt: number): void {
  for (const [index, row] of GDT) ram.set(words(row), gdt + 2 * index);
  LDT.forEach((row, index) => {
    ram.set(words(row), ldt + 2 * index);
  });
}

/** The cache of a segment register after a load of this selector. */
export function segmentOf(selector: number): Segment {
  const row = (selector & 4) !== 0 ? LDT[selector >> 3] : GDT.get(selector >> 3);
  if (row === undefined) return { selector, rights: 0x10000, base: 0, limit: 0 };
  const limit = (row.flags & 8) !== 0 ? ((row.limit << 12) | 0xfff) >>> 0 : row.limit;
  return { selector, rights: row.access | (row.flags << 12), base: row.base, limit };
}

/** Base of the segment that a selector names, for those who plan addresses. */
export function baseOf(selector: number): number {
  return segmentOf(selector).base;
}
