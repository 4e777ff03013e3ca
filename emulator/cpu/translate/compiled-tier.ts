/**
 * The compiled tier: finds out which code is hot, has it compiled (region.ts, region-emitter.ts) and puts
 * it in the way of the interpreter, which needs to know nothing of it: the first record of each block
 * that a region is entered at gets the region as its handler.
 *
 * Hot is what is found again and again when the interpreter is asked, every so many instructions, where
 * it is. That costs nothing in between. It is asked between two blocks, and goes on there as if nothing
 * had been; so what is compiled when, or at all, changes nothing that a guest or a debugger can see.
 *
 * A region depends on records alone. Whatever makes the interpreter stop using a record (code that was
 * written to, another mapping or mode, a breakpoint) takes it away from the region too. An entry's own
 * records live on as a copy, which the interpreter executes where the region leaves to it.
 */
import type { MemoryMap } from '../../memory/memory-map.ts';
import { wasm, type WasmMemory } from '../../wasm/host.ts';
import * as L from '../layout.ts';
import { type Interpreter, REGIONS } from './interpreter.ts';
import * as R from './record.ts';
import { type Region, RegionFinder } from './region.ts';
import { emitRegion } from './region-emitter.ts';
import { loopHeaders, structure } from './region-structure.ts';
import type { Translator } from './translator.ts';

/** When code is compiled. Only speed depends on it. */
export interface Hotness {
  /** Instructions between two looks at where the guest is; at least 2 * MAX_BLOCK. */
  readonly interval: number;
  /** How often a block must be found; 0: whatever is run is compiled first, and refills the TLB itself. */
  readonly times: number;
}

export const USUAL_HOTNESS: Hotness = { interval: 20_000, times: 6 };
/** For tests of compiled code alone. */
export const COMPILED_FIRST: Hotness = { interval: 130, times: 0 };
/** Blocks whose hotness is remembered; then all are forgotten. */
const MOST_COUNTS = 8192;

/** A region with so many seeds does not become part of one beside it any more. */
const MOST_SEEDS = 16;
/** Instructions to a TLB miss from which on a region had better refill it itself. */
const SELDOM = 100;

interface CompiledRegion {
  /** Place behind the interpreter's own handlers. */
  readonly place: number;
  readonly seeds: readonly number[];
  readonly blocks: readonly number[];
  /** First records of the blocks that it is entered at, and their copies. */
  readonly entries: ReadonlyMap<number, number>;
  readonly refills: boolean;
  /** Region.indirect. */
  readonly indirect: boolean;
}

export interface CompiledTierParts {
  readonly memory: WasmMemory;
  readonly map: MemoryMap;
  readonly shared: boolean;
  readonly interpreter: Interpreter;
  readonly translator: Translator;
  /** The record that the jump cache has for an EIP now, or 0. */
  readonly remembered: (eip: number) => number;
}

export class CompiledTier {
  readonly hotness: Hotness;
  readonly #parts: CompiledTierParts;
  readonly #i32: Int32Array;
  readonly #u16: Uint16Array;
  readonly #u8: Uint8Array;
  readonly #counts = new Map<number, number>();
  /** By each block that is part of one. */
  readonly #regionOf = new Map<number, CompiledRegion>();
  /** In the order in which they were compiled. */
  readonly #regions = new Set<CompiledRegion>();
  readonly #free: number[] = [];

  constructor(hotness: Hotness, parts: CompiledTierParts) {
    this.hotness = hotness;
    this.#parts = parts;
    const { buffer } = parts.memory;
    this.#i32 = new Int32Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#u8 = new Uint8Array(buffer);
    for (let place = REGIONS - 1; place >= 0; place--) this.#free.push(place);
  }

  /** Regions that are in use. */
  get size(): number {
    return this.#regions.size;
  }

  /** The guest is about to run from a record on. */
  begins(record: number): void {
    if (this.hotness.times === 0) this.found(record);
  }
  /** The guest has been found before the block that begins with a record. */
  found(record: number): void {
    const region = this.#regionOf.get(record);
    const missed = this.#missed();
    if (region !== undefined) {
      if (missed && !region.refills) this.#replace(region);
      return;
    }
    const count = (this.#counts.get(record) ?? 0) + 1;
    if (this.#counts.size >= MOST_COUNTS) this.#counts.clear();
    this.#counts.set(record, count);
    if (count === Math.max(this.hotness.times, 1)) this.#compile(record);
  }

  /** All records are gone. */
  clear(): void {
    for (const { place } of this.#regions) this.#release(place);
    this.#regions.clear();
    this.#regionOf.clear();
    this.#counts.clear();
  }

  /** Whether compiled code has missed the TLB often since the last look. */
  #missed(): boolean {
    const at = (this.#parts.map.vcpu + L.COMPILED_MISSES) >> 2;
    const misses = this.#i32[at];
    this.#i32[at] = 0;
    return misses * SELDOM > this.hotness.interval;
  }
  /** The same again, with refills. */
  #replace(region: CompiledRegion): void {
    this.#drop(region);
    this.#build(region.seeds, true);
  }

  #compile(seed: number): void {
    // what the new region would lead to at once becomes part of it
    const met = new Set<CompiledRegion>();
    const alone = this.#find([seed], (region) => {
      met.add(region);
      return false;
    });
    if (alone === null) return;
    if (alone.indirect) this.#meetIndirect(seed, met);
    const seeds = [seed, ...[...met].flatMap((region) => region.seeds)];
    for (const region of met) this.#drop(region);
    const refills = this.hotness.times === 0 || [...met].some((region) => region.refills);
    this.#build(seeds, refills);
  }
  /** Indirect jumps of one page are likely to lead to each other: the operations of an interpreter. */
  #meetIndirect(seed: number, met: Set<CompiledRegion>): void {
    const page = this.#pageOf(seed);
    for (const region of this.#regions) {
      const [first] = region.seeds;
      const beside = region.indirect && this.#pageOf(first) === page;
      if (beside && region.seeds.length < MOST_SEEDS) met.add(region);
    }
  }
  #pageOf(record: number): number {
    return this.#i32[(record + R.R_EIP) >> 2] >>> 12;
  }
  #build(seeds: readonly number[], refills: boolean): void {
    const found = this.#find(seeds, () => false);
    if (found === null) return;
    const successors = found.blocks.map(({ edges }) => edges.map(({ to }) => to));
    const headers = loopHeaders(structure(successors, found.entries));
    const entries = new Set([...found.entries, ...headers]);
    this.#install({ ...found, entries }, seeds, refills);
  }
  /** @param meet a region that has a block already; true: the block may become part of another one too. */
  #find(seeds: readonly number[], meet: (region: CompiledRegion) => boolean): Region | null {
    const { interpreter, translator, remembered } = this.#parts;
    return new RegionFinder({
      i32: this.#i32,
      u16: this.#u16,
      list: interpreter.list,
      blockLength: (record) => translator.blockLength(record),
      remembered,
      claim: (record) => {
        const region = this.#regionOf.get(record);
        return region === undefined || meet(region);
      },
    }).find(seeds);
  }

  #install(region: Region, seeds: readonly number[], refills: boolean): void {
    const { map, shared, memory, interpreter, translator } = this.#parts;
    const { list, handlers } = interpreter;
    if (handlers === null) return;
    const copies = new Map<number, number>();
    for (const number of region.entries) {
      const { record } = region.blocks[number];
      if (!translator.hasRoom) return;
      copies.set(record, translator.copyBlock(record));
    }
    const place = this.#takePlace();
    const handler = list.handlers.length + place;
    const { Module, Instance } = wasm();
    const bytes = emitRegion({
      map, shared, list, region, handler, refills, i32: this.#i32, u16: this.#u16, u8: this.#u8,
      resume: (number) => copies.get(region.blocks[number].record) ?? region.blocks[number].record,
    }); // prettier-ignore
    const instance = new Instance(new Module(bytes), { env: { memory } });
    handlers.set(handler - list.hot, instance.exports['region']);
    for (const number of region.entries) {
      const { record } = region.blocks[number];
      this.#u16[(record + R.R_HANDLER) >> 1] = handler;
      this.#u16[(record + R.R_DESTINATION) >> 1] = number;
    }
    const blocks = region.blocks.map(({ record }) => record);
    const compiled: CompiledRegion = {
      place,
      seeds,
      blocks,
      entries: copies,
      refills,
      indirect: region.indirect,
    };
    this.#regions.add(compiled);
    for (const record of blocks) this.#regionOf.set(record, compiled);
  }

  #takePlace(): number {
    const [oldest] = this.#regions;
    if (this.#free.length === 0) this.#drop(oldest);
    const place = this.#free.pop();
    if (place === undefined) throw new Error('no place for a region');
    return place;
  }
  #drop(region: CompiledRegion): void {
    const { translator } = this.#parts;
    for (const [record, copy] of region.entries) {
      const end = copy + translator.blockLength(record) * R.RECORD_SIZE;
      this.#u8.copyWithin(record, copy, end);
    }
    for (const record of region.blocks) {
      if (this.#regionOf.get(record) === region) this.#regionOf.delete(record);
    }
    this.#regions.delete(region);
    this.#release(region.place);
  }
  #release(place: number): void {
    const { list, handlers } = this.#parts.interpreter;
    handlers?.set(list.handlers.length - list.hot + place, null);
    this.#free.push(place);
  }
}
