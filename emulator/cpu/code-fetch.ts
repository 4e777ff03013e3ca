/**
 * The bytes of the instruction at CS:EIP: the limit of CS, the fetch's own page walk, instructions that
 * begin in one page and end in the next, and code that does not lie in RAM (SDM vol. 3, 4.6 "Access
 * rights", 5.3 "Limit checking"). Faults are thrown as an instruction's own are.
 *
 * Not emulated: prefetch; a fetch touches the second page only when the instruction reaches into it.
 */
import { linear as linearAddress } from '../memory/address.ts';
import { decode } from './decode/decoder.ts';
import type { ExecutionMode } from './execution-mode.ts';
import type { GuestMemory, MemoryOwner } from './guest-memory.ts';
import { ACCESS } from './paging.ts';
import { VECTOR } from './processor.ts';
import type { Fetch } from './translate/translator.ts';

/** Bytes of the longest instruction. */
const LONGEST = 15;

export interface CrossingFetch {
  readonly fetch: Fetch;
  /** Guest-physical address of the second page. */
  readonly secondPage: number;
}

export class CodeFetch {
  readonly #owner: MemoryOwner;
  readonly #memory: GuestMemory;
  readonly #mode: ExecutionMode;

  constructor(owner: MemoryOwner, memory: GuestMemory, mode: ExecutionMode) {
    this.#owner = owner;
    this.#memory = memory;
    this.#mode = mode;
  }

  /** Linear address of an instruction, #GP(0) beyond the limit of CS. */
  linear(eip: number): number {
    if (eip > this.#mode.csLimit) this.#owner.fault(VECTOR.GP, 0);
    return (this.#mode.csBase + eip) >>> 0;
  }
  /** Guest-physical address for a fetch at the present privilege, of a page that is there, or #PF. */
  physical(linear: number): number {
    const user = this.#owner.state.cpl === 3 ? ACCESS.USER : 0;
    const physical = this.#memory.reach(linear, ACCESS.FETCH | user, 1);
    this.#memory.requirePresent(physical, linear, 'fetch', 1);
    return physical;
  }
  /** The page after the one of `linear`. */
  physicalOfNextPage(linear: number): number {
    return this.physical(((linear & ~0xfff) + 0x1000) >>> 0);
  }

  /** The bytes from an instruction on: the rest of its page, or just the instruction. */
  bytes(eip: number, linear: number, physical: number): Fetch {
    const page = this.#memory.codePage(physical);
    if (page === null) return this.deviceBytes(linear, physical);
    const start = physical & 0xfff;
    return this.crossing(page, eip, linear, start)?.fetch ?? { bytes: page, start, end: 4096 };
  }

  /** The bytes of an instruction that begins in one page and ends in the next, else null. */
  crossing(page: Uint8Array, eip: number, linear: number, start: number): CrossingFetch | null {
    if (start <= 4096 - LONGEST) return null;
    const { defaultSize } = this.#mode;
    if (decode(page, eip, { defaultSize }, start, 4096) !== 'bytes') return null;
    const secondPage = this.physicalOfNextPage(linear);
    return { fetch: this.#joined(page.subarray(start), eip, secondPage), secondPage };
  }
  /** Exactly the one instruction whose first bytes are `head`. */
  #joined(head: Uint8Array, eip: number, secondPage: number): Fetch {
    const bytes = new Uint8Array(32);
    bytes.set(head);
    for (let at = head.length; at < LONGEST; at++) {
      bytes[at] = this.#memory.readPhysical(secondPage + at - head.length, 1);
    }
    const { defaultSize } = this.#mode;
    const decoded = decode(bytes, eip, { defaultSize }, 0, LONGEST);
    return { bytes, start: 0, end: typeof decoded === 'string' ? LONGEST : decoded.length };
  }

  /** Code outside RAM and ROM, read as data is: from a device or nothing at all. */
  deviceBytes(linear: number, physical: number): Fetch {
    const bytes = new Uint8Array(LONGEST);
    for (let at = 0; at < LONGEST; at++) {
      const inPage = (linear & 0xfff) + at < 4096;
      const from = inPage ? physical + at : this.#memory.peek(linearAddress(linear + at));
      if (from === null) return { bytes, start: 0, end: at };
      bytes[at] = this.#memory.isMemory(from, 1, false)
        ? this.#memory.readPhysical(from, 1)
        : this.#owner.platform.readDevice(from, 1);
    }
    return { bytes, start: 0, end: LONGEST };
  }
}
