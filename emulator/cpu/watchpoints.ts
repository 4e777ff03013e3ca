/**
 * A debugger's breakpoints on data: ranges of linear or guest-physical memory of any length, whose reads
 * or writes by the guest's instructions stop it after the instruction. Unlike DR0 to DR3 the guest
 * cannot see them.
 *
 * Their pages stay out of the data TLBs (paging.ts): linear pages by a bitmap, physical ones by their
 * page flags; so watching costs nothing on other pages. Accesses of the processor itself to descriptor
 * tables and stacks count, those of the page walk do not; those of devices and the hypervisor are
 * outside-accesses.ts. A repeated string instruction
 * is stopped at its next boundary, which may be some thousand elements on.
 */
import type { MemoryMap } from '../memory/memory-map.ts';
import type { Outsider } from '../memory/outsider.ts';
import { PAGE_FLAG } from '../memory/memory-map.ts';
import * as L from './layout.ts';
import type { RunSignals } from './run-signals.ts';
import type { CpuState } from './state.ts';

export interface Watchpoint {
  readonly space: 'linear' | 'physical';
  readonly address: number;
  /** Bytes, at least 1. */
  readonly length: number;
  readonly access: 'read' | 'write' | 'readWrite';
}

/** An access that met some watchpoints. */
export interface WatchHit {
  /** Places in the list that was set. */
  readonly indexes: readonly number[];
  readonly linear: number;
  readonly size: number;
  readonly write: boolean;
  /** Linear address of the instruction. */
  readonly instruction: number;
  /** Who else it was, between two instructions; `linear` is guest-physical then. */
  readonly by?: Outsider;
}

/** Hits of one instruction that are kept. */
const MOST_HITS = 16;

export class Watchpoints {
  readonly #state: CpuState;
  readonly #map: MemoryMap;
  readonly #u8: Uint8Array;
  readonly #signals: RunSignals;
  readonly #translate: (linear: number) => number | null;
  #all: readonly Watchpoint[] = [];
  #hits: WatchHit[] = [];
  /** Hits of instructions that are complete. */
  #complete = 0;

  /** @param translate guest-physical address, without a trace; null where none is mapped. */
  constructor(
    buffer: ArrayBufferLike,
    parts: {
      readonly state: CpuState;
      readonly map: MemoryMap;
      readonly signals: RunSignals;
      readonly translate: (linear: number) => number | null;
    },
  ) {
    this.#state = parts.state;
    this.#map = parts.map;
    this.#signals = parts.signals;
    this.#translate = parts.translate;
    this.#u8 = new Uint8Array(buffer);
  }

  /** Replaces all; the TLBs must be flushed afterwards. */
  set(watchpoints: readonly Watchpoint[]): void {
    this.#mark(this.#all, false);
    this.#all = watchpoints;
    this.#mark(watchpoints, true);
    this.#state.set(L.WATCHING, watchpoints.length > 0 ? 1 : 0);
    this.#hits = [];
    this.#complete = 0;
  }
  #mark(watchpoints: readonly Watchpoint[], watched: boolean): void {
    for (const { space, address, length, access } of watchpoints) {
      const last = Math.floor((address + length - 1) / 4096);
      for (let page = Math.floor(address / 4096); page <= last; page++) {
        if (space === 'linear') this.#markLinear(page, watched);
        else this.#markPhysical(page, access, watched);
      }
    }
  }
  #markLinear(page: number, watched: boolean): void {
    const at = this.#map.watchedPages + (page >>> 3);
    const bit = 1 << (page & 7);
    if (watched) this.#u8[at] |= bit;
    else this.#u8[at] &= ~bit;
  }
  #markPhysical(page: number, access: Watchpoint['access'], watched: boolean): void {
    if (page * 4096 >= this.#map.ramSize) return;
    const at = this.#map.pageFlags + page;
    const write = access === 'read' ? 0 : PAGE_FLAG.WATCH_WRITE;
    const read = access === 'write' ? 0 : PAGE_FLAG.WATCH_READ;
    if (watched) this.#u8[at] |= write | read;
    else this.#u8[at] &= ~(PAGE_FLAG.WATCH_WRITE | PAGE_FLAG.WATCH_READ);
  }

  /** Places in the list of those that an access meets. */
  meets(linear: number, size: number, write: boolean): readonly number[] {
    const found: number[] = [];
    this.#all.forEach(({ space, address, length, access }, index) => {
      if (access !== 'readWrite' && (access === 'write') !== write) return;
      const overlaps = (from: number, bytes: number): boolean =>
        from < address + length && address < from + bytes;
      if (
        space === 'linear' ? overlaps(linear, size) : this.#physicalParts(linear, size, overlaps)
      ) {
        found.push(index);
      }
    });
    return found;
  }
  /** Whether one of the at most two pieces of physical memory satisfies. */
  #physicalParts(
    linear: number,
    size: number,
    satisfies: (from: number, bytes: number) => boolean,
  ): boolean {
    const first = Math.min(size, 4096 - (linear & 0xfff));
    const at = this.#translate(linear);
    if (at !== null && satisfies(at, first)) return true;
    if (first === size) return false;
    const second = this.#translate((linear + first) >>> 0);
    return second !== null && satisfies(second, size - first);
  }

  /** The running instruction has accessed memory. */
  accessed(linear: number, size: number, write: boolean, instruction: number): void {
    const indexes = this.meets(linear, size, write);
    if (indexes.length === 0) return;
    if (this.#hits.length < MOST_HITS) {
      this.#hits.push({ indexes, linear, size, write, instruction });
    }
    this.#signals.stale = true;
    this.#signals.leave = true;
  }
  /** An instruction begins. */
  begin(): void {
    this.#complete = this.#hits.length;
  }
  /** It ended early and will be begun anew, or has faulted: what it has met is forgotten. */
  abandon(): void {
    this.#hits.length = this.#complete;
  }
  get hasHits(): boolean {
    return this.#hits.length > 0;
  }
  take(): readonly WatchHit[] {
    const hits = this.#hits;
    this.#hits = [];
    this.#complete = 0;
    return hits;
  }
}
