/**
 * Translated blocks by the guest-physical page that their bytes lie in, so that a write to the page
 * finds them whatever linear address it came through. A block belongs to one mode (decode size, stack
 * size, flatness, privilege) and one EIP: the same bytes under two EIPs are two blocks. Links between
 * records stay within a page; hence dropping a page's blocks leaves nothing that points to them but the
 * jump cache, which a new generation empties.
 *
 * Each vCPU has its own blocks; which bytes of RAM hold code of any of them is marked in tables that all
 * share, for whoever writes to RAM. A page's marks go when the last vCPU has dropped its blocks of it.
 */
import { PAGE_SIZE } from '../../memory/address.ts';
import { CODE_CHUNK_SHIFT, PAGE_FLAG, type MemoryMap } from '../../memory/memory-map.ts';
import { PatchedCode } from './patched-code.ts';

export interface Block {
  /** Address of its first record. */
  readonly record: number;
  readonly eip: number;
  /** Offset in CS of its last byte, for limit checks. */
  readonly lastEip: number;
  /** Guest-physical page of its second part when an instruction crosses into another page, else -1. */
  readonly secondPage: number;
}

/** Number of modes (translator.ts MODE). */
const MODES = 16;

class CodePage {
  readonly blocks = new Map<number, Block>();
  /** Pages whose blocks reach into this one. */
  readonly crossing = new Set<number>();
  /** Linear pages that its blocks were found at. */
  readonly linear = new Set<number>();
  /** A bit for each byte that a block was translated from. */
  readonly translated = new Int32Array(PAGE_SIZE / 32);

  mark(first: number, last: number): void {
    for (let at = first; at <= last; at++) this.translated[at >> 5] |= 1 << (at & 31);
  }
  overlaps(first: number, size: number): boolean {
    for (let at = first; at < first + size; at++) {
      if ((this.translated[at >> 5] & (1 << (at & 31))) !== 0) return true;
    }
    return false;
  }
}

/** Where a block's first part lies: addresses of its first byte, and bytes. */
export interface BlockPlace {
  readonly physical: number;
  readonly linear: number;
  readonly length: number;
}

/** Below 2^48: offset in the page (CS may begin anywhere), EIP and mode. */
function keyOf(physical: number, mode: number, eip: number): number {
  return (eip * 4096 + (physical & 0xfff)) * MODES + mode;
}

/** Bits of the chunks from byte `first` to `last` of a page. */
function chunkMask(first: number, last: number): number {
  const low = first >> CODE_CHUNK_SHIFT;
  const high = last >> CODE_CHUNK_SHIFT;
  return (high === 31 ? -1 : (1 << (high + 1)) - 1) & ~((1 << low) - 1);
}

export class CodeCache {
  readonly patched = new PatchedCode();
  readonly #pages = new Map<number, CodePage>();
  /** Shared with the emitted code (memory-map.ts). */
  readonly #flags: Uint8Array;
  readonly #chunks: Int32Array;
  readonly #holders: Uint8Array;
  /** Highest offset in CS that a block of each mode reaches. */
  readonly #highest = new Float64Array(MODES);

  constructor(buffer: ArrayBufferLike, map: MemoryMap) {
    this.#flags = new Uint8Array(buffer, map.pageFlags, map.ramSize >>> 12);
    this.#chunks = new Int32Array(buffer, map.codeChunks, map.ramSize >>> 12);
    this.#holders = new Uint8Array(buffer, map.codeHolders, map.ramSize >>> 12);
  }

  /** @param mode mode bits of the block, below MODES. */
  find(physical: number, mode: number, eip: number): Block | undefined {
    return this.#pages.get(physical >>> 12)?.blocks.get(keyOf(physical, mode, eip));
  }

  /**
   * Enters a block. Returns true when a page has become a code page: writes that the TLB already allows
   * must be taken back.
   */
  add({ physical, linear, length }: BlockPlace, mode: number, block: Block): boolean {
    const first = physical & 0xfff;
    const last = Math.min(first + length - 1, 0xfff);
    let fresh = this.#mark(physical >>> 12, first, last);
    const page = this.#page(physical >>> 12);
    page.mark(first, last);
    page.blocks.set(keyOf(physical, mode, block.eip), block);
    page.linear.add(linear >>> 12);
    if (block.secondPage >= 0) {
      // the second part is at most 14 bytes long
      fresh = this.#mark(block.secondPage >>> 12, 0, 13) || fresh;
      const second = this.#page(block.secondPage >>> 12);
      second.crossing.add(physical >>> 12);
      second.mark(0, 13);
    }
    return fresh;
  }

  /** A block that links may lead to: they do not look at the limit of CS. */
  noteLink(mode: number, lastEip: number): void {
    if (lastEip > this.#highest[mode]) this.#highest[mode] = lastEip;
  }
  /** Whether links may lead beyond a limit of CS. */
  reachesBeyond(mode: number, limit: number): boolean {
    return this.#highest[mode] > limit;
  }

  #page(number: number): CodePage {
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new CodePage();
      this.#pages.set(number, page);
      if (number < this.#holders.length) this.#holders[number]++;
    }
    return page;
  }
  #mark(number: number, first: number, last: number): boolean {
    if (number >= this.#flags.length) return false;
    this.#chunks[number] |= chunkMask(first, last);
    const fresh = (this.#flags[number] & PAGE_FLAG.CODE) === 0;
    this.#flags[number] |= PAGE_FLAG.CODE;
    return fresh;
  }

  /** Whether a write of `size` bytes, within one page, would change translated bytes. */
  overlaps(physical: number, size: number): boolean {
    const number = physical >>> 12;
    if (number >= this.#chunks.length) return false;
    const first = physical & 0xfff;
    if ((this.#chunks[number] & chunkMask(first, first + size - 1)) === 0) return false;
    // data beside code: which bytes other vCPUs have translated is not known here
    const page = this.#holders[number] === 1 ? this.#pages.get(number) : undefined;
    return page?.overlaps(first, size) ?? true;
  }

  /**
   * Drops all blocks of a page and of those that reach into it, and so on: a guest can make that a chain
   * through all of its memory. True when there were any: then the caller makes a new generation.
   */
  invalidate(pageNumber: number): boolean {
    const waiting = [pageNumber];
    const known = this.#pages.has(pageNumber);
    for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
      const page = this.#pages.get(number);
      if (page === undefined) continue;
      this.#pages.delete(number);
      this.#unmark(number);
      for (const other of page.crossing) waiting.push(other);
    }
    return known;
  }

  /** Drops all blocks of the pages that a linear address was found in, in whatever mapping. */
  dropLinear(linear: number): void {
    for (const [number, page] of this.#pages) {
      if (page.linear.has(linear >>> 12)) this.invalidate(number);
    }
  }

  clear(): void {
    for (const number of this.#pages.keys()) this.#unmark(number);
    this.#pages.clear();
    this.#highest.fill(0);
  }
  /** This vCPU holds no code of the page any more. */
  #unmark(number: number): void {
    if (number >= this.#flags.length || --this.#holders[number] > 0) return;
    this.#flags[number] &= ~PAGE_FLAG.CODE;
    this.#chunks[number] = 0;
  }
}
