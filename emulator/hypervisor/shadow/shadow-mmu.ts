/**
 * Shadow paging: the hypervisor's own page tables, by which the guest's accesses go instead of the
 * guest's (Linux 2.6.20, drivers/kvm/mmu.c and paging_tmpl.h). In the order of understanding:
 *
 * - The shadow begins empty. An access that it does not allow is a #PF that leaves the guest. If the
 *   guest's tables forbid it as well, the guest gets its #PF; else their accessed and dirty flags are set
 *   as the processor would, and the entry is filled (fault()).
 * - A guest's table is write-protected as long as there is a shadow of it. A write to it leaves with #PF
 *   too; it is emulated, and the entries that came from there are emptied (tableWritten()). Three writes
 *   in a row to one page end its being shadowed: it is about to become something else.
 * - So the shadow never allows what the guest's tables do not, and neither INVLPG nor a flush has
 *   anything to do but to the processor's TLB. MOV CR3 finds most tables of the other address space still
 *   there (contextChanged()).
 *
 * Where it departs from 2.6.20, which the comments there call rare: rights of a directory entry are part
 * of a table's role; a large page is not writable before its entry is dirty; both shadow entries of a
 * directory entry of 32-bit paging are emptied, not the first alone; tables are also protected while
 * paging is off; a change of the paging mode drops them all; reserved bits, SMEP and SMAP are honoured.
 * Real mode is executed by the processor itself, as if paging were off, not in virtual-8086 mode.
 */
import * as L from '../../cpu/layout.ts';
import { ACCESS, WALK_MODE } from '../../cpu/paging.ts';
import type { ShadowedProcessor, ShadowKeeper } from '../../cpu/shadow-keeper.ts';
import type { MemoryMap } from '../../memory/memory-map.ts';
import { type GuestMapping, GuestTables } from './guest-tables.ts';
import { noCounts, type ShadowCause, type ShadowCounts } from './shadow-counts.ts';
import { ENTRY, EXECUTE_DISABLE, frameHigh, frameLow, TABLE_ENTRIES } from './shadow-entry.ts';
import { type SavedPool, type ShadowPage, ShadowPool } from './shadow-pool.ts';
import { ALL_RIGHTS, packRole, RIGHT } from './shadow-role.ts';

/** Bits of a page fault's error code (SDM vol. 3, 4.7). */
const FAULT = { WRITE: 1 << 1, USER: 1 << 2, FETCH: 1 << 4 } as const;

/** What the walk mode must not differ in for the tables to stay. CR4.PGE is not one: TLBs are flushed. */
const CONTEXT =
  WALK_MODE.PAGING | WALK_MODE.PAE | WALK_MODE.PSE | WALK_MODE.WP | WALK_MODE.NXE | WALK_MODE.A20_MASKED |
  WALK_MODE.PSE36 | WALK_MODE.SMEP | WALK_MODE.SMAP; // prettier-ignore

/** Writes in a row to one page after which it is no longer taken for a page table. */
const FLOOD = 3;
/** Faults without progress after which the instruction is emulated, whatever they were about. */
const PATIENCE = 64;
const ROOTS = 4;
/** No address of a table: CR3 and the pointer entries are not known yet. */
const UNKNOWN = -1;

/** How a page fault is resolved: which of the two, or the guest's own with its error code. */
export type ShadowAnswer =
  | { readonly kind: 'retry' | 'emulate'; readonly cause: ShadowCause }
  | { readonly kind: 'inject'; readonly cause: ShadowCause; readonly errorCode: number };

/** How far the guest has come: instructions retired, and the registers that a string instruction moves. */
export type Progress = readonly [
  retired: number,
  eip: number,
  ecx: number,
  esi: number,
  edi: number,
];

/** Everything of a shadow that a machine's further run depends on, and its counts; plain values. */
export interface ShadowState {
  readonly version: 1;
  readonly pool: SavedPool;
  readonly roots: readonly number[];
  readonly context: number;
  readonly directories: readonly number[];
  readonly written: { readonly frame: number; readonly times: number; readonly at: number };
  readonly progress: Progress;
  readonly faultsHere: number;
  readonly faults: number;
  readonly counts: ShadowCounts;
}

export class ShadowMmu implements ShadowKeeper {
  readonly counts: ShadowCounts = noCounts();
  readonly pool: ShadowPool;
  readonly tables: GuestTables;
  /** Pages of the pool that the four roots are in, or -1 where the guest has no directory. */
  readonly roots: number[] = new Array<number>(ROOTS).fill(UNKNOWN);
  readonly #processor: ShadowedProcessor;
  /** CONTEXT bits of the tables that are kept, or UNKNOWN. */
  #context = UNKNOWN;
  /** Frames of the guest's directories behind the roots. */
  #directories: number[] = [];
  #written = { frame: UNKNOWN, times: 0, at: 0 };
  #progress: Progress = [UNKNOWN, 0, 0, 0, 0];
  #faultsHere = 0;
  /** Page faults so far. */
  #faults = 0;

  constructor(buffer: ArrayBufferLike, map: MemoryMap, processor: ShadowedProcessor) {
    this.#processor = processor;
    this.pool = new ShadowPool(buffer, map);
    this.tables = new GuestTables(buffer, map, processor.state);
    this.reset();
  }

  // ---- page faults

  /**
   * Resolves a #PF that has left the guest.
   * @param code the error code, of the shadow's walk
   */
  fault(address: number, code: number, progress: Progress): ShadowAnswer {
    this.#faults++;
    const answer = this.#resolve(address, code, progress);
    this.counts[answer.cause]++;
    this.#forgetStale();
    return answer;
  }
  #resolve(address: number, code: number, progress: Progress): ShadowAnswer {
    if (this.#isStuck(progress)) return { kind: 'emulate', cause: 'stuck' };
    const recycled = this.pool.makeRoom();
    this.counts.recycled += recycled;
    const { tables } = this;
    const before = tables.read(address);
    const access =
      ((code & FAULT.WRITE) !== 0 ? ACCESS.WRITE : 0) |
      ((code & FAULT.USER) !== 0 ? ACCESS.USER : 0) |
      ((code & FAULT.FETCH) !== 0 ? ACCESS.FETCH : 0);
    if (this.#processor.walkGuest(address, access) !== 0) {
      const errorCode = this.#processor.state.get(L.WALK_ERROR);
      return { kind: 'inject', cause: 'guestFault', errorCode };
    }
    const mapping = tables.read(address);
    if (mapping === null) throw new Error('The two walks of the guest’s tables do not agree');
    const write = (code & FAULT.WRITE) !== 0;
    const memory = this.#processor.isMemory(mapping.frame * 4096, 1, write);
    if (!memory) {
      this.#fillDevice(address, mapping);
      return { kind: 'emulate', cause: 'mmio' };
    }
    if (!write) return this.#allowRead(address, mapping, before);
    return this.#allowWrite(address, mapping, before, (code & FAULT.USER) !== 0);
  }

  #allowRead(address: number, mapping: GuestMapping, before: GuestMapping | null): ShadowAnswer {
    const { slot, present } = this.#leafSlot(address, mapping);
    const changed = this.#fill(slot, mapping, mapping.rights);
    const again = changed ? 'userRead' : 'spurious';
    const cause = present ? again : before?.accessed === true ? 'filled' : 'accessed';
    return { kind: 'retry', cause };
  }
  #allowWrite(
    address: number,
    mapping: GuestMapping,
    before: GuestMapping | null,
    user: boolean,
  ): ShadowAnswer {
    const { pool } = this;
    const { frame, rights } = mapping;
    let cause: ShadowCause | null = null;
    if (pool.isShadowed(frame) && user) {
      // programs do not write page tables: it is something else by now
      for (const page of [...pool.tablesOf(frame)]) if (!page.about.direct) pool.zap(page);
      cause = 'userTableWrite';
    }
    const { slot, present } = this.#leafSlot(address, mapping);
    if (pool.isShadowed(frame)) {
      this.#fill(slot, mapping, rights);
      return { kind: 'emulate', cause: cause ?? 'tableWrite' };
    }
    if ((rights & RIGHT.WRITE) === 0) {
      // allowed since CR0.WP is clear; the shadow's user bit tells SMEP and SMAP whose page it is
      if (this.tables.has(WALK_MODE.SMEP | WALK_MODE.SMAP)) {
        return { kind: 'emulate', cause: 'supervisorWrite' };
      }
      this.#fill(slot, mapping, (rights | RIGHT.WRITE) & ~RIGHT.USER);
      return { kind: 'retry', cause: 'supervisorWrite' };
    }
    const changed = this.#fill(slot, mapping, rights);
    if (cause === null) cause = this.#causeOfWrite(present, changed, before);
    return { kind: 'retry', cause };
  }
  #causeOfWrite(present: boolean, changed: boolean, before: GuestMapping | null): ShadowCause {
    if (!present) return before?.accessed === true ? 'filled' : 'accessed';
    if (before?.dirty !== true) return 'dirtied';
    return changed ? 'unprotected' : 'spurious';
  }

  /** Sets the entry of a page of memory; false if it was so. */
  #fill(slot: number, { frame, dirty, global }: GuestMapping, rights: number): boolean {
    const { pool } = this;
    const writable =
      (rights & RIGHT.WRITE) !== 0 &&
      dirty &&
      !pool.isShadowed(frame) &&
      this.#processor.isMemory(frame * 4096, 1, true);
    const low =
      frameLow(frame) | ENTRY.PRESENT | ENTRY.ACCESSED |
      (dirty ? ENTRY.DIRTY : 0) | (writable ? ENTRY.WRITABLE : 0) |
      ((rights & RIGHT.USER) !== 0 ? ENTRY.USER : 0) | (global ? ENTRY.GLOBAL : 0); // prettier-ignore
    const high = frameHigh(frame) | ((rights & RIGHT.EXECUTE) !== 0 ? 0 : EXECUTE_DISABLE);
    if (pool.low(slot) === low && pool.high(slot) === high) return false;
    pool.setLeaf(slot, low, high);
    return true;
  }
  #fillDevice(address: number, mapping: GuestMapping): void {
    const { frame } = mapping;
    const { slot } = this.#leafSlot(address, mapping);
    // a write to memory that cannot be written is emulated too, but can be read
    if (this.#processor.isMemory(frame * 4096, 1, false)) {
      this.#fill(slot, mapping, mapping.rights);
      return;
    }
    this.pool.setLeaf(slot, frameLow(frame) | ENTRY.MMIO, frameHigh(frame));
  }

  /**
   * The entry for an address in the table below its root, which is made or found and linked if need be.
   * `present`: the processor has come to the entry, and there was one.
   */
  #leafSlot(
    address: number,
    mapping: GuestMapping,
  ): { readonly slot: number; readonly present: boolean } {
    const { pool } = this;
    const root = pool.at(this.roots[address >>> 30]);
    const directorySlot = pool.slot(root, (address >>> 21) & (TABLE_ENTRIES - 1));
    const { frame, role } = this.#tableFor(address, mapping);
    if ((pool.low(directorySlot) & ENTRY.PRESENT) !== 0) {
      const table = pool.child(directorySlot);
      if (table.frame !== frame || table.role !== role) {
        pool.unlink(directorySlot);
        this.counts.relinked++;
      }
    }
    const linked = (pool.low(directorySlot) & ENTRY.PRESENT) !== 0;
    if (!linked) pool.link(directorySlot, this.#table(frame, role));
    const slot = pool.slot(pool.child(directorySlot), (address >>> 12) & (TABLE_ENTRIES - 1));
    return { slot, present: linked && (pool.low(slot) & ENTRY.PRESENT) !== 0 };
  }
  #tableFor(
    address: number,
    { large, tableFrame, directoryRights, dirty }: GuestMapping,
  ): { readonly frame: number; readonly role: number } {
    const guestLevels = this.tables.levels;
    const quadrant = guestLevels === 2 ? (address >>> 21) & 1 : 0;
    // that a large page is dirty stands in the directory, which two tables of different age may share
    const rights = large && !dirty ? directoryRights & ~RIGHT.WRITE : directoryRights;
    const role = packRole({ guestLevels, level: 1, direct: large, quadrant, rights });
    return { frame: tableFrame, role };
  }
  #table(frame: number, role: number): ShadowPage {
    const found = this.pool.find(frame, role);
    if (found !== null) return found;
    this.counts.created++;
    return this.pool.create(frame, role);
  }

  #isStuck(progress: Progress): boolean {
    const same = progress.every((value, at) => value === this.#progress[at]);
    this.#progress = progress;
    this.#faultsHere = same ? this.#faultsHere + 1 : 0;
    return this.#faultsHere >= PATIENCE;
  }

  // ---- what the guest does to its tables

  tableWritten(physical: number, bytes: number): void {
    const frame = physical >>> 12;
    const flooded = this.#floods(frame);
    const offset = physical & 0xfff;
    for (const page of [...this.pool.tablesOf(frame)]) {
      const { direct, guestLevels } = page.about;
      if (direct) continue;
      const entryBytes = guestLevels === 2 ? 4 : 8;
      const crosses = ((offset ^ (offset + bytes - 1)) & ~(entryBytes - 1)) !== 0;
      if (crosses || flooded) {
        this.counts[flooded ? 'flooded' : 'misaligned']++;
        this.pool.zap(page);
      } else {
        this.#zapEntry(page, Math.floor(offset / entryBytes));
      }
    }
    this.#forgetStale();
  }
  /** Counts emulated instructions that write to one page, one after the other. */
  #floods(frame: number): boolean {
    const written = this.#written;
    if (written.frame !== frame) {
      this.#written = { frame, times: 1, at: this.#faults };
      return false;
    }
    // one instruction may write twice
    if (written.at !== this.#faults) {
      written.times++;
      written.at = this.#faults;
    }
    return written.times >= FLOOD;
  }
  /** Empties what came from one entry of the guest's. */
  #zapEntry(page: ShadowPage, entry: number): void {
    const { guestLevels, level, quadrant } = page.about;
    // a table of 1024 entries has one of 512 for each quarter or half of it
    const width = guestLevels === 2 && level === 2 ? 2 : 1;
    const first = entry * width - quadrant * (guestLevels === 2 ? TABLE_ENTRIES : 0);
    if (first < 0 || first >= TABLE_ENTRIES) return;
    for (let each = first; each < first + width; each++) {
      if (this.pool.clear(page, each)) this.counts.entriesZapped++;
    }
  }

  // ---- where the tables begin

  contextChanged(walkMode: number): void {
    this.tables.mode = walkMode;
    const context = walkMode & CONTEXT;
    if (context !== this.#context) {
      this.#context = context;
      this.counts.contexts++;
      this.#dropAll();
      return;
    }
    const directories = this.#presentDirectories();
    if (directories.every((frame, root) => frame === this.#directories[root])) return;
    this.counts.roots++;
    this.#takeRoots(directories);
  }
  memoryRemapped(): void {
    this.#dropAll();
  }
  #dropAll(): void {
    this.#releaseRoots();
    this.pool.zapAll();
    this.#takeRoots(this.#presentDirectories());
  }
  #presentDirectories(): number[] {
    const { tables } = this;
    return this.roots.map((_, root) =>
      tables.levels === 0 ? 0 : (tables.directory(root) ?? UNKNOWN),
    );
  }
  #releaseRoots(): void {
    for (const index of this.roots) if (index !== UNKNOWN) this.pool.at(index).roots--;
    this.roots.fill(UNKNOWN);
  }
  #takeRoots(directories: number[]): void {
    this.#releaseRoots();
    this.counts.recycled += this.pool.makeRoom();
    this.#directories = directories;
    directories.forEach((frame, root) => {
      if (frame === UNKNOWN) return;
      const guestLevels = this.tables.levels;
      const role = packRole({
        guestLevels,
        level: 2,
        direct: guestLevels === 0,
        quadrant: guestLevels === 3 ? 0 : root,
        rights: ALL_RIGHTS,
      });
      const page = this.#table(frame, role);
      page.roots++;
      this.roots[root] = page.index;
    });
    this.#publishRoots();
    this.#forgetStale(true);
  }
  #publishRoots(): void {
    this.roots.forEach((index, root) => {
      const entry = index === UNKNOWN ? 0 : frameLow(index) | ENTRY.PRESENT;
      this.#processor.state.set(L.SHADOW_ROOTS + root * 4, entry);
    });
  }
  /** The processor remembers nothing that the shadow does not say. */
  #forgetStale(certainly = false): void {
    if (!this.pool.stale && !certainly) return;
    this.pool.stale = false;
    this.#processor.dropTranslations();
  }

  // ---- snapshots

  state(): ShadowState {
    return {
      version: 1,
      pool: this.pool.save(),
      roots: [...this.roots],
      context: this.#context,
      directories: [...this.#directories],
      written: { ...this.#written },
      progress: this.#progress,
      faultsHere: this.#faultsHere,
      faults: this.#faults,
      counts: { ...this.counts },
    };
  }
  /** Power-on: nothing is shadowed, nothing counted. */
  reset(): void {
    this.#context = UNKNOWN;
    this.#written = { frame: UNKNOWN, times: 0, at: 0 };
    this.#progress = [UNKNOWN, 0, 0, 0, 0];
    this.#faultsHere = 0;
    this.#faults = 0;
    this.contextChanged(this.#processor.guestWalkMode);
    Object.assign(this.counts, noCounts());
  }
  /** After the guest's registers and memory have been restored. */
  restore(state: ShadowState): void {
    this.#releaseRoots();
    this.tables.mode = this.#processor.guestWalkMode;
    this.pool.restore(state.pool);
    this.#context = state.context;
    this.#directories = [...state.directories];
    this.#written = { ...state.written };
    this.#progress = state.progress;
    this.#faultsHere = state.faultsHere;
    this.#faults = state.faults;
    Object.assign(this.counts, state.counts);
    state.roots.forEach((index, root) => {
      this.roots[root] = index;
      if (index !== UNKNOWN) this.pool.at(index).roots++;
    });
    this.#publishRoots();
    this.#forgetStale(true);
  }
}
