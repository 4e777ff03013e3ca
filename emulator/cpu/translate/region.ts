/**
 * Which translated blocks a region of the compiled tier is made of: those that the hot ones lead to, as
 * far as the interpreter would go there by itself, by a link between records of a page or by an entry of
 * the jump cache. So a region holds no path that was never taken, and asks for no translation of an
 * address that the interpreter would not have asked for.
 */
import type { HandlerList, Handler } from './handlers.ts';
import { linksOf } from './links.ts';
import * as R from './record.ts';

/** Bounds of a region: compiling takes time in proportion. */
const MOST_BLOCKS = 150;
const MOST_RECORDS = 1500;

/** The way from a block to another one of the region. */
export interface Edge {
  /** Field of the block's last record: R_LINK or R_LINK_NEXT. */
  readonly linkField: number;
  /** Number of the block. */
  readonly to: number;
  /** The link is not there (yet); the jump cache must be asked. */
  readonly cached: boolean;
  /** EIP that it leads to. */
  readonly eip: number;
}

export interface RegionBlock {
  /** First record. */
  readonly record: number;
  /** Records that are compiled; what comes behind them is left to the interpreter. */
  readonly compiled: number;
  readonly edges: readonly Edge[];
}

export interface Region {
  readonly blocks: readonly RegionBlock[];
  /** Numbers of the blocks at which it is entered. */
  readonly entries: ReadonlySet<number>;
  /** It has a JMP to wherever a register or memory says. */
  readonly indirect: boolean;
}

/** What the blocks are read from. */
export interface RegionSource {
  readonly i32: Int32Array;
  readonly u16: Uint16Array;
  readonly list: HandlerList;
  /** Records of the block that begins with one, 0 if none does. */
  readonly blockLength: (record: number) => number;
  /** The record that the jump cache has for an EIP now, or 0. */
  readonly remembered: (eip: number) => number;
  /** A block that is to become part of the region. False: it may not. */
  readonly claim: (record: number) => boolean;
}

export class RegionFinder {
  readonly #source: RegionSource;
  readonly #numbers = new Map<number, number>();
  readonly #records: number[] = [];
  #size = 0;

  constructor(source: RegionSource) {
    this.#source = source;
  }

  /** Null when the first instruction of the seeds is none that can be compiled. */
  find(seeds: readonly number[]): Region | null {
    const entries = new Set<number>();
    for (const seed of seeds) {
      const number = this.#number(seed);
      if (number >= 0) entries.add(number);
    }
    const blocks: RegionBlock[] = [];
    let indirect = false;
    for (let at = 0; at < this.#records.length; at++) {
      const record = this.#records[at];
      const compiled = this.#compiled(record);
      const whole = compiled === this.#source.blockLength(record);
      const last = record + (compiled - 1) * R.RECORD_SIZE;
      blocks.push({ record, compiled, edges: whole ? this.#edges(last) : [] });
      if (whole) this.#noteReturn(last, entries);
      indirect ||= whole && this.#isIndirect(last);
    }
    return blocks.length === 0 ? null : { blocks, entries, indirect };
  }

  /** The number of a block, which it is given now if there is room; else -1. */
  #number(record: number): number {
    const known = this.#numbers.get(record);
    if (known !== undefined) return known;
    const length = this.#source.blockLength(record);
    if (length === 0 || this.#records.length >= MOST_BLOCKS) return -1;
    if (this.#size + length > MOST_RECORDS || !this.#source.claim(record)) return -1;
    if (this.#compiled(record) === 0) return -1;
    this.#size += length;
    this.#numbers.set(record, this.#records.length);
    return this.#records.push(record) - 1;
  }
  #handler(record: number): Handler | undefined {
    return this.#source.list.handlers[this.#source.u16[(record + R.R_HANDLER) >> 1]];
  }
  /** Records of a block before the first one that is not compiled. */
  #compiled(record: number): number {
    const length = this.#source.blockLength(record);
    for (let n = 0; n < length; n++) {
      if (this.#handler(record + n * R.RECORD_SIZE)?.compiled !== true) return n;
    }
    return length;
  }
  #edges(last: number): readonly Edge[] {
    const shape = this.#handler(last)?.shape;
    if (shape === undefined) return [];
    const edges: Edge[] = [];
    for (const { link, eip } of linksOf(shape)) this.#edge(edges, last, link, eip);
    return edges;
  }
  #edge(edges: Edge[], last: number, linkField: number, eipField: number): void {
    const { i32, remembered } = this.#source;
    const eip = i32[(last + eipField) >> 2];
    const link = i32[(last + linkField) >> 2];
    const record = link === 0 ? remembered(eip >>> 0) : link;
    const to = record === 0 ? -1 : this.#number(record);
    if (to >= 0) edges.push({ linkField, to, cached: link === 0, eip });
  }
  #isIndirect(last: number): boolean {
    const shape = this.#handler(last)?.shape;
    return shape?.meaning === 'jmp' && shape.operands[0] !== 'j';
  }
  /** Where a CALL returns to is an entry: RET finds it by the jump cache. */
  #noteReturn(last: number, entries: Set<number>): void {
    if (this.#handler(last)?.shape.meaning !== 'call') return;
    const record = this.#source.remembered(this.#source.i32[(last + R.R_NEXT_EIP) >> 2] >>> 0);
    const number = record === 0 ? -1 : this.#number(record);
    if (number >= 0) entries.add(number);
  }
}
