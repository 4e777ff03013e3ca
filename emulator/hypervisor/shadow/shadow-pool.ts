/**
 * The pool of shadow tables: a fixed number of pages in the hypervisor's memory, found by the guest's
 * table that they shadow. It keeps the two ways back: from a table to the directory entries that lead to
 * it, and from a guest-physical page to the entries that let the guest write to it, which is what
 * write-protecting a guest's table takes. When pages run short the oldest table goes (Linux 2.6.20,
 * drivers/kvm/mmu.c: kvm_mmu_get_page(), kvm_mmu_zap_page(), rmap_write_protect()).
 */
import { PAGE_FLAG, type MemoryMap } from '../../memory/memory-map.ts';
import { ENTRY, frameLow, frameOf, TABLE_ENTRIES } from './shadow-entry.ts';
import { type ShadowRole, unpackRole } from './shadow-role.ts';
import { SlotLists } from './slot-lists.ts';

/** Pages of the pool: KVM_NUM_MMU_PAGES. */
export const SHADOW_PAGES = 256;
/** Below so many free pages tables are given up until there are as many as the second says. */
const LEAST_FREE = 5;
const REFILL_FREE = 25;

const LINK = ENTRY.PRESENT | ENTRY.WRITABLE | ENTRY.USER | ENTRY.ACCESSED;
const WRITABLE_LEAF = ENTRY.PRESENT | ENTRY.WRITABLE;

/** A table in use. */
export interface ShadowPage {
  /** Its page of the pool. */
  readonly index: number;
  /** Frame of the guest's table; of a direct one, the first frame that it maps. */
  readonly frame: number;
  /** As packRole() makes it. */
  readonly role: number;
  readonly about: ShadowRole;
  /** Order of creation. */
  readonly born: number;
  /** How many of the four roots it is. */
  roots: number;
}

/** A table in a snapshot: entries that are not zero, three numbers each: index, lower and upper half. */
export interface SavedTable {
  readonly index: number;
  readonly frame: number;
  readonly role: number;
  readonly born: number;
  readonly entries: readonly number[];
}

/** Everything but the roots, plain values. */
export interface SavedPool {
  /** In the order of age. */
  readonly tables: readonly SavedTable[];
  readonly free: readonly number[];
  readonly born: number;
}

export class ShadowPool {
  readonly #words: Int32Array;
  readonly #pageFlags: Uint8Array;
  readonly #byIndex: (ShadowPage | null)[];
  readonly #byFrame = new Map<number, ShadowPage[]>();
  /** Free pages, the next to be used last. */
  #free: number[] = [];
  /** Tables in use, the oldest first. */
  #active: ShadowPage[] = [];
  #born = 0;
  /** By page of the pool: entries of directories that lead to the table. */
  readonly #parents: SlotLists;
  /** By frame of RAM: entries that let the guest write to it. */
  readonly #writers: SlotLists;
  readonly #ramFrames: number;
  /** An entry that a TLB may remember has lost rights. */
  stale = false;

  constructor(buffer: ArrayBufferLike, map: MemoryMap) {
    const { shadowPages, ramSize } = map;
    const slots = shadowPages * TABLE_ENTRIES;
    this.#words = new Int32Array(buffer, map.shadowTables, slots * 2);
    this.#ramFrames = ramSize / 4096;
    this.#pageFlags = new Uint8Array(buffer, map.pageFlags, this.#ramFrames);
    this.#byIndex = new Array<ShadowPage | null>(shadowPages).fill(null);
    this.#parents = new SlotLists(shadowPages, slots);
    this.#writers = new SlotLists(this.#ramFrames, slots);
    this.#free = Array.from({ length: shadowPages }, (_, index) => shadowPages - 1 - index);
  }

  // ---- looking

  /** Tables in use, the oldest first. */
  get active(): readonly ShadowPage[] {
    return this.#active;
  }
  get freePages(): number {
    return this.#free.length;
  }
  low(slot: number): number {
    return this.#words[slot * 2];
  }
  high(slot: number): number {
    return this.#words[slot * 2 + 1];
  }
  /** Number of an entry among all of the pool. */
  slot(page: ShadowPage, entry: number): number {
    return page.index * TABLE_ENTRIES + entry;
  }
  /** The table that an entry of a directory leads to. */
  child(slot: number): ShadowPage {
    return this.at(this.low(slot) >>> 12);
  }
  at(index: number): ShadowPage {
    const page = this.#byIndex[index];
    if (page === null) throw new Error(`Shadow page ${String(index)} is not in use`);
    return page;
  }
  /** Tables of a guest's frame, direct ones too. */
  tablesOf(frame: number): readonly ShadowPage[] {
    return this.#byFrame.get(frame) ?? [];
  }
  /** Whether the frame holds a guest's table that is shadowed. */
  isShadowed(frame: number): boolean {
    return frame < this.#ramFrames && (this.#pageFlags[frame] & PAGE_FLAG.SHADOWED) !== 0;
  }
  /** Entries of directories that lead to a table. */
  parents(page: ShadowPage): readonly number[] {
    return this.#parents.slots(page.index);
  }
  /** Entries that let the guest write to a frame of RAM. */
  writers(frame: number): readonly number[] {
    return this.#writers.slots(frame);
  }

  // ---- entries

  /** An entry of a directory leads to a table from now on. */
  link(slot: number, page: ShadowPage): void {
    this.#set(slot, frameLow(page.index) | LINK, 0);
    this.#parents.add(page.index, slot);
  }
  unlink(slot: number): void {
    this.#parents.remove(this.low(slot) >>> 12, slot);
    this.#set(slot, 0, 0);
    this.stale = true;
  }
  /** An entry for a page is changed, whatever it was. */
  setLeaf(slot: number, low: number, high: number): void {
    this.#forgetWriter(slot);
    const before = this.low(slot);
    const lost = before & ~low & (ENTRY.PRESENT | ENTRY.WRITABLE | ENTRY.USER);
    if ((before & ENTRY.PRESENT) !== 0 && lost !== 0) this.stale = true;
    this.#set(slot, low, high);
    const frame = frameOf(low, high);
    if ((low & WRITABLE_LEAF) === WRITABLE_LEAF) this.#writers.add(frame, slot);
  }
  #forgetWriter(slot: number): void {
    const low = this.low(slot);
    if ((low & WRITABLE_LEAF) !== WRITABLE_LEAF) return;
    this.#writers.remove(frameOf(low, this.high(slot)), slot);
  }
  #set(slot: number, low: number, high: number): void {
    this.#words[slot * 2] = low;
    this.#words[slot * 2 + 1] = high;
  }
  /** Makes an entry of a table empty; false if it was. */
  clear(page: ShadowPage, entry: number): boolean {
    const slot = this.slot(page, entry);
    const low = this.low(slot);
    if (low === 0) return false;
    if (page.about.level === 1) this.setLeaf(slot, 0, 0);
    else this.unlink(slot);
    return true;
  }

  // ---- tables

  find(frame: number, role: number): ShadowPage | null {
    return this.tablesOf(frame).find((page) => page.role === role) ?? null;
  }
  /** A new table, empty; from now on the guest does not write to the one that it shadows unseen. */
  create(frame: number, role: number): ShadowPage {
    const index = this.#free.pop();
    if (index === undefined) throw new Error('No free shadow page: makeRoom() comes first');
    const page = { index, frame, role, about: unpackRole(role), born: this.#born++, roots: 0 };
    this.#register(page);
    if (!page.about.direct) this.#protect(frame);
    return page;
  }
  #register(page: ShadowPage): void {
    this.#byIndex[page.index] = page;
    this.#active.push(page);
    const same = this.#byFrame.get(page.frame);
    if (same === undefined) this.#byFrame.set(page.frame, [page]);
    else same.push(page);
  }
  #protect(frame: number): void {
    this.#pageFlags[frame] |= PAGE_FLAG.SHADOWED;
    for (let slot = this.#writers.first(frame); slot >= 0; slot = this.#writers.first(frame)) {
      this.setLeaf(slot, this.low(slot) & ~ENTRY.WRITABLE, this.high(slot));
    }
  }
  /** Gives up tables until there is room for a fault's, or a root's; how many. */
  makeRoom(): number {
    if (this.#free.length >= LEAST_FREE) return 0;
    let zapped = 0;
    while (this.#free.length < REFILL_FREE) {
      this.zap(this.#active[0]);
      zapped++;
    }
    return zapped;
  }
  /** Empties a table and takes it out of use, unless it is a root, which stays. */
  zap(page: ShadowPage): void {
    const { index } = page;
    for (let slot = this.#parents.first(index); slot >= 0; slot = this.#parents.first(index)) {
      this.unlink(slot);
    }
    for (let entry = 0; entry < TABLE_ENTRIES; entry++) this.clear(page, entry);
    this.#active.splice(this.#active.indexOf(page), 1);
    if (page.roots > 0) {
      this.#active.push(page);
      return;
    }
    this.#byIndex[index] = null;
    this.#free.push(index);
    const others = this.tablesOf(page.frame).filter((other) => other !== page);
    if (others.length > 0) this.#byFrame.set(page.frame, others);
    else this.#byFrame.delete(page.frame);
    if (!page.about.direct && others.every((other) => other.about.direct)) {
      this.#pageFlags[page.frame] &= ~PAGE_FLAG.SHADOWED;
    }
  }
  /** Nothing is shadowed any more; none may be a root. */
  zapAll(): void {
    while (this.#active.length > 0) this.zap(this.#active[0]);
  }

  // ---- snapshots

  save(): SavedPool {
    const tables = this.#active.map(({ index, frame, role, born }) => {
      const entries: number[] = [];
      for (let entry = 0; entry < TABLE_ENTRIES; entry++) {
        const slot = index * TABLE_ENTRIES + entry;
        if (this.low(slot) !== 0) entries.push(entry, this.low(slot), this.high(slot));
      }
      return { index, frame, role, born, entries };
    });
    return { tables, free: [...this.#free], born: this.#born };
  }
  restore({ tables, free, born }: SavedPool): void {
    for (const page of this.#active) page.roots = 0;
    this.zapAll();
    for (const { index, frame, role, born: order } of tables) {
      const page = { index, frame, role, about: unpackRole(role), born: order, roots: 0 };
      this.#register(page);
      if (!page.about.direct) this.#pageFlags[frame] |= PAGE_FLAG.SHADOWED;
    }
    for (const pages of this.#byFrame.values()) pages.sort((one, two) => one.born - two.born);
    for (const { index, entries } of tables) this.#restoreEntries(this.at(index), entries);
    this.#free = [...free];
    this.#born = born;
    this.stale = true;
  }
  #restoreEntries(page: ShadowPage, entries: readonly number[]): void {
    for (let at = 0; at < entries.length; at += 3) {
      const slot = this.slot(page, entries[at]);
      if (page.about.level === 1) this.setLeaf(slot, entries[at + 1], entries[at + 2]);
      else this.link(slot, this.at(entries[at + 1] >>> 12));
    }
  }
}
