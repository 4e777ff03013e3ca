/**
 * Asks the second stage about accesses to pages of RAM with PAGE_FLAG.PROTECTED (SDM vol. 3, 29.3.2
 * "EPT violations"): those of instructions, once translated and before anything is done, and those of the
 * walk to the guest's paging structures, which the emitted walk (paging.ts) leaves to this file. One that
 * lacks its right is offered to the hypervisor; where nothing may leave the guest it is made all the same.
 *
 * Not asked about: the page-directory-pointer table, which PAE paging loads with CR3.
 */
import { PAGE_FLAG, type MemoryMap } from '../memory/memory-map.ts';
import type { MemoryOwner } from './guest-memory.ts';
import * as L from './layout.ts';
import { ACCESS, WALK_MODE } from './paging.ts';

const RIGHT = { read: 1 << 0, write: 1 << 1, fetch: 1 << 2 } as const;
/** Bits of paging-structure entries. */
const P = 1 << 0;
const A = 1 << 5;
const D = 1 << 6;
const PS = 1 << 7;
const A20 = 1 << 20;

/** An entry that a walk reads. */
interface Entry {
  readonly at: number;
  readonly value: number;
  readonly isLeaf: boolean;
}

export class SecondStageAccess {
  readonly #owner: MemoryOwner;
  readonly #map: MemoryMap;
  readonly #flags: Uint8Array;
  readonly #view: DataView;

  constructor(buffer: ArrayBufferLike, map: MemoryMap, owner: MemoryOwner) {
    this.#owner = owner;
    this.#map = map;
    this.#flags = new Uint8Array(buffer, map.pageFlags, map.ramSize >>> 12);
    this.#view = new DataView(buffer);
  }

  #isProtected(physical: number): boolean {
    if (physical >= this.#map.ramSize) return false;
    return (this.#flags[physical >>> 12] & PAGE_FLAG.PROTECTED) !== 0;
  }

  /** Whether an access of this kind would leave the guest. */
  refuses(physical: number, access: number): boolean {
    const stage = this.#owner.platform.secondStage;
    if (stage === undefined || !this.#isProtected(physical)) return false;
    return (stage.rights(physical) & RIGHT[kindOf(access)]) === 0;
  }

  /** The access is about to be made: it leaves the guest, or sets the flags of the second stage. */
  require(physical: number, linear: number, access: number, size: number): void {
    if (!this.#isProtected(physical)) return;
    const kind = kindOf(access);
    this.#require(physical, linear, kind, size, true);
  }

  #require(
    physical: number,
    linear: number,
    access: keyof typeof RIGHT,
    size: number,
    final: boolean,
  ): void {
    const stage = this.#owner.platform.secondStage;
    if (stage === undefined || !this.#isProtected(physical)) return;
    const updates = !final && stage.accessedDirty;
    const needed = RIGHT[access] | (updates ? RIGHT.read | RIGHT.write : 0);
    const rights = stage.rights(physical);
    if ((rights & needed) !== needed) {
      const kind = updates ? 'write' : access;
      this.#owner.offer(
        { kind: 'second-stage', guestPhysical: physical, linear, final, access: kind, size, rights, updates },
        0,
      ); // prettier-ignore
    }
    stage.used(physical, updates || access === 'write');
  }

  /** A walk in full, each of its accesses asked about first: what paging.ts returns. */
  walk(linear: number, access: number): number {
    const allowed = access | ACCESS.ALLOWED;
    const size = (this.#owner.state.get(L.WALK_MODE) & WALK_MODE.PAE) === 0 ? 4 : 8;
    const entries = this.#entries(linear);
    for (const { at } of entries) this.#require(at, linear, 'read', size, false);
    // flags are set only in a translation that succeeds (4.8)
    const outcome = this.#owner.walk(linear, allowed | ACCESS.PEEK);
    if (outcome !== 0) return this.#owner.walk(linear, allowed);
    const write = (access & ACCESS.WRITE) !== 0;
    for (const { at, value, isLeaf } of entries) {
      const flags = isLeaf && write ? A | D : A;
      // the directory entry of a large page is a leaf, too
      if ((value & flags) !== flags) this.#require(at, linear, 'write', size, false);
    }
    return this.#owner.walk(linear, allowed);
  }

  /** Those in RAM, from the top, of a walk of the guest's own tables. */
  #entries(linear: number): readonly Entry[] {
    const { state } = this.#owner;
    const mode = state.get(L.WALK_MODE);
    if ((mode & WALK_MODE.PAGING) === 0) return [];
    const pae = (mode & WALK_MODE.PAE) !== 0;
    const root = pae ? L.PDPTE + (linear >>> 30) * 8 : L.CR + 3 * 8;
    const top = pae ? (linear >>> 18) & 0xff8 : (linear >>> 20) & 0xffc;
    const directory = this.#entry(((state.get(root) & ~0xfff) | top) >>> 0, mode, false);
    if (directory === null) return [];
    const { value, isLeaf } = directory;
    if (isLeaf || (value & P) === 0) return [directory];
    const low = pae ? (linear >>> 9) & 0xff8 : (linear >>> 10) & 0xffc;
    const last = this.#entry(((value & ~0xfff) | low) >>> 0, mode, true);
    return last === null ? [directory] : [directory, last];
  }
  #entry(address: number, mode: number, isLast: boolean): Entry | null {
    const at = (mode & WALK_MODE.A20_MASKED) === 0 ? address : (address & ~A20) >>> 0;
    if (at >= this.#map.ramSize) return null;
    const value = this.#view.getUint32(this.#map.ram + at, true);
    const large = (value & PS) !== 0 && (mode & (WALK_MODE.PAE | WALK_MODE.PSE)) !== 0;
    return { at, value, isLeaf: isLast || large };
  }
}

function kindOf(access: number): keyof typeof RIGHT {
  if ((access & ACCESS.FETCH) !== 0) return 'fetch';
  return (access & ACCESS.WRITE) === 0 ? 'read' : 'write';
}
