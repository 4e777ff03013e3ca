/**
 * Upkeep of the data TLBs and of the jump cache's generation (SDM vol. 3, 4.10 "Caching translation
 * information"). Entries are made by the refill (tlb-refill.ts), which lists the slots that it fills, so
 * that a flush costs what was used. Global entries survive MOV CR3. A page of 2 or 4 MiB is entered
 * piece by piece, as the manual allows; INVLPG of one address drops all pieces (4.10.4.1).
 */
import {
  LARGE_REGIONS,
  TLB_ENTRIES,
  TLB_LIST,
  TLB_USER,
  TLB_WRITE,
  type MemoryMap,
} from '../memory/memory-map.ts';
import * as L from './layout.ts';
import type { CpuState } from './state.ts';

/** No page-aligned tag equals it. */
const INVALID = 1;
const TABLES = [0, TLB_WRITE, TLB_USER, TLB_USER + TLB_WRITE] as const;
/** 4 KiB pages in one of the regions of largePages, which have as many neighbouring slots. */
const REGION_PAGES = 1024;

export class Tlb {
  readonly #i32: Int32Array;
  readonly #largePages: Uint8Array;
  readonly #map: MemoryMap;
  readonly #state: CpuState;

  constructor(buffer: ArrayBufferLike, map: MemoryMap, state: CpuState) {
    this.#i32 = new Int32Array(buffer);
    this.#largePages = new Uint8Array(buffer, map.largePages, LARGE_REGIONS);
    this.#map = map;
    this.#state = state;
    this.#clearAll();
  }

  /** @param global drops global entries too. */
  flush(global: boolean): void {
    const filled = this.#state.get(L.TLB_FILLED);
    const filledGlobal = this.#state.get(L.TLB_FILLED_GLOBAL);
    if (filled > TLB_LIST || (filledGlobal > TLB_LIST && global)) {
      this.#clearAll();
      return;
    }
    this.#clearListed(0, filled);
    this.#state.set(L.TLB_FILLED, 0);
    if (!global) return;
    this.#clearListed(1, filledGlobal);
    this.#state.set(L.TLB_FILLED_GLOBAL, 0);
    this.#largePages.fill(0);
  }
  #clearListed(list: 0 | 1, count: number): void {
    const from = (this.#map.tlbList >> 2) + list * TLB_LIST;
    for (let at = from; at < from + count; at++) this.#i32[this.#i32[at] >> 2] = INVALID;
  }
  #clearAll(): void {
    const from = this.#map.tlb >> 2;
    for (let at = from; at < from + 4 * TLB_ENTRIES * 2; at += 2) this.#i32[at] = INVALID;
    this.#state.set(L.TLB_FILLED, 0);
    this.#state.set(L.TLB_FILLED_GLOBAL, 0);
    this.#largePages.fill(0);
  }

  /** INVLPG: also of global entries. */
  invalidate(linear: number): void {
    const region = linear >>> 22;
    if (this.#largePages[region] === 0) {
      this.#invalidateFrom(linear, 1);
      return;
    }
    this.#largePages[region] = 0;
    this.#invalidateFrom(region << 22, REGION_PAGES);
  }
  #invalidateFrom(linear: number, pages: number): void {
    const slot = (this.#map.tlb + ((linear >>> 9) & ((TLB_ENTRIES - 1) << 3))) >> 2;
    for (const table of TABLES) {
      const from = slot + (table >> 2);
      for (let at = from; at < from + 2 * pages; at += 2) this.#i32[at] = INVALID;
    }
  }

  /**
   * Takes back what allows writes to a physical page without looking, since code was translated from it.
   * Nothing else is dropped: how long other entries live must not depend on what is translated when.
   */
  forbidWrites(physical: number): void {
    const host = (this.#map.ram + physical - (physical & 0xfff)) | 0;
    for (const table of [TLB_WRITE, TLB_USER + TLB_WRITE]) {
      const from = (this.#map.tlb + table) >> 2;
      for (let at = from; at < from + TLB_ENTRIES * 2; at += 2) {
        // an invalid tag gives no multiple of the page size
        if (((this.#i32[at] + this.#i32[at + 1]) | 0) === host) this.#i32[at] = INVALID;
      }
    }
  }

  /** Address of the tables of a privilege level, for layout TLB. */
  tables(cpl: number): number {
    return this.#map.tlb + (cpl === 3 ? TLB_USER : 0);
  }
}
