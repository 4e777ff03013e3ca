/**
 * Guest code as a debugger reads it: instructions at linear addresses, in the mode that the processor is
 * in now, straight from the guest's RAM and without a trace in its page tables. A view is made for one
 * look and not kept, since the guest may change its code or its mappings.
 */
import { linear } from '../memory/address.ts';
import type { Cpu } from '../cpu/cpu.ts';
import { decode } from '../cpu/decode/decoder.ts';
import type { Instruction } from '../cpu/decode/instruction.ts';
import * as L from '../cpu/layout.ts';
import { RIGHTS } from '../cpu/state.ts';

const PAGE = 4096;
const LONGEST_INSTRUCTION = 15;
const TOP = 2 ** 32;

/** 4 in 32-bit code, else 2. */
export function codeSize({ state }: Cpu): 2 | 4 {
  return (state.segment(L.SEGMENT.CS).rights & RIGHTS.DB) !== 0 ? 4 : 2;
}

export class CodeView {
  readonly #cpu: Cpu;
  readonly #mode: { readonly defaultSize: 2 | 4 };
  readonly #csBase: number;
  /** By page number; null where there is no RAM. */
  readonly #pages = new Map<number, Uint8Array | null>();

  /** Code of CS as it is now, or of another code segment. */
  constructor(
    cpu: Cpu,
    csBase = cpu.state.segmentBase(L.SEGMENT.CS),
    defaultSize: 2 | 4 = codeSize(cpu),
  ) {
    this.#cpu = cpu;
    this.#mode = { defaultSize };
    this.#csBase = csBase;
  }

  /** RAM of the page that an address lies in, or null; also for addresses outside the space. */
  #page(address: number): Uint8Array | null {
    const number = Math.floor(address / PAGE);
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const inside = address >= 0 && address < TOP;
    const physical = inside ? this.#cpu.memory.peek(linear(number * PAGE)) : null;
    const page = physical === null ? null : this.#cpu.memory.codePage(physical);
    this.#pages.set(number, page);
    return page;
  }

  /** A copy of the bytes from an address up to the first that cannot be read, at most `length`. */
  bytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let count = 0; count < length;) {
      const page = this.#page(address + count);
      if (page === null) return bytes.slice(0, count);
      const from = (address + count) % PAGE;
      const piece = page.subarray(from, from + length - count);
      bytes.set(piece, count);
      count += piece.length;
    }
    return bytes;
  }

  /** The instruction at a linear address, or null where there is none. */
  instructionAt(address: number): Instruction | null {
    const page = this.#page(address);
    if (page === null) return null;
    const eip = (address - this.#csBase) >>> 0;
    const from = address % PAGE;
    const whole = from + LONGEST_INSTRUCTION <= PAGE;
    const bytes = whole ? page : this.bytes(address, LONGEST_INSTRUCTION);
    const start = whole ? from : 0;
    const end = Math.min(start + LONGEST_INSTRUCTION, bytes.length);
    const decoded = decode(bytes, eip, this.#mode, start, end);
    return typeof decoded === 'string' ? null : decoded;
  }
}
