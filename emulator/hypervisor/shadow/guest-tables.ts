/**
 * The guest's own page tables as the hypervisor reads them (SDM vol. 3, 4.3 and 4.4): what they say of
 * one linear address. Whether they allow an access is not decided here: the processor's walk of the
 * guest's tables (cpu/paging.ts) does that first, and sets accessed and dirty flags.
 */
import * as L from '../../cpu/layout.ts';
import { WALK_MODE } from '../../cpu/paging.ts';
import type { CpuState } from '../../cpu/state.ts';
import type { MemoryMap } from '../../memory/memory-map.ts';
import { RIGHT } from './shadow-role.ts';

const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const LARGE = 0x80;
const GLOBAL = 0x100;
const EXECUTE_DISABLE = 1 << 31;
/** Address line 20 as a bit of a frame number. */
const A20_FRAME = 1 << 8;

/** What the guest maps at a linear address. */
export interface GuestMapping {
  /** Frame of the 4 KiB page. */
  readonly frame: number;
  /** Frame of the page table, or, of a large page, the first frame of the page. */
  readonly tableFrame: number;
  readonly large: boolean;
  /** RIGHT bits of the directory's entry. */
  readonly directoryRights: number;
  /** RIGHT bits of both levels. */
  readonly rights: number;
  /** Of every level. */
  readonly accessed: boolean;
  /** Of the entry that maps the page. */
  readonly dirty: boolean;
  readonly global: boolean;
}

interface Entry {
  readonly low: number;
  readonly high: number;
}

export class GuestTables {
  readonly #state: CpuState;
  readonly #words: Int32Array;
  /** Layout WALK_MODE as the guest's registers have it. */
  mode = 0;

  constructor(buffer: ArrayBufferLike, map: MemoryMap, state: CpuState) {
    this.#state = state;
    this.#words = new Int32Array(buffer, map.ram, map.ramSize / 4);
  }

  has(bit: number): boolean {
    return (this.mode & bit) !== 0;
  }
  get levels(): 0 | 2 | 3 {
    if (!this.has(WALK_MODE.PAGING)) return 0;
    return this.has(WALK_MODE.PAE) ? 3 : 2;
  }
  /** Frame of the directory behind a root, or null: not present or not in RAM. */
  directory(root: number): number | null {
    const address = this.#directoryAddress(root);
    return address === null || address / 4 >= this.#words.length ? null : address >>> 12;
  }
  #directoryAddress(root: number): number | null {
    if (this.levels === 2) return this.#masked(this.#state.cr(3) & ~0xfff);
    const low = this.#state.get(L.PDPTE + root * 8);
    const present = (low & PRESENT) !== 0 && this.#state.get(L.PDPTE + root * 8 + 4) === 0;
    return present ? this.#masked(low & ~0xfff) : null;
  }
  #masked(address: number): number {
    return (this.has(WALK_MODE.A20_MASKED) ? address & ~(1 << 20) : address) >>> 0;
  }

  /** What the tables say of an address, or null: not present. Reserved bits are not looked at. */
  read(linear: number): GuestMapping | null {
    if (this.levels === 0) return this.#unpaged(linear);
    const directory = this.#directoryAddress(linear >>> 30);
    if (directory === null) return null;
    return this.levels === 3 ? this.#readPae(directory, linear) : this.#read32(directory, linear);
  }
  #unpaged(linear: number): GuestMapping {
    const rights = RIGHT.WRITE | RIGHT.USER | RIGHT.EXECUTE;
    const frame = this.#frame(linear >>> 12);
    const tableFrame = (linear >>> 21) << 9;
    return {
      frame, tableFrame, large: true, directoryRights: rights, rights, accessed: true, dirty: true, global: false,
    }; // prettier-ignore
  }
  #read32(directory: number, linear: number): GuestMapping | null {
    const entry = this.#entry(directory + (linear >>> 22) * 4, false);
    if (entry === null) return null;
    if ((entry.low & LARGE) !== 0 && this.has(WALK_MODE.PSE)) {
      const above = this.has(WALK_MODE.PSE36) ? (entry.low >>> 13) & 0xf : 0;
      const first = ((entry.low >>> 22) << 10) | (above << 20);
      return this.#large(entry, first, (linear >>> 12) & 0x3ff);
    }
    const table = this.#masked(entry.low & ~0xfff);
    const page = this.#entry(table + ((linear >>> 12) & 0x3ff) * 4, false);
    return page === null ? null : this.#small(entry, table >>> 12, page);
  }
  #readPae(directory: number, linear: number): GuestMapping | null {
    const entry = this.#entry(directory + ((linear >>> 21) & 0x1ff) * 8, true);
    if (entry === null) return null;
    if ((entry.low & LARGE) !== 0) {
      const first = ((entry.low >>> 21) << 9) | ((entry.high & 0xf) << 20);
      return this.#large(entry, first, (linear >>> 12) & 0x1ff);
    }
    if ((entry.high & 0xf) !== 0) return null;
    const table = this.#masked(entry.low & ~0xfff);
    const page = this.#entry(table + ((linear >>> 12) & 0x1ff) * 8, true);
    return page === null ? null : this.#small(entry, table >>> 12, page);
  }
  /** A present entry in RAM. */
  #entry(address: number, wide: boolean): Entry | null {
    const at = address >>> 2;
    if (at >= this.#words.length) return null;
    const low = this.#words[at];
    return (low & PRESENT) === 0 ? null : { low, high: wide ? this.#words[at + 1] : 0 };
  }
  #frame(frame: number): number {
    return this.has(WALK_MODE.A20_MASKED) ? frame & ~A20_FRAME : frame;
  }
  #large(entry: Entry, first: number, page: number): GuestMapping {
    const rights = rightsOf(entry);
    return {
      frame: this.#frame(first + page),
      tableFrame: first,
      large: true,
      directoryRights: rights,
      rights,
      accessed: (entry.low & ACCESSED) !== 0,
      dirty: (entry.low & DIRTY) !== 0,
      global: (entry.low & GLOBAL) !== 0,
    };
  }
  #small(directory: Entry, tableFrame: number, page: Entry): GuestMapping {
    const directoryRights = rightsOf(directory);
    return {
      frame: this.#frame((page.low >>> 12) | ((page.high & 0xf) << 20)),
      tableFrame,
      large: false,
      directoryRights,
      rights: directoryRights & rightsOf(page),
      accessed: (directory.low & page.low & ACCESSED) !== 0,
      dirty: (page.low & DIRTY) !== 0,
      global: (page.low & GLOBAL) !== 0,
    };
  }
}

function rightsOf({ low, high }: Entry): number {
  return (
    ((low & WRITABLE) !== 0 ? RIGHT.WRITE : 0) |
    ((low & USER) !== 0 ? RIGHT.USER : 0) |
    ((high & EXECUTE_DISABLE) !== 0 ? 0 : RIGHT.EXECUTE)
  );
}
