/**
 * Stacks while a far transfer, an interrupt, a return or ENTER uses them: pushes and pops move a
 * pointer of their own, so that ESP changes only when the whole transfer has succeeded. Also the
 * stacks of inner levels in the TSS (SDM vol. 3, 5.8.5 "Stack switching").
 */
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import type { Processor } from './processor.ts';
import {
  accessedSegment,
  dplOf,
  fetchDescriptor,
  isNull,
  isPresent,
  isWritableData,
  selectorError,
} from './segmentation.ts';
import { RIGHTS } from './state.ts';
import type { Segment } from './state.ts';

/** Number of ESP among the general registers. */
export const ESP = 4;

/** Mask of the stack pointer: SS.B decides between SP and ESP. */
export const stackMask = (rights: number): number =>
  (rights & RIGHTS.DB) !== 0 ? 0xffffffff : 0xffff;

/** `offset` to `offset + size - 1` lie inside the data segment (SDM vol. 3, 5.3). */
function contains({ rights, limit }: Segment, offset: number, size: number): boolean {
  const last = offset + size - 1;
  if ((rights & 4) === 0) return last <= limit;
  return offset > limit && last <= stackMask(rights);
}

/** A stack that is being pushed to, perhaps not yet that of the processor. */
export class StackFrame {
  /** ESP as it would be now; the bits outside the mask are those that it began with. */
  pointer: number;
  readonly segment: Segment;
  private readonly cpu: Processor;
  private readonly mask: number;
  private readonly error: number;
  private readonly system: boolean;

  /**
   * @param level privilege level of the pushes.
   * @param error error code of #SS when the frame does not fit.
   */
  constructor(cpu: Processor, segment: Segment, pointer: number, level: number, error: number) {
    this.cpu = cpu;
    this.segment = segment;
    this.pointer = pointer;
    this.mask = stackMask(segment.rights);
    this.error = error;
    this.system = level < 3;
  }

  /** The processor's own stack at its own level. */
  static current(cpu: Processor, error: number): StackFrame {
    const { state } = cpu;
    const segment = state.segment(L.SEGMENT.SS);
    return new StackFrame(cpu, segment, state.gpr(ESP, 4), state.cpl, error);
  }

  private below(pointer: number, size: number): number {
    return ((pointer & ~this.mask) | ((pointer - size) & this.mask)) >>> 0;
  }

  /** #SS unless `count` pushes of `size` bytes fit inside the limit. */
  requireRoom(size: 2 | 4, count: number): void {
    let pointer = this.pointer;
    for (let i = 0; i < count; i++) {
      pointer = this.below(pointer, size);
      const offset = (pointer & this.mask) >>> 0;
      if (!contains(this.segment, offset, size)) this.cpu.fault(VECTOR.SS, this.error);
    }
  }

  /** A push after requireRoom; only paging can fault. */
  push(size: 2 | 4, value: number): void {
    const { memory } = this.cpu;
    this.pointer = this.below(this.pointer, size);
    const linear = (this.segment.base + ((this.pointer & this.mask) >>> 0)) >>> 0;
    if (this.system) {
      if (size === 4) memory.writeSystem32(linear, value >>> 0);
      else memory.writeSystem16(linear, value & 0xffff);
    } else if (size === 4) memory.write32(linear, value >>> 0);
    else memory.write16(linear, value & 0xffff);
  }
}

/** Pops from the processor's stack at its own level; #SS(0) outside the limit. */
export class StackReader {
  /** ESP as it would be now. */
  pointer: number;
  private readonly cpu: Processor;
  private readonly mask: number;

  constructor(cpu: Processor) {
    this.cpu = cpu;
    this.pointer = cpu.state.gpr(ESP, 4);
    this.mask = stackMask(cpu.state.segment(L.SEGMENT.SS).rights);
  }

  pop(size: 2 | 4): number {
    const value = this.cpu.readSegment(L.SEGMENT.SS, (this.pointer & this.mask) >>> 0, size);
    this.skip(size);
    return value;
  }

  /** A selector in a slot of `size` bytes, of which processors read two. */
  popSelector(size: 2 | 4): number {
    const selector = this.pop(2);
    this.skip(size - 2);
    return selector;
  }

  /** #SS(0) unless the next `count` slots of `size` bytes lie inside the limit. */
  require(size: 2 | 4, count: number): void {
    const { pointer } = this;
    for (let i = 0; i < count; i++) {
      this.cpu.checkSegment(L.SEGMENT.SS, (this.pointer & this.mask) >>> 0, size, false);
      this.skip(size);
    }
    this.pointer = pointer;
  }

  /** Moves up without reading. */
  skip(bytes: number): void {
    const { pointer, mask } = this;
    this.pointer = ((pointer & ~mask) | ((pointer + bytes) & mask)) >>> 0;
  }
}

/** SS and ESP of an inner level as the current TSS has them; #TS(TR) when they lie outside it. */
export function innerStackPointer(
  cpu: Processor,
  level: number,
  ext: 0 | 1,
): { selector: number; pointer: number } {
  const { memory, state } = cpu;
  const tss = state.segment(L.SEGMENT.TR);
  const wide = (tss.rights & 8) !== 0;
  const offset = wide ? level * 8 + 4 : level * 4 + 2;
  if (offset + (wide ? 5 : 3) > tss.limit) cpu.fault(VECTOR.TS, selectorError(tss.selector, ext));
  const at = (tss.base + offset) >>> 0;
  return wide
    ? { pointer: memory.readSystem32(at), selector: memory.readSystem16((at + 4) >>> 0) }
    : { pointer: memory.readSystem16(at), selector: memory.readSystem16((at + 2) >>> 0) };
}

/** The stack of level `level` from the TSS with every check of its segment, ready for pushes. */
export function innerStack(cpu: Processor, level: number, ext: 0 | 1): StackFrame {
  const { selector, pointer } = innerStackPointer(cpu, level, ext);
  const error = selectorError(selector, ext);
  if (isNull(selector)) cpu.fault(VECTOR.TS, ext);
  const descriptor = fetchDescriptor(cpu, selector) ?? cpu.fault(VECTOR.TS, error);
  const { rights } = descriptor;
  if ((selector & 3) !== level || dplOf(rights) !== level || !isWritableData(rights)) {
    cpu.fault(VECTOR.TS, error);
  }
  if (!isPresent(rights)) cpu.fault(VECTOR.SS, error);
  const segment = accessedSegment(cpu, selector, descriptor);
  return new StackFrame(cpu, segment, pointer, level, error);
}
