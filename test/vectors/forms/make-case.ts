/**
 * A case for one opcode form from a seed: an encoding, segments, and operands that make sense for it, so
 * that memory operands lie in the windows, branches lead to INT3, selectors name something, quotients
 * sometimes fit. What makes no sense happens as well, but not only.
 */
import type { Instruction, MemoryOperand } from '../../../emulator/cpu/decode/instruction.ts';
import type { OpcodeForm } from '../../../emulator/cpu/decode/opcode-map.ts';
import { AT, base, CODE, DATA, DATA_SIZE, FX, SELECTOR, STACK } from './record.ts';
import { baseOf } from './descriptors.ts';
import { encode, type Encoding } from './encode.ts';
import { Random } from './random.ts';

const [ECX, EBX, ESP, EBP, EDI] = [1, 3, 4, 5, 7] as const;
const [ES, CS, SS, DS, FS, GS] = [0, 1, 2, 3, 4, 5] as const;
const ALIGNMENT_CHECK = 1 << 18;

/** Segments that are not flat, for data. */
const ODD_DATA = [0x17, 0x1f, 0x27, 0x47, 0x4f, 0x57, SELECTOR.CODE16, 0x2b] as const;
const ODD_STACK = [0x17, 0x1f, 0x47, 0x4f, 0x57] as const;
/** What a program may try to load: good and bad ones, RPL as well. */
const LOADED = [0, 3, 0x23, 0x2b, 0x20, 0x29, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x57, 0x0c, 0x15, 0x5f, 0xffff] as const; // prettier-ignore
const CODE_SELECTORS = [0x23, 0x07, 0x2f, 0x3f, 0x23, 0x20, 0x2b, 0x37, 0, 0x5f] as const;

/** A record before execution, or null if the dice made no sense of it. */
export function makeCase(form: OpcodeForm, seed: number): DataView | null {
  const random = new Random(seed ^ 0x2545f491);
  const code16 = random.once(5);
  const encoding = encode(form, random, code16);
  if (encoding === null) return null;
  const made = new Case(base(seed), random, encoding, code16);
  const { instruction } = encoding;
  if (instruction !== null && !made.plan(instruction)) return null;
  return made.finish();
}

class Case {
  readonly #record: DataView;
  readonly #random: Random;
  readonly #encoding: Encoding;
  /** Registers that hold what they must. */
  readonly #fixed = new Set<number>();
  /** Where memory operands lie: linear addresses, in the operands' order. */
  readonly #places: number[] = [];

  constructor(record: DataView, random: Random, encoding: Encoding, code16: boolean) {
    this.#record = record;
    this.#random = random;
    this.#encoding = encoding;
    if (code16) this.#setSelector(CS, SELECTOR.CODE16);
    else if (random.once(12)) this.#setSelector(CS, 0x2f);
    this.#chooseStack();
    if (random.once(10)) record.setUint32(AT.EFLAGS, record.getUint32(AT.EFLAGS, true) | ALIGNMENT_CHECK, true); // prettier-ignore
    if (random.once(8)) record.setUint8(AT.PAGES, 1 + random.below(2));
    if (random.once(12)) record.setUint8(AT.PAGES + 1, 1 + random.below(2));
    if (random.once(14)) this.#makePending();
  }

  finish(): DataView {
    const { bytes } = this.#encoding;
    this.#record.setUint8(AT.LENGTH, bytes.length);
    bytes.forEach((byte, i) => {
      this.#record.setUint8(AT.CODE + i, byte);
    });
    return this.#record;
  }

  // ---- state

  #gpr(number: number): number {
    return this.#record.getUint32(AT.GPR + 4 * number, true);
  }
  /** Sets a register, perhaps only its lower half; false: it is already what it must be. */
  #force(number: number, value: number, size: 2 | 4 = 4): boolean {
    if (this.#fixed.has(number)) return false;
    this.#fixed.add(number);
    const whole = size === 4 ? value : (this.#gpr(number) & 0xffff0000) | (value & 0xffff);
    this.#record.setUint32(AT.GPR + 4 * number, whole >>> 0, true);
    return true;
  }
  /** Sets a byte, word or doubleword register as an operand names it. */
  #setOperandRegister(number: number, size: number, value: number): void {
    if (size === 1) this.#record.setUint8(AT.GPR + (number < 4 ? 4 * number : 4 * number - 15), value & 0xff); // prettier-ignore
    else if (size === 2) this.#record.setUint16(AT.GPR + 4 * number, value & 0xffff, true);
    else this.#record.setUint32(AT.GPR + 4 * number, value >>> 0, true);
  }
  #selector(segment: number): number {
    return this.#record.getUint16(AT.SELECTORS + 2 * segment, true);
  }
  #setSelector(segment: number, selector: number): void {
    this.#record.setUint16(AT.SELECTORS + 2 * segment, selector, true);
  }
  /** Writes to memory by linear address; outside the windows nothing. */
  #poke(linear: number, value: number, size: number): void {
    for (let i = 0; i < size; i++) {
      const at = linear + i;
      const byte = (value >>> (8 * i)) & 0xff;
      if (at >= DATA && at < DATA + DATA_SIZE) this.#record.setUint8(AT.DATA + at - DATA, byte);
      else if (at >= STACK && at < STACK + 256) this.#record.setUint8(AT.STACK + at - STACK, byte);
    }
  }
  #peek(linear: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) {
      const at = linear + i - DATA;
      value = value * 256 + (at >= 0 && at < DATA_SIZE ? this.#record.getUint8(AT.DATA + at) : 0);
    }
    return value;
  }

  #chooseStack(): void {
    const random = this.#random;
    if (random.once(5)) this.#setSelector(SS, SELECTOR.STACK16);
    else if (random.once(10)) this.#setSelector(SS, random.pick(ODD_STACK));
    let at = this.#gpr(ESP);
    if (random.once(4)) at = STACK + 40 + random.below(180);
    if (random.once(4)) at = STACK + 122 + random.below(12);
    // the windows of DATA and STACK meet the limits of these
    const selector = this.#selector(SS);
    if (selector !== SELECTOR.STACK16 && selector !== SELECTOR.DS32 && random.once(3)) at = DATA + 450 + random.below(200); // prettier-ignore
    const offset = (at - baseOf(selector)) >>> 0;
    this.#record.setUint32(AT.GPR + 4 * ESP, offset, true);
  }
  /** An exception of the x87 unit waits for the next instruction that looks. */
  #makePending(): void {
    const record = this.#record;
    const bit = 1 << this.#random.below(6);
    record.setUint16(AT.FX, record.getUint16(AT.FX, true) & ~bit, true);
    record.setUint16(AT.FX + 2, record.getUint16(AT.FX + 2, true) | bit | 0x8080, true);
  }

  // ---- operands

  /** False: the encoding cannot be given operands that make sense. */
  plan(instruction: Instruction): boolean {
    const meaning = instruction.row.meaning ?? instruction.row.mnemonic;
    this.#chooseDataSegments(instruction);
    if (usesStack(meaning)) this.#fixed.add(ESP);
    if (!this.#prepare(instruction, meaning)) return false;
    for (const operand of instruction.operands) {
      if (operand.kind === 'memory' && !this.#place(operand, instruction, meaning)) return false;
    }
    return this.#fill(instruction, meaning);
  }

  #chooseDataSegments({ operands, segmentOverride }: Instruction): void {
    const random = this.#random;
    for (const segment of [FS, GS]) {
      if (!random.once(4)) this.#setSelector(segment, random.once(4) ? random.pick(ODD_DATA) : SELECTOR.DS32); // prettier-ignore
    }
    for (const operand of operands) {
      if (operand.kind !== 'memory' || operand.segment === CS || operand.segment === SS) continue;
      if (random.once(6)) this.#setSelector(operand.segment, random.pick(ODD_DATA));
    }
    if (segmentOverride < 0 && random.once(60)) this.#setSelector(random.pick([DS, ES]), 0);
  }

  /** Registers that an instruction uses besides its operands, before addresses are planned. */
  #prepare({ operands, addressSize }: Instruction, meaning: string): boolean {
    const random = this.#random;
    if (STRING_MEANINGS.has(meaning)) return this.#force(ECX, random.below(20), addressSize);
    if (meaning.startsWith('loop') || meaning === 'jcxz') {
      if (!random.once(3)) this.#force(ECX, random.pick([0, 1, 2, 0x10000, 0x10001]));
    }
    if (meaning.startsWith('maskmov')) return this.#force(EDI, this.#wanted(16, false), addressSize);
    if (meaning === 'xlat') return this.#force(EBX, this.#wanted(1, false) - (this.#gpr(0) & 0xff), addressSize); // prettier-ignore
    if (meaning === 'leave' || meaning === 'enter') {
      this.#force(EBP, this.#gpr(ESP) + 20 + 4 * random.below(8));
    }
    const index = operands[1];
    if (/^bt[src]?$/.test(meaning) && operands[0]?.kind === 'memory' && index?.kind === 'register') {
      const bit = random.below(4000) - 2000;
      return this.#force(index.number, bit, index.size === 2 ? 2 : 4);
    }
    return true;
  }

  /** A linear address for an operand: often across the page boundary, or not aligned. */
  #wanted(size: number, aligned: boolean): number {
    const random = this.#random;
    const room = DATA_SIZE - size;
    if (!aligned && size > 1 && size < 64 && random.once(4)) {
      return DATA + DATA_SIZE / 2 - 1 - random.below(size - 1);
    }
    const at = DATA + random.below(room + 1);
    return aligned || random.once(2) ? at & -Math.min(size, 16) : at;
  }

  #place(operand: MemoryOperand, instruction: Instruction, meaning: string): boolean {
    const size = operand.size === 0 ? 4 : operand.size;
    const aligned = (size === 16 || size === 512) && !this.#random.once(8);
    // a repetition goes on from there, either way
    let at = STRING_MEANINGS.has(meaning) ? DATA + 300 + this.#random.below(400) : this.#wanted(size, aligned); // prettier-ignore
    this.#places.push(at);
    const index = instruction.operands[1];
    if (/^bt[src]?$/.test(meaning) && index?.kind === 'register') {
      const shift = index.size === 2 ? 16 : 0;
      const bit = (this.#gpr(index.number) << shift) >> shift;
      at -= index.size === 2 ? (bit >> 4) * 2 : (bit >> 5) * 4;
    }
    const offset = (at - baseOf(this.#selector(operand.segment))) >>> 0;
    return this.#aim(operand, offset, meaning);
  }

  /** Makes the effective address of an operand what it shall be. */
  #aim(operand: MemoryOperand, offset: number, meaning: string): boolean {
    const { base: register, index, scale, addressSize } = operand;
    const { displacementAt, displacementSize, bytes } = this.#encoding;
    if (addressSize === 2 && offset > 0xffff) return false;
    // POP computes the address after ESP has moved
    const moved = meaning === 'pop' && register === ESP ? (operand.size as number) : 0;
    if (displacementSize >= 2 || register < 0) {
      const now = (register < 0 ? 0 : this.#gpr(register) + moved) + (index < 0 ? 0 : this.#gpr(index) << scale); // prettier-ignore
      if (register >= 0) this.#fixed.add(register);
      if (index >= 0) this.#fixed.add(index);
      const size = displacementSize;
      // a moffs lies where the displacement of ModRM would
      const count = size === 0 ? addressSize : size;
      for (let i = 0; i < count; i++) bytes[displacementAt + i] = ((offset - now) >>> (8 * i)) & 0xff;
      return true;
    }
    if (index === register) return false;
    const rest = operand.displacement + moved + (index < 0 ? 0 : this.#gpr(index) << scale);
    if (index >= 0) this.#fixed.add(index);
    return this.#force(register, offset - rest, addressSize);
  }

  // ---- contents

  /** A place with INT3 all around. */
  #target(): number {
    const random = this.#random;
    if (random.once(20)) return random.pick([0x2000, 0x6ffe, 0xd001, 0x12345, 0xfffff000]);
    return CODE + (random.once(2) ? 0x30 + random.below(0x200) : -0x20 - random.below(0x200));
  }
  #stackLinear(): number {
    const sp = this.#selector(SS) === SELECTOR.STACK16 ? this.#gpr(ESP) & 0xffff : this.#gpr(ESP);
    return (sp + baseOf(this.#selector(SS))) >>> 0;
  }

  /** What registers, memory and immediates hold. */
  #fill(instruction: Instruction, meaning: string): boolean {
    const { operands, operandSize } = instruction;
    const random = this.#random;
    const first = operands[0];
    const [place] = this.#places;
    switch (meaning) {
      case 'jcc': case 'jcxz': case 'loop': case 'loope': case 'loopne':
        return this.#relative(instruction);
      case 'jmp': case 'call':
        if (first?.kind === 'relative') return this.#relative(instruction);
        return this.#setValue(instruction, this.#target());
      case 'ret':
        this.#poke(this.#stackLinear(), this.#target(), operandSize);
        return true;
      case 'ret-far': case 'iret':
        this.#pokeFar(this.#stackLinear(), operandSize);
        if (meaning === 'iret') this.#poke(this.#stackLinear() + 2 * operandSize, this.#flagsImage() & ~0x4000, operandSize); // prettier-ignore
        return true;
      case 'popf':
        this.#poke(this.#stackLinear(), this.#flagsImage(), operandSize);
        return true;
      case 'jmp-far': case 'call-far':
        if (first?.kind === 'far') this.#patchFar(instruction);
        else if (place !== undefined) this.#pokeFar(place, operandSize);
        return true;
      case 'load-far-pointer':
        if (place !== undefined) this.#poke(place + operandSize, random.pick(LOADED), 2);
        return true;
      case 'pop-sreg':
        this.#poke(this.#stackLinear(), random.pick(LOADED), 2);
        return true;
      case 'mov-sreg':
        if (first?.kind === 'register' && first.file === 'segment') this.#setValue(instruction, random.pick(LOADED), 1); // prettier-ignore
        return true;
      case 'lar': case 'lsl':
        return this.#setValue(instruction, random.pick(LOADED), 1);
      case 'verr': case 'verw': case 'arpl':
        return this.#setValue(instruction, random.pick(LOADED));
      case 'int':
        return this.#patchLast(random.pick([0, 1, 2, 5, 8, 0x20, 0x2e, 0x79, 0x7f, 0x81, 0xff]));
      case 'enter':
        this.#patchLast(random.once(3) ? random.below(32) : random.below(4));
        this.#patchLast(0, 2);
        return true;
      case 'div': case 'idiv':
        this.#makeQuotientFit(instruction, meaning === 'idiv');
        return true;
      case 'cmpxchg':
        if (random.once(2) && !this.#fixed.has(0)) this.#setOperandRegister(0, sizeOf(instruction), this.#valueOf(instruction)); // prettier-ignore
        return true;
      case 'cmpxchg8b':
        if (place !== undefined && random.once(2)) {
          this.#force(0, this.#peek(place, 4));
          this.#force(2, this.#peek(place + 4, 4));
        }
        return true;
      case 'ldmxcsr': case 'fxrstor':
        if (place !== undefined && !random.once(12)) {
          const at = place + (meaning === 'fxrstor' ? FX.MXCSR : 0);
          this.#poke(at, this.#peek(at, 4) & 0xffff, 4);
        }
        return true;
      default:
        this.#fillFloat(instruction);
        return true;
    }
  }

  #flagsImage(): number {
    // a trap after the next instruction would be INT3's
    return this.#random.next() & ~0x100;
  }
  #pokeFar(at: number, size: 2 | 4): void {
    this.#poke(at, this.#target(), size);
    this.#poke(at + size, this.#random.pick(CODE_SELECTORS), 2);
  }
  #patchFar({ operandSize, length }: Instruction): void {
    const { bytes } = this.#encoding;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const target = this.#target();
    if (operandSize === 2) view.setUint16(length - 4, target & 0xffff, true);
    else view.setUint32(length - 6, target >>> 0, true);
    view.setUint16(length - 2, this.#random.pick(CODE_SELECTORS), true);
  }
  /** Replaces one of the last bytes of the code. */
  #patchLast(value: number, back = 1): boolean {
    const { bytes } = this.#encoding;
    bytes[bytes.length - back] = value;
    return true;
  }
  #relative({ row, operandSize, length }: Instruction): boolean {
    const { bytes } = this.#encoding;
    const random = this.#random;
    if (row.operands === 'Jb') {
      bytes[length - 1] = random.once(2) ? 24 + random.below(100) : -24 - random.below(100);
      return true;
    }
    const displacement = this.#target() - CODE - length;
    for (let i = 0; i < operandSize; i++) bytes[length - operandSize + i] = (displacement >> (8 * i)) & 0xff; // prettier-ignore
    return true;
  }

  /** Sets what operand `n` refers to. */
  #setValue({ operands }: Instruction, value: number, n = 0): boolean {
    const operand = operands[n];
    const [place] = this.#places;
    if (operand?.kind === 'register') {
      if (operand.number === ESP) return false;
      this.#setOperandRegister(operand.number, operand.size, value);
    } else if (operand?.kind === 'memory' && place !== undefined) {
      this.#poke(place, value, Math.min(operand.size, 4));
    }
    return true;
  }
  #valueOf({ operands }: Instruction): number {
    const [operand] = operands;
    if (operand?.kind === 'memory') return this.#peek(this.#places[0] ?? 0, operand.size);
    if (operand?.kind !== 'register') return 0;
    const { number, size } = operand;
    const shift = size === 1 && number >= 4 ? 8 : 0;
    return this.#gpr(size === 1 ? number & 3 : number) >>> shift;
  }

  #makeQuotientFit(instruction: Instruction, signed: boolean): void {
    if (this.#random.once(4)) return;
    const size = sizeOf(instruction);
    const small = this.#random.once(2) ? 0 : this.#random.below(256);
    if (size === 1) {
      if (this.#fixed.has(0)) return;
      this.#record.setUint8(AT.GPR + 1, signed && this.#random.once(2) ? 0xff : small & 3);
    } else if (!this.#fixed.has(2)) {
      const sign = signed && this.#random.once(2) ? 0xffffffff : small;
      this.#setOperandRegister(2, size, sign);
    }
  }

  /** Memory operands of the x87 unit's own formats. */
  #fillFloat({ row, operands }: Instruction): void {
    const [place] = this.#places;
    const memory = operands.find((operand) => operand.kind === 'memory');
    if (place === undefined || memory === undefined) return;
    const scratch = new DataView(new ArrayBuffer(16));
    const random = this.#random;
    if (row.operands === 'm80fp') random.float80(scratch, 0);
    else if (row.operands === 'm64fp') random.float64(scratch, 0);
    else if (row.operands === 'm32fp') scratch.setUint32(0, random.float32(), true);
    else if (row.operands === 'm80bcd') {
      for (let i = 0; i < 9; i++) scratch.setUint8(i, random.below(10) | (random.below(10) << 4));
      scratch.setUint8(9, random.next());
    } else return;
    if (random.once(8)) return;
    for (let i = 0; i < memory.size; i++) this.#poke(place + i, scratch.getUint8(i), 1);
  }
}

const STRING_MEANINGS: ReadonlySet<string> = new Set(['movs', 'cmps', 'stos', 'lods', 'scas', 'ins', 'outs']); // prettier-ignore

function usesStack(meaning: string): boolean {
  return /^(?:push|pop|call|ret|enter|leave|iret)/.test(meaning);
}

/** Bytes of the first operand. */
function sizeOf({ operands, operandSize }: Instruction): number {
  const [operand] = operands;
  return operand?.kind === 'register' || operand?.kind === 'memory' ? operand.size : operandSize;
}

