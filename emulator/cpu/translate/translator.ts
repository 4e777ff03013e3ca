/**
 * From guest bytes to records: decodes a block of instructions up to the next branch, page end or
 * breakpoint, chooses each one's handler by its shape, and fills in the record. Instructions without an
 * emitted form become records that call their TypeScript form (typescript-instructions.ts).
 */
import type { MemoryMap } from '../../memory/memory-map.ts';
import type { CpuModel } from '../cpu-model.ts';
import { decode } from '../decode/decoder.ts';
import type { DecodeFailure, Instruction, MemoryOperand, Operand, RegisterOperand } from '../decode/instruction.ts'; // prettier-ignore
import { TYPESCRIPT_INSTRUCTIONS, ENDS_BLOCK } from '../instructions/typescript-instructions.ts';
import * as L from '../layout.ts';
import { VECTOR, type Processor } from '../processor.ts';
import { EMITTED, type HandlerList, pseudoKey } from './handlers.ts';
import { linksOf } from './links.ts';
import { KEPT_STEPS, KeptSteps } from './kept-steps.ts';
import * as R from './record.ts';
import { type EmittedInstruction, type Shape, shapeKey } from './shape.ts';
import { SCALE_ADDRESS16 } from './vector-access.ts';

/** Mode bits that blocks are translated for. */
export const MODE = {
  /** CS.D. */
  CODE32: 1,
  /** SS.B. */
  STACK32: 2,
  /** DS, ES and SS are writable 4 GiB segments from 0 with SS.B. */
  FLAT: 4,
  USER: 8,
} as const;

/** What a TypeScript record does; thrown faults and signals as in processor.ts. */
export type TypescriptAction = (cpu: Processor) => void;

export interface Fetch {
  /** Bytes that may hold the block, as guest RAM or a copy. */
  readonly bytes: Uint8Array;
  /** Index of the first instruction, and one past the last byte of the page. */
  readonly start: number;
  readonly end: number;
}

export interface TranslatedBlock {
  readonly record: number;
  /** Bytes of the block. */
  readonly length: number;
}

const raise =
  (vector: number, errorCode: number | null): TypescriptAction =>
  (cpu) => {
    cpu.fault(vector, errorCode);
  };

function registerOffset({ file, number, size }: RegisterOperand): number {
  if (file === 'xmm') return L.XMM + number * 16;
  if (file === 'mmx') return L.FPU_REGISTERS + number * 16;
  return size === 1 && number >= 4 ? L.GPR + (number - 4) * 8 + 1 : L.GPR + number * 8;
}

export class Translator {
  readonly #i32: Int32Array;
  readonly #u16: Uint16Array;
  readonly #u8: Uint8Array;
  readonly #map: MemoryMap;
  readonly #list: HandlerList;
  readonly #model: CpuModel;
  readonly #pseudo: Readonly<Record<'typescript' | 'goto' | 'breakpoint' | 'stepped', number>>;
  readonly #steps = new KeptSteps();
  /** Actions of emitted instructions that handed over, by record. */
  readonly #handedOver = new Map<number, TypescriptAction>();
  #actions: TypescriptAction[] = new Array<TypescriptAction>(KEPT_STEPS);
  #next: number;
  /** Records of the block that begins at each record, 0 where none does. */
  readonly #lengths: Uint8Array;

  constructor(buffer: ArrayBufferLike, map: MemoryMap, list: HandlerList, model: CpuModel) {
    this.#i32 = new Int32Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#u8 = new Uint8Array(buffer);
    this.#map = map;
    this.#list = list;
    this.#model = model;
    const pseudo = (name: 'typescript' | 'goto' | 'breakpoint' | 'stepped'): number =>
      list.indexOf.get(pseudoKey(name)) ?? 0;
    this.#pseudo = {
      typescript: pseudo('typescript'), goto: pseudo('goto'), breakpoint: pseudo('breakpoint'), stepped: pseudo('stepped'),
    }; // prettier-ignore
    this.#next = this.#firstRecord();
    this.#lengths = new Uint8Array((map.recordsEnd - map.records) / R.RECORD_SIZE);
  }

  /** The first records are those of single steps, two each. */
  #firstRecord(): number {
    return this.#map.records + KEPT_STEPS * 2 * R.RECORD_SIZE;
  }
  /** False: no room for another block; the owner clears its code cache and then this. */
  get hasRoom(): boolean {
    return this.#next + (R.MAX_BLOCK + 2) * R.RECORD_SIZE <= this.#map.recordsEnd;
  }
  clear(): void {
    this.#next = this.#firstRecord();
    this.#actions = new Array<TypescriptAction>(KEPT_STEPS);
    this.#steps.clear();
    this.#handedOver.clear();
    this.#lengths.fill(0);
  }
  /** Records of the block that begins with one, 0 if none does. */
  blockLength(record: number): number {
    return this.#lengths[(record - this.#map.records) / R.RECORD_SIZE] ?? 0;
  }
  /** The link by which the jump of a record goes to an EIP, as the address of the field; 0: by none. */
  linkTo(record: number, eip: number): number {
    const handler = this.#list.handlers[this.#u16[(record + R.R_HANDLER) >> 1]];
    const links = handler === undefined ? [] : linksOf(handler.shape);
    const taken = links.find((fields) => this.#i32[(record + fields.eip) >> 2] >>> 0 === eip);
    return taken === undefined ? 0 : record + taken.link;
  }
  /** A copy of a block's records, which does as they do; there must be room. */
  copyBlock(record: number): number {
    const copy = this.#next;
    const size = this.blockLength(record) * R.RECORD_SIZE;
    this.#u8.copyWithin(copy, record, record + size);
    this.#next += size;
    return copy;
  }

  /** The TypeScript form of a record's instruction; null: it is emitted and has not been asked for yet. */
  action(record: number): TypescriptAction | null {
    if (this.#u16[(record + R.R_HANDLER) >> 1] !== this.#pseudo.typescript) {
      return this.#handedOver.get(record) ?? null;
    }
    return this.#actions[this.#i32[(record + R.R_IMMEDIATE) >> 2]] ?? null;
  }

  /**
   * Translates the block at `eip`.
   * @param lastEip highest offset that CS allows
   * @param isBreakpoint whether a block must stop before the instruction at this offset
   * @param isApart whether that instruction is not to be part of a block (patched-code.ts)
   */
  translate(
    fetch: Fetch,
    eip: number,
    mode: number,
    lastEip: number,
    isBreakpoint: (eip: number) => boolean,
    isApart: (eip: number) => boolean = () => false,
  ): TranslatedBlock {
    const first = this.#next;
    let at = fetch.start;
    let ordinal = 0;
    let current = eip;
    for (;;) {
      if (isBreakpoint(current)) {
        this.#pseudoRecord('breakpoint', ordinal, current, current);
        break;
      }
      const decoded = this.#decode(fetch, at, current, mode);
      if (ordinal > 0 && (decoded === 'bytes' || isApart(current))) {
        // it goes on in the next page, or is patched often: a block of its own
        this.#pseudoRecord('goto', ordinal, current, current);
        break;
      }
      if (typeof decoded === 'string' || current + decoded.length - 1 > lastEip) {
        // an instruction that is too long or reaches beyond CS is #GP(0); 'bytes' cannot happen here
        const undefined_ = decoded === 'undefined';
        this.#typescriptRecord(
          undefined_ ? raise(VECTOR.UD, null) : raise(VECTOR.GP, 0),
          ordinal,
          current,
          current,
        );
        at = Math.min(at + (typeof decoded === 'string' ? 15 : decoded.length), fetch.end);
        break;
      }
      this.#instructionRecord(decoded, ordinal, mode);
      ordinal++;
      at += decoded.length;
      current = this.#nextEip(decoded);
      if (EMITTED[decoded.row.meaning ?? '']?.endsBlock === true) break;
      if (this.#mayLeave(decoded) || ordinal === R.MAX_BLOCK - 1 || at >= fetch.end) {
        // it lies where its block lies, not where it leads: links stay within a page
        this.#pseudoRecord('goto', ordinal, decoded.eip, current);
        break;
      }
    }
    this.#lengths[(first - this.#map.records) / R.RECORD_SIZE] =
      (this.#next - first) / R.RECORD_SIZE;
    return { record: first, length: Math.max(at - fetch.start, 1) };
  }

  /**
   * The record of the one instruction at `eip`, to be followed by EXIT stepped: one that was made before
   * from the same bytes, else a new one.
   */
  step(fetch: Fetch, eip: number, mode: number, lastEip: number): number {
    const kept = this.#steps.has(fetch, eip, mode, lastEip);
    return kept ? this.#stepRecord(eip) : this.translateStep(fetch, eip, mode, lastEip, true);
  }
  /** The same, made anew; it is kept for step() only if no jump can put a link into it. */
  translateStep(fetch: Fetch, eip: number, mode: number, lastEip: number, keep = false): number {
    const saved = this.#next;
    const first = (this.#next = this.#stepRecord(eip));
    const decoded = this.#decode(fetch, fetch.start, eip, mode);
    let length = 0;
    if (typeof decoded === 'string' || eip + decoded.length - 1 > lastEip) {
      const action = decoded === 'undefined' ? raise(VECTOR.UD, null) : raise(VECTOR.GP, 0);
      this.#stepAction(action, eip, eip);
    } else {
      const form = this.#handlerOf(decoded, mode);
      if (typeof form === 'function') this.#stepAction(form, eip, this.#nextEip(decoded));
      else this.#emittedRecord(decoded, form, 0);
      this.#pseudoRecord('stepped', 1, eip, this.#nextEip(decoded));
      if (keep) ({ length } = decoded);
    }
    this.#steps.note(fetch, eip, mode, length);
    this.#next = saved;
    return first;
  }
  #stepRecord(eip: number): number {
    return this.#map.records + this.#steps.slot(eip) * 2 * R.RECORD_SIZE;
  }
  /** The first numbers are kept for steps, so that steps do not add up. */
  #stepAction(action: TypescriptAction, eip: number, next: number): void {
    const number = this.#steps.slot(eip);
    this.#actions[number] = action;
    const record = this.#begin(this.#pseudo.typescript, 0, eip, next);
    this.#i32[(record + R.R_IMMEDIATE) >> 2] = number;
  }

  #decode(fetch: Fetch, at: number, eip: number, mode: number): Instruction | DecodeFailure {
    const defaultSize = (mode & MODE.CODE32) !== 0 ? 4 : 2;
    return decode(fetch.bytes, eip, { defaultSize }, at, Math.min(fetch.end, at + 15));
  }

  #nextEip(instruction: Instruction): number {
    return (instruction.eip + instruction.length) >>> 0;
  }

  /** Code after it is likely to be reached another way, or in another mode. */
  #mayLeave({ row }: Instruction): boolean {
    if (row.meaning === null) return true;
    if (row.feature !== undefined && !this.#model.features.has(row.feature)) return true;
    return ENDS_BLOCK.has(row.meaning);
  }

  #instructionRecord(instruction: Instruction, ordinal: number, mode: number): void {
    const form = this.#handlerOf(instruction, mode);
    if (typeof form === 'function') {
      this.#typescriptRecord(form, ordinal, instruction.eip, this.#nextEip(instruction));
    } else {
      this.#emittedRecord(instruction, form, ordinal);
    }
  }

  /** The TypeScript action, or the handler's index with the shape's operands. */
  #handlerOf(
    instruction: Instruction,
    mode: number,
  ): TypescriptAction | { readonly handler: number; readonly shape: Shape } {
    const { row } = instruction;
    if (row.feature !== undefined && !this.#model.features.has(row.feature)) {
      return raise(VECTOR.UD, null);
    }
    if (row.meaning === null) return (cpu) => cpu.unimplemented(instruction);
    const emitted = EMITTED[row.meaning];
    if (emitted !== undefined) {
      const shape = this.#shapeOf(row.meaning, emitted, instruction, mode);
      const handler = this.#list.indexOf.get(shapeKey(shape));
      if (handler !== undefined) return { handler, shape };
    }
    const run = TYPESCRIPT_INSTRUCTIONS[row.meaning];
    if (run === undefined) return (cpu) => cpu.unimplemented(instruction);
    return (cpu) => {
      run(cpu, instruction);
    };
  }
  /** The TypeScript form of a record whose emitted form handed over; remembered unless it is a step's. */
  actionOf(record: number, instruction: Instruction): TypescriptAction {
    const run = TYPESCRIPT_INSTRUCTIONS[instruction.row.meaning ?? ''];
    if (run === undefined) return (cpu) => cpu.unimplemented(instruction);
    const action: TypescriptAction = (cpu) => {
      run(cpu, instruction);
    };
    if (record >= this.#firstRecord()) this.#handedOver.set(record, action);
    return action;
  }

  #shapeOf(
    meaning: string,
    emitted: EmittedInstruction,
    instruction: Instruction,
    mode: number,
  ): Shape {
    const string = emitted.patterns[0]?.startsWith('e');
    const operands = string
      ? [`e${String(stringElement(instruction))}`]
      : instruction.operands.map((operand, n) =>
          this.#operandShape(meaning, emitted, operand, n, mode),
        );
    const stack = (mode & MODE.FLAT) !== 0 ? 'flat' : (mode & MODE.STACK32) !== 0 ? '32' : '16';
    const { repeat } = instruction;
    return {
      meaning,
      condition: emitted.conditional ? (instruction.row.condition ?? -1) : -1,
      operands,
      operandSize: emitted.sized ? instruction.operandSize : 0,
      stack: emitted.usesStack ? stack : null,
      addressSize: emitted.addressed ? instruction.addressSize : 0,
      // a prefix that means nothing special here is REP for MOVS, STOS, LODS and is ignored elsewhere
      repeat: this.#repeat(emitted, repeat),
    };
  }
  #repeat(emitted: EmittedInstruction, repeat: 0 | 0xf2 | 0xf3): 0 | 0xf2 | 0xf3 {
    if (repeat === 0 || emitted.repeats === undefined) return 0;
    return emitted.repeats.includes(repeat) ? repeat : 0xf3;
  }

  #operandShape(
    meaning: string,
    emitted: EmittedInstruction,
    operand: Operand,
    n: number,
    mode: number,
  ): string {
    switch (operand.kind) {
      case 'register':
        if (operand.file === 'xmm') return 'v';
        if (operand.file === 'mmx') return 'q';
        // the count of a shift is CL, the only register that it can be
        if (n > 0 && operand.size === 1 && COUNTED.has(meaning)) return 'c';
        return operand.file === 'gpr' ? `r${String(operand.size)}` : '?';
      case 'immediate':
        return 'i';
      case 'relative':
        return 'j';
      case 'far':
        return '?';
      case 'memory':
        if (emitted.vector === true) return `g${String(operand.size)}`;
        return (
          this.#memoryLetter(operand, mode) +
          String(operand.size === 0 ? leaSize(meaning) : operand.size)
        );
    }
  }
  #memoryLetter(operand: MemoryOperand, mode: number): string {
    if (operand.addressSize === 2) return 'w';
    const flat =
      (mode & MODE.FLAT) !== 0 &&
      (operand.segment === L.SEGMENT.DS ||
        operand.segment === L.SEGMENT.SS ||
        operand.segment === L.SEGMENT.ES);
    if (!flat && operand.size !== 0) return 's';
    return operand.index < 0 ? 'b' : 'x';
  }

  // ---- records

  #begin(handler: number, ordinal: number, eip: number, next: number): number {
    const record = this.#next;
    this.#next += R.RECORD_SIZE;
    this.#i32.fill(0, record >> 2, (record + R.RECORD_SIZE) >> 2);
    this.#u16[(record + R.R_HANDLER) >> 1] = handler;
    this.#u8[record + R.R_ORDINAL] = ordinal;
    this.#i32[(record + R.R_EIP) >> 2] = eip;
    this.#i32[(record + R.R_NEXT_EIP) >> 2] = next;
    return record;
  }
  #pseudoRecord(
    name: 'goto' | 'breakpoint' | 'stepped',
    ordinal: number,
    eip: number,
    target: number,
  ): void {
    const record = this.#begin(this.#pseudo[name], ordinal, eip, target);
    this.#i32[(record + R.R_IMMEDIATE) >> 2] = target;
  }
  #typescriptRecord(action: TypescriptAction, ordinal: number, eip: number, next: number): void {
    const record = this.#begin(this.#pseudo.typescript, ordinal, eip, next);
    this.#i32[(record + R.R_IMMEDIATE) >> 2] = this.#actions.push(action) - 1;
  }
  #emittedRecord(
    instruction: Instruction,
    { handler, shape }: { readonly handler: number; readonly shape: Shape },
    ordinal: number,
  ): void {
    const record = this.#begin(handler, ordinal, instruction.eip, this.#nextEip(instruction));
    instruction.operands.forEach((operand, n) => {
      switch (operand.kind) {
        case 'register':
          this.#registerField(record, operand, shape, n);
          return;
        case 'immediate':
          this.#i32[(record + R.R_IMMEDIATE) >> 2] = operand.value;
          return;
        case 'relative':
          this.#i32[(record + R.R_IMMEDIATE) >> 2] = operand.target;
          return;
        case 'memory':
          this.#memoryFields(record, operand, shape);
          return;
        case 'far':
          return;
      }
    });
    if (shape.operands[0]?.startsWith('e')) {
      const segment = instruction.segmentOverride < 0 ? L.SEGMENT.DS : instruction.segmentOverride;
      this.#u16[(record + R.R_SEGMENT) >> 1] = L.SEGMENTS + segment * L.SEGMENT_SIZE;
    }
  }
  #registerField(record: number, operand: RegisterOperand, shape: Shape, n: number): void {
    if (!/^[rvq]/.test(shape.operands[n] ?? '')) return;
    const field = n === 0 ? R.R_DESTINATION : R.R_SOURCE;
    this.#u16[(record + field) >> 1] = registerOffset(operand);
  }
  #memoryFields(record: number, operand: MemoryOperand, shape: Shape): void {
    if (shape.operands[0]?.startsWith('e')) return;
    const register = (number: number): number => (number < 0 ? L.ZERO : L.GPR + number * 8);
    this.#u16[(record + R.R_BASE) >> 1] = register(operand.base);
    this.#u16[(record + R.R_INDEX) >> 1] = register(operand.index);
    this.#u8[record + R.R_SCALE] = operand.scale;
    this.#i32[(record + R.R_DISPLACEMENT) >> 2] = operand.displacement;
    if (shape.operands.some((letter) => letter.startsWith('g')) && operand.addressSize === 2)
      this.#u8[record + R.R_SCALE] = operand.scale | SCALE_ADDRESS16;
    const checked = shape.operands.some((letter) => /^[swg]/.test(letter));
    if (checked)
      this.#u16[(record + R.R_SEGMENT) >> 1] = L.SEGMENTS + operand.segment * L.SEGMENT_SIZE;
  }
}

const COUNTED = new Set(['shl', 'shr', 'sar', 'rol', 'ror', 'rcl', 'rcr', 'shld', 'shrd']);

/** Only the address of the operand counts; any size selects the same code. */
function leaSize(meaning: string): number {
  return meaning === 'hint-nop' ? 1 : 4;
}

function stringElement(instruction: Instruction): number {
  const sized = instruction.operands.find((operand) => operand.kind === 'memory');
  return sized?.kind === 'memory' ? sized.size : instruction.operandSize;
}
