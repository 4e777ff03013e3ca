/** The guest's stack as a debugger reads it: words at offsets in SS, without a trace in the page tables. */
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import { stackMaskOf } from '../guest-place.ts';
import { readValue } from './memory.ts';

export class StackView {
  readonly #cpu: Cpu;
  readonly #base: number;
  /** All ones as wide as the stack pointer. */
  readonly mask: number;

  /** The stack of the processor as it is now, or of a frame that is on another one. */
  constructor(
    cpu: Cpu,
    base = cpu.state.segmentBase(L.SEGMENT.SS),
    mask: number = stackMaskOf(cpu),
  ) {
    this.#cpu = cpu;
    this.#base = base;
    this.mask = mask;
  }

  /** A stack pointer moved by `bytes`. */
  moved(pointer: number, bytes: number): number {
    return ((pointer + bytes) & this.mask) >>> 0;
  }
  /** The unsigned value at a stack pointer, or null where it cannot be read. */
  read(pointer: number, size: 2 | 4): number | null {
    const linear = (this.#base + ((pointer & this.mask) >>> 0)) >>> 0;
    return readValue(this.#cpu, 'linear', linear, size);
  }
}
