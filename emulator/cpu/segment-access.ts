/**
 * Operands of instructions that run in TypeScript: effective addresses (SDM vol. 2, 2.1.5), segment
 * checks with #GP(0) and #SS(0) (vol. 3, 5.3 to 5.5), register and memory values, and the stack.
 */
import type { MemoryOperand, Operand } from './decode/instruction.ts';
import * as L from './layout.ts';
import type { SegmentIndex } from './layout.ts';
import { type LinearMemory, VECTOR } from './processor.ts';
import { type CpuState, RIGHTS } from './state.ts';

export interface AccessOwner {
  readonly state: CpuState;
  readonly memory: LinearMemory;
  fault(vector: number, errorCode?: number | null, qualification?: number): never;
}

export class SegmentAccess {
  readonly #owner: AccessOwner;
  readonly #state: CpuState;

  constructor(owner: AccessOwner, state: CpuState) {
    this.#owner = owner;
    this.#state = state;
  }

  checkSegment(segment: SegmentIndex, offset: number, length: number, write: boolean): number {
    const state = this.#state;
    const at = (L.SEGMENTS + segment * L.SEGMENT_SIZE) >> 2;
    const last = offset + length - 1;
    const able = (state.u32[at + (L.SEG_ABILITY >> 2)] & (write ? 2 : 1)) !== 0;
    const low = state.u32[at + (L.SEG_LOW >> 2)];
    const high = state.u32[at + (L.SEG_HIGH >> 2)];
    if (!able || offset < low || last > high) {
      this.#owner.fault(segment === L.SEGMENT.SS ? VECTOR.SS : VECTOR.GP, 0);
    }
    return (state.u32[at + (L.SEG_BASE >> 2)] + offset) >>> 0;
  }
  readSegment(segment: SegmentIndex, offset: number, size: 1 | 2 | 4): number {
    const linear = this.checkSegment(segment, offset, size, false);
    return this.#read(linear, size);
  }
  writeSegment(segment: SegmentIndex, offset: number, size: 1 | 2 | 4, value: number): void {
    this.#write(this.checkSegment(segment, offset, size, true), size, value);
  }
  #read(linear: number, size: number): number {
    const { memory } = this.#owner;
    if (size === 4) return memory.read32(linear);
    return size === 2 ? memory.read16(linear) : memory.read8(linear);
  }
  #write(linear: number, size: number, value: number): void {
    const { memory } = this.#owner;
    if (size === 4) memory.write32(linear, value);
    else if (size === 2) memory.write16(linear, value);
    else memory.write8(linear, value);
  }

  effectiveAddress(operand: MemoryOperand): number {
    const { base, index, scale, displacement, addressSize } = operand;
    let offset = displacement;
    if (base >= 0) offset += this.#state.gpr(base, addressSize);
    if (index >= 0) offset += this.#state.gpr(index, addressSize) * 2 ** scale;
    return addressSize === 2 ? offset & 0xffff : offset >>> 0;
  }

  readOperand(operand: Operand): number {
    const state = this.#state;
    switch (operand.kind) {
      case 'register':
        switch (operand.file) {
          case 'gpr':
            return state.gpr(operand.number, operand.size);
          case 'segment':
            return state.selector(operand.number as SegmentIndex);
          case 'control':
            return state.cr(operand.number);
          case 'debug':
            return state.dr(operand.number);
          case 'test':
          case 'x87':
          case 'mmx':
          case 'xmm':
            throw new RangeError(`a register of file ${operand.file} is no integer operand`);
        }
        break;
      case 'memory': {
        const size = operand.size === 1 || operand.size === 2 ? operand.size : 4;
        return this.readSegment(operand.segment, this.effectiveAddress(operand), size);
      }
      case 'immediate':
        if (operand.size === 1) return operand.value & 0xff;
        return operand.size === 2 ? operand.value & 0xffff : operand.value >>> 0;
      case 'relative':
        return operand.target;
      case 'far':
        return operand.offset;
    }
    throw new RangeError('an operand without a value');
  }
  writeOperand(operand: Operand, value: number): void {
    if (operand.kind === 'register' && operand.file === 'gpr') {
      this.#state.setGpr(operand.number, operand.size, value);
    } else if (operand.kind === 'memory') {
      const size = operand.size === 1 || operand.size === 2 ? operand.size : 4;
      this.writeSegment(operand.segment, this.effectiveAddress(operand), size, value);
    } else {
      throw new RangeError(`an operand of kind ${operand.kind} cannot be written`);
    }
  }

  /** 4 where SS.B says that the stack pointer is ESP, else 2. */
  #stackSize(): 2 | 4 {
    const { rights } = this.#state.segment(L.SEGMENT.SS);
    return (rights & RIGHTS.DB) !== 0 ? 4 : 2;
  }
  push(size: 2 | 4, value: number): void {
    const pointer = this.#stackSize();
    const wrap = pointer === 4 ? 0xffffffff : 0xffff;
    const offset = ((this.#state.gpr(4, pointer) - size) & wrap) >>> 0;
    this.writeSegment(L.SEGMENT.SS, offset, size, value);
    this.#state.setGpr(4, pointer, offset);
  }
  pop(size: 2 | 4): number {
    const pointer = this.#stackSize();
    const offset = this.#state.gpr(4, pointer);
    const value = this.readSegment(L.SEGMENT.SS, offset, size);
    this.#state.setGpr(4, pointer, offset + size);
    return value;
  }
}
