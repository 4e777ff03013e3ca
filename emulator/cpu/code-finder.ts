/**
 * From CS:EIP to the decoded record with which execution goes on. Emitted code finds most records by
 * itself, by links between records of a page and by the jump cache; what it does not find it asks for
 * here. So this file also decides when what is remembered has become wrong.
 *
 * The cache of blocks goes by guest-physical page and holds as long as the bytes do. The jump cache goes
 * by EIP and hence holds only for one mapping, one mode and one base of CS: each of its entries carries
 * the generation in which it was made, and a new generation empties it at once.
 */
import { JUMP_ENTRIES, type MemoryMap } from '../memory/memory-map.ts';
import type { CodeFetch } from './code-fetch.ts';
import type { ExecutionMode } from './execution-mode.ts';
import { FetchedPages } from './fetched-pages.ts';
import type { GuestMemory } from './guest-memory.ts';
import * as L from './layout.ts';
import { WALK_FLAG } from './paging.ts';
import type { RunSignals } from './run-signals.ts';
import type { SharedCode } from './shared-code.ts';
import type { CpuState } from './state.ts';
import type { Block, CodeCache } from './translate/code-cache.ts';
import { jumpSlot } from './translate/interpreter.ts';
import * as R from './translate/record.ts';
import type { Fetch, Translator } from './translate/translator.ts';

/** Generations fit in 27 bits beside the four of the mode. */
const GENERATIONS = 0x07ffffff;

export interface CodeFinderParts {
  readonly state: CpuState;
  readonly memory: GuestMemory;
  readonly mode: ExecutionMode;
  readonly fetch: CodeFetch;
  readonly code: CodeCache;
  readonly shared: SharedCode;
  readonly translator: Translator;
  readonly signals: RunSignals;
}

export class CodeFinder {
  readonly #parts: CodeFinderParts;
  readonly #i32: Int32Array;
  readonly #map: MemoryMap;
  #generation = 0;
  readonly #fetched = new FetchedPages();
  /** The link field of the jump that asked for the lookup under way, 0 if none did. */
  #link = 0;
  #breakpoints: ReadonlySet<number> = new Set();
  /** The guest's own, of its debug registers. */
  #guestBreakpoints: ReadonlySet<number> = new Set();
  /** Told when all records are gone. */
  onDropAll: () => void = () => undefined;

  constructor(buffer: ArrayBufferLike, map: MemoryMap, parts: CodeFinderParts) {
    this.#parts = parts;
    this.#i32 = new Int32Array(buffer);
    this.#map = map;
  }

  // ---- finding

  /** The record at CS:EIP; throws the faults of its fetch. */
  find(): number {
    const { state, mode, fetch, code } = this.#parts;
    const { eip } = state;
    // emitted code has looked in the jump cache before it asks
    const asked = state.get(L.EXIT) === R.EXIT_CODE.LOOKUP;
    const remembered = asked ? 0 : this.remembered(eip);
    if (remembered !== 0) return remembered;
    this.#takeLink();
    const linear = fetch.linear(eip);
    const physical = fetch.physical(linear);
    if (code.patched.executesApart(physical)) return this.#uncached(eip, linear, physical);
    const large = (state.get(L.WALK_FLAGS) & WALK_FLAG.LARGE) !== 0;
    const found = code.find(physical, mode.bits, eip);
    const valid = found !== undefined && this.#stillValid(found, linear);
    const block = valid ? found : this.#translate(eip, linear, physical);
    if (block === null) return this.#uncached(eip, linear, physical);
    this.#fetched.note(linear, large, this.#generation);
    if (block.secondPage >= 0) this.#fetched.note((linear + 0x1000) >>> 0, true, this.#generation);
    this.#remember(eip, block);
    return block.record;
  }
  /** The jump cache's record, 0 if it has none. */
  remembered(eip: number): number {
    const { state } = this.#parts;
    const slot = (this.#map.jumpCache >> 2) + jumpSlot(eip) * 4;
    const current = this.#i32[slot + 1] === state.i32[L.JUMP_GENERATION >> 2];
    return current && this.#i32[slot] >>> 0 === eip ? this.#i32[slot + 2] : 0;
  }
  /**
   * After the interpreter has left for want of fuel: the record that it would have gone on with, if it
   * would have found it by itself. Else 0, and all is as if it had left to ask for it.
   */
  resume(): number {
    const { state, translator } = this.#parts;
    const link = translator.linkTo(state.get(L.RECORD), state.eip);
    const linked = link === 0 ? 0 : this.#i32[link >> 2];
    const record = linked === 0 ? this.remembered(state.eip) : linked;
    if (record !== 0) return record;
    state.set(L.LINK, link);
    state.set(L.EXIT, R.EXIT_CODE.LOOKUP);
    return 0;
  }
  #takeLink(): void {
    const { state } = this.#parts;
    this.#link = state.get(L.EXIT) === R.EXIT_CODE.LOOKUP ? state.get(L.LINK) : 0;
    state.set(L.LINK, 0);
  }
  #stillValid(block: Block, linear: number): boolean {
    const { mode, fetch } = this.#parts;
    if (block.lastEip > mode.csLimit) return false;
    return block.secondPage < 0 || fetch.physicalOfNextPage(linear) === block.secondPage;
  }
  /** In the jump cache, and in the jump that led here if it lies in the same page. */
  #remember(eip: number, block: Block): void {
    const { state, mode, code } = this.#parts;
    const slot = (this.#map.jumpCache >> 2) + jumpSlot(eip) * 4;
    this.#i32[slot] = eip;
    this.#i32[slot + 1] = state.i32[L.JUMP_GENERATION >> 2];
    this.#i32[slot + 2] = block.record;
    const link = this.#link;
    if (link === 0 || block.secondPage >= 0 || block.lastEip > mode.csLimit) return;
    const jump = link & -R.RECORD_SIZE;
    const target = link === jump + R.R_LINK ? R.R_IMMEDIATE : R.R_NEXT_EIP;
    // an event may have come between the jump and its target
    if (this.#i32[(jump + target) >> 2] !== (eip | 0)) return;
    const source = this.#i32[(jump + R.R_EIP) >> 2];
    if ((((source + mode.csBase) ^ (eip + mode.csBase)) & ~0xfff) === 0) {
      this.#i32[link >> 2] = block.record;
      code.noteLink(mode.bits, block.lastEip);
    }
  }

  // ---- translating

  /** Null when the code is not in RAM and hence not kept. */
  #translate(eip: number, linear: number, physical: number): Block | null {
    const { memory, mode, fetch, code, shared, translator } = this.#parts;
    const page = memory.codePage(physical);
    if (page === null) return null;
    if (!translator.hasRoom) this.dropAll();
    const start = physical & 0xfff;
    const crossing = fetch.crossing(page, eip, linear, start);
    const bytes: Fetch = crossing?.fetch ?? { bytes: page, start, end: 4096 };
    const isBreakpoint = (at: number): boolean => this.#endsBlock((mode.csBase + at) >>> 0);
    const isApart = (at: number): boolean => code.patched.isApart(physical + at - eip);
    const { record, length } = translator.translate(
      bytes,
      eip,
      mode.bits,
      mode.csLimit,
      isBreakpoint,
      isApart,
    );
    const lastEip = eip + length - 1;
    const block: Block = {
      record,
      eip,
      // one that ends in #GP because of the limit is good for no other
      lastEip: lastEip > mode.csLimit ? Infinity : lastEip,
      secondPage: crossing?.secondPage ?? -1,
    };
    // writes that the TLB lets through must be seen from now on
    if (code.add({ physical, linear, length }, mode.bits, block)) {
      shared.forbidWrites(physical);
      if (block.secondPage >= 0) shared.forbidWrites(block.secondPage);
    }
    return block;
  }
  /** Code outside RAM, or patched all the time, is decoded anew each time and executed alone. */
  #uncached(eip: number, linear: number, physical: number): number {
    const { mode, fetch, translator } = this.#parts;
    const bytes = fetch.bytes(eip, linear, physical);
    return translator.translateStep(bytes, eip, mode.bits, mode.csLimit);
  }

  /** The record of the one instruction at CS:EIP for a single step; throws the faults of its fetch. */
  findStep(): number {
    const { state, mode, fetch, translator } = this.#parts;
    const { eip } = state;
    const linear = fetch.linear(eip);
    const bytes = fetch.bytes(eip, linear, fetch.physical(linear));
    return translator.step(bytes, eip, mode.bits, mode.csLimit);
  }

  // ---- forgetting

  /** The mapping of code, its bytes or the base of CS changed. */
  newGeneration(): void {
    this.#generation = (this.#generation + 1) & GENERATIONS;
    if (this.#generation === 0) {
      // stale entries of a generation long ago must not come back
      const from = this.#map.jumpCache >> 2;
      this.#i32.fill(0, from, from + 4 * JUMP_ENTRIES);
      this.#generation = 1;
    }
    this.#parts.signals.stale = true;
    this.publishGeneration();
  }
  /** After the mode's bits changed: entries of other modes are of no use. */
  publishGeneration(): void {
    const { state, mode } = this.#parts;
    state.set(L.JUMP_GENERATION, (this.#generation << 4) | mode.bits);
  }
  /** Links do not look at the limit of CS: none may lead beyond the present one. */
  keepLinksWithinLimit(): void {
    const { code, mode } = this.#parts;
    if (code.reachesBeyond(mode.bits, mode.csLimit)) this.dropAll();
  }
  /** The mapping of one page may have changed (INVLPG). */
  pageInvalidated(linear: number): void {
    if (this.#fetched.has(linear, this.#generation)) this.newGeneration();
  }
  codeWritten(pageNumber: number): void {
    if (this.#parts.code.invalidate(pageNumber)) this.newGeneration();
  }
  dropAll(): void {
    const { state, code, translator } = this.#parts;
    code.clear();
    translator.clear();
    this.onDropAll();
    state.set(L.LINK, 0);
    this.#link = 0;
    this.newGeneration();
  }

  /** Linear addresses that blocks stop before. */
  setBreakpoints(addresses: ReadonlySet<number>): void {
    this.#dropChanged(addresses, this.#breakpoints);
    this.#breakpoints = addresses;
  }
  setGuestBreakpoints(addresses: ReadonlySet<number>): void {
    this.#dropChanged(addresses, this.#guestBreakpoints);
    this.#guestBreakpoints = addresses;
  }
  #dropChanged(some: ReadonlySet<number>, others: ReadonlySet<number>): void {
    const { code } = this.#parts;
    for (const at of some) if (!others.has(at)) code.dropLinear(at);
    for (const at of others) if (!some.has(at)) code.dropLinear(at);
    this.newGeneration();
  }
  #endsBlock(linear: number): boolean {
    return this.#breakpoints.has(linear) || this.#guestBreakpoints.has(linear);
  }
  isBreakpoint(linear: number): boolean {
    return this.#breakpoints.has(linear);
  }
}
