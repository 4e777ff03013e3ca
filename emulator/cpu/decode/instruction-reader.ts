/**
 * Reads the parts of one instruction in the order of SDM vol. 2, chapter 2: prefixes, opcode, ModRM,
 * SIB, displacement, immediate. Knows formats, not opcodes (decoder.ts) nor operand letters
 * (operand-letters.ts). A read past the window gives 0 and is noticed once, at the end.
 */
import { SEGMENT } from '../layout.ts';
import type { SegmentIndex } from '../layout.ts';
import type { MemoryOperand } from './instruction.ts';
import { IS_PREFIX, PREFIX, SEGMENT_PREFIXES } from './prefixes.ts';

/** SDM vol. 2, 2.3.11: the length beyond which a processor raises #GP(0). */
const MAX_LENGTH = 15;

/** Registers of the 16-bit addressing forms by r/m (SDM vol. 2, table 2-1), -1 for none. */
const BASE_16 = [3, 3, 5, 5, 6, 7, 5, 3] as const;
const INDEX_16 = [6, 7, 6, 7, -1, -1, -1, -1] as const;
const [ESP, EBP] = [4, 5] as const;
/** r/m or base that stands for a displacement alone when mod is 0. */
const [DISPLACEMENT_16, DISPLACEMENT_32] = [6, 5] as const;

export class InstructionReader {
  readonly start: number;
  readonly eip: number;
  operandSize: 2 | 4;
  addressSize: 2 | 4;
  lock = false;
  repeat: 0 | 0xf2 | 0xf3 = 0;
  hasOperandPrefix = false;
  segmentOverride: SegmentIndex | -1 = -1;
  /** ModRM byte, -1 before or without one. */
  modrm = -1;
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private position: number;

  /** @param end one past the last byte that may be read; bytes beyond MAX_LENGTH never are. */
  constructor(bytes: Uint8Array, start: number, end: number, eip: number, defaultSize: 2 | 4) {
    this.bytes = bytes;
    this.start = start;
    this.position = start;
    this.end = Math.min(end, start + MAX_LENGTH);
    this.eip = eip;
    this.operandSize = defaultSize;
    this.addressSize = defaultSize;
  }

  /** Bytes read so far. */
  get length(): number {
    return this.position - this.start;
  }

  /** Why the bytes did not suffice, or null if they did. */
  get overrun(): 'bytes' | 'length' | null {
    if (this.position <= this.end) return null;
    return this.end - this.start === MAX_LENGTH ? 'length' : 'bytes';
  }

  readUnsigned8(): number {
    const at = this.position++;
    return at < this.end ? this.bytes[at] : 0;
  }

  readSigned8(): number {
    return (this.readUnsigned8() << 24) >> 24;
  }

  readUnsigned16(): number {
    const low = this.readUnsigned8();
    return low | (this.readUnsigned8() << 8);
  }

  readSigned16(): number {
    return (this.readUnsigned16() << 16) >> 16;
  }

  readSigned32(): number {
    const low = this.readUnsigned16();
    return low | (this.readUnsigned16() << 16);
  }

  /** Consumes all prefixes and returns the byte after them. */
  readPrefixes(): number {
    let byte = this.readUnsigned8();
    if (IS_PREFIX[byte] === 0) return byte;
    const [operandSize, addressSize] = [this.operandSize, this.addressSize];
    do {
      if (byte === PREFIX.OPERAND_SIZE) {
        this.hasOperandPrefix = true;
        this.operandSize = operandSize === 2 ? 4 : 2;
      } else if (byte === PREFIX.ADDRESS_SIZE) {
        this.addressSize = addressSize === 2 ? 4 : 2;
      } else if (byte === PREFIX.LOCK) {
        this.lock = true;
      } else if (byte === PREFIX.REP || byte === PREFIX.REPNE) {
        this.repeat = byte;
      } else {
        this.segmentOverride = SEGMENT_PREFIXES.get(byte) ?? -1;
      }
      byte = this.readUnsigned8();
    } while (IS_PREFIX[byte] !== 0);
    return byte;
  }

  /** The reg field of ModRM. */
  get reg(): number {
    return (this.modrm >> 3) & 7;
  }

  /** The r/m field of ModRM. */
  get rm(): number {
    return this.modrm & 7;
  }

  /** mod = 3: r/m names a register. */
  get isRegisterForm(): boolean {
    return this.modrm >= 0xc0;
  }

  /** The segment of an access through DS unless overridden. */
  get dataSegment(): SegmentIndex {
    return this.segmentOverride === -1 ? SEGMENT.DS : this.segmentOverride;
  }

  /** The memory operand of ModRM with mod 0 to 2; reads SIB and displacement. */
  readMemory(size: MemoryOperand['size']): MemoryOperand {
    return this.addressSize === 2 ? this.readMemory16(size) : this.readMemory32(size);
  }

  private readMemory16(size: MemoryOperand['size']): MemoryOperand {
    const mod = this.modrm >> 6;
    if (mod === 0 && this.rm === DISPLACEMENT_16) {
      return this.memory(-1, -1, 0, this.readSigned16(), size);
    }
    return this.memory(BASE_16[this.rm], INDEX_16[this.rm], 0, this.readDisplacement(mod), size);
  }

  private readMemory32(size: MemoryOperand['size']): MemoryOperand {
    const mod = this.modrm >> 6;
    if (this.rm !== ESP) {
      if (mod === 0 && this.rm === DISPLACEMENT_32) {
        return this.memory(-1, -1, 0, this.readSigned32(), size);
      }
      return this.memory(this.rm, -1, 0, this.readDisplacement(mod), size);
    }
    const sib = this.readUnsigned8();
    const index = (sib >> 3) & 7;
    const scaled = index !== ESP;
    const noBase = mod === 0 && (sib & 7) === DISPLACEMENT_32;
    const displacement = noBase ? this.readSigned32() : this.readDisplacement(mod);
    return this.memory(
      noBase ? -1 : sib & 7,
      scaled ? index : -1,
      scaled ? sib >> 6 : 0,
      displacement,
      size,
    );
  }

  private readDisplacement(mod: number): number {
    if (mod === 0) return 0;
    if (mod === 1) return this.readSigned8();
    return this.addressSize === 2 ? this.readSigned16() : this.readSigned32();
  }

  /** A memory operand whose segment is SS for a base of BP, EBP or ESP, else DS, unless overridden. */
  private memory(
    base: number,
    index: number,
    scale: number,
    displacement: number,
    size: MemoryOperand['size'],
  ): MemoryOperand {
    const stack = (base === EBP || base === ESP) && this.segmentOverride === -1;
    return {
      kind: 'memory',
      segment: stack ? SEGMENT.SS : this.dataSegment,
      base,
      index,
      scale,
      displacement,
      addressSize: this.addressSize,
      size,
    };
  }
}
