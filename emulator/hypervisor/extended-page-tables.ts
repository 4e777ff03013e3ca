/**
 * The extended page tables that the hypervisor keeps (SDM vol. 3, 29.3.2): four levels from a
 * guest-physical address to memory, in memory of its own. RAM is mapped as it lies, by large pages where
 * they fit, with all rights until some are taken. What is not RAM is absent (EPT violation) until the
 * hypervisor marks it, as KVM does, by an entry that may be written but not read, which is a
 * misconfiguration (29.3.3.1) and tells the next exit that this is a device.
 *
 * Pages of RAM that lack a right, or whose accessed and dirty flags (29.3.5) are not all set, carry
 * PAGE_FLAG.PROTECTED, by which the processor asks here. Not emulated: memory types, page-modification
 * logging.
 */
import { PAGE_FLAG } from '../memory/memory-map.ts';

/** What a walk comes to. */
export type EptOutcome = 'present' | 'violation' | 'misconfiguration';

/** Bits 2:0 of an entry. */
export const EPT_RIGHT = { READ: 1 << 0, WRITE: 1 << 1, EXECUTE: 1 << 2 } as const;
const { READ, WRITE, EXECUTE } = EPT_RIGHT;
const RIGHTS = READ | WRITE | EXECUTE;
/** Bits 5:3, memory type of a page: write-back. */
const WRITE_BACK = 6 << 3;
const LARGE_PAGE = 1 << 7;
const ACCESSED = 1 << 8;
const DIRTY = 1 << 9;
/** Ignored by the processor: the hypervisor does not give rights to this page back. */
const KEPT = 1 << 11;
const PAGE_SHIFT = 12;
const PAGE = 2 ** PAGE_SHIFT;
const LARGE_SHIFT = 21;
const LARGE = 2 ** LARGE_SHIFT;
/** Index bits of a level, 4 to 1. */
const indexOf = (address: number, level: number): number =>
  Math.floor(address / 2 ** (PAGE_SHIFT + 9 * (level - 1))) & 511;

/** Where RAM ends, and the hole in it: video memory and option ROMs. */
const HOLE = { first: 0xa0000, end: 0x100000 } as const;

/** Rights that a range of RAM has; first and last byte, both included. */
export interface EptRange {
  readonly first: number;
  readonly last: number;
  /** EPT_RIGHT bits; without READ there is no WRITE. */
  readonly rights: number;
  /** An access that lacks a right is emulated each time; else the first one gets it back. */
  readonly kept: boolean;
}

interface Place {
  readonly table: Uint32Array;
  readonly index: number;
  readonly level: number;
}

export class ExtendedPageTables {
  /** By their number, which is their host-physical page: 512 entries, low halves (tables lie below 4 GiB). */
  readonly #tables: Uint32Array[] = [new Uint32Array(512)];
  readonly #ramBytes: number;
  readonly #flags: Uint8Array;
  /** EPTP bit 6. */
  readonly #accessedDirty: boolean;

  /** @param flags what PAGE_FLAG says of each page of RAM; absent: nobody asks */
  constructor(
    ramBytes: number,
    flags: Uint8Array = new Uint8Array(ramBytes / PAGE),
    accessedDirty = false,
  ) {
    this.#ramBytes = ramBytes;
    this.#flags = flags;
    this.#accessedDirty = accessedDirty;
    for (let at = 0; at < ramBytes;) {
      const large = at >= LARGE && at + LARGE <= ramBytes;
      const entry = at | RIGHTS | WRITE_BACK | (large ? LARGE_PAGE : 0);
      if (this.isRam(at)) this.#set(at, large ? 2 : 1, entry >>> 0);
      at += large ? LARGE : PAGE;
    }
  }

  /** Whether the second stage knows RAM there. */
  isRam(address: number): boolean {
    return address < this.#ramBytes && !(address >= HOLE.first && address < HOLE.end);
  }

  /** 29.3.2: an entry with bits 2:0 clear is absent; one that allows writes but not reads is misconfigured. */
  walk(address: number): EptOutcome {
    const entry = this.#entry(address);
    if ((entry & RIGHTS) === 0) return 'violation';
    return (entry & (READ | WRITE)) === WRITE ? 'misconfiguration' : 'present';
  }
  /** EPT_RIGHT bits. */
  rights(address: number): number {
    return this.#entry(address) & RIGHTS;
  }
  isKept(address: number): boolean {
    return (this.#entry(address) & KEPT) !== 0;
  }
  /** Flags of the page: whether it was accessed and written to; null where they are not kept. */
  usage(address: number): { readonly accessed: boolean; readonly dirty: boolean } | null {
    if (!this.#accessedDirty) return null;
    const entry = this.#entry(address);
    return { accessed: (entry & ACCESSED) !== 0, dirty: (entry & DIRTY) !== 0 };
  }
  get accessedDirty(): boolean {
    return this.#accessedDirty;
  }

  /** The page around the address is a device's: bits 2:0 are 110b. */
  markDevice(address: number): void {
    this.#set(address, 1, WRITE | EXECUTE);
  }

  /** Sets the rights of the pages of RAM in a range. Translations that processors remember must go. */
  protect({ first, last, rights, kept }: EptRange): void {
    const bits = rights | (kept ? KEPT : 0);
    for (let at = first - (first % PAGE); at <= Math.min(last, this.#ramBytes - 1);) {
      const { table, index, level } = this.#leaf(at);
      const whole = level === 2 && at % LARGE === 0 && at + LARGE - 1 <= last;
      if (whole) {
        table[index] = ((table[index] & ~(RIGHTS | KEPT)) | bits) >>> 0;
        this.#note(at);
      } else if (this.isRam(at)) {
        this.#set(at, 1, this.#split(at, bits));
      }
      at += whole ? LARGE : PAGE;
    }
  }
  /** Adds rights to the page around an address in RAM. */
  allow(address: number, rights: number): void {
    const had = this.rights(address);
    this.#set(address, 1, this.#split(address, had | rights));
  }
  /** The entry of one page, from that of the large page it is part of, with other rights. */
  #split(address: number, bits: number): number {
    const page = address - (address % PAGE);
    const flags = this.#entry(address) & (ACCESSED | DIRTY);
    return (page | WRITE_BACK | flags | bits) >>> 0;
  }

  /** 29.3.5: an access that has its right sets the flags, where they are kept. */
  used(address: number, write: boolean): void {
    if (!this.#accessedDirty) return;
    let table = this.#tables[0];
    for (let level = 4; level >= 1; level--) {
      const index = indexOf(address, level);
      const entry = table[index];
      const isLeaf = level === 1 || (entry & LARGE_PAGE) !== 0;
      table[index] = (entry | ACCESSED | (isLeaf && write ? DIRTY : 0)) >>> 0;
      if (isLeaf) break;
      table = this.#tables[entry >>> PAGE_SHIFT];
    }
    this.#note(address);
  }

  /** The entry that ends the walk; 0 where a table is absent. */
  #entry(address: number): number {
    const { table, index } = this.#leaf(address);
    return table[index];
  }
  #leaf(address: number): Place {
    let table = this.#tables[0];
    for (let level = 4; ; level--) {
      const index = indexOf(address, level);
      const entry = table[index];
      const isLeaf = level === 1 || (entry & LARGE_PAGE) !== 0 || (entry & RIGHTS) === 0;
      if (isLeaf) return { table, index, level };
      table = this.#tables[entry >>> PAGE_SHIFT];
    }
  }

  /** Sets an entry of a level, with the tables above it; a large page in the way becomes 512 small ones. */
  #set(address: number, level: number, entry: number): void {
    let table = this.#tables[0];
    for (let above = 4; above > level; above--) {
      const index = indexOf(address, above);
      const next = table[index];
      if ((next & LARGE_PAGE) === 0 && (next & RIGHTS) !== 0) {
        table = this.#tables[next >>> PAGE_SHIFT];
        continue;
      }
      const added = this.#tables.push(new Uint32Array(512)) - 1;
      if ((next & LARGE_PAGE) !== 0) {
        const small = next & ~LARGE_PAGE;
        this.#tables[added].forEach((_, at, all) => (all[at] = small + at * PAGE));
      }
      table[index] = ((added << PAGE_SHIFT) | RIGHTS | (next & ACCESSED)) >>> 0;
      table = this.#tables[added];
    }
    table[indexOf(address, level)] = entry;
    this.#note(address);
  }

  /** Tells the processor whether it must ask about the pages of an entry. */
  #note(address: number): void {
    const { table, index, level } = this.#leaf(address);
    if (!this.isRam(address)) return;
    const all = this.#accessedDirty ? RIGHTS | ACCESSED | DIRTY : RIGHTS;
    const asks = (table[index] & all) !== all;
    const bytes = level === 2 ? LARGE : PAGE;
    const page = (address - (address % bytes)) / PAGE;
    for (let at = page; at < page + bytes / PAGE; at++) {
      if (asks) this.#flags[at] |= PAGE_FLAG.PROTECTED;
      else this.#flags[at] &= ~PAGE_FLAG.PROTECTED;
    }
  }
}
