/**
 * Replays the records of make-vectors.c through the x87 instructions. Bits that the manual leaves
 * undefined are kept and compared too: the vectors are of a real processor.
 */
import type { Instruction } from '../../../emulator/cpu/decode/instruction.ts';
import { Float80 } from '../../../emulator/cpu/fpu/float80.ts';
import { fullRegisters, readRegister, setTags, writePhysical } from '../../../emulator/cpu/fpu/register-stack.ts'; // prettier-ignore
import { instructionOf, TestProcessor } from '../../../emulator/cpu/instructions/test-processor.ts';
import { x87Instructions } from '../../../emulator/cpu/instructions/x87.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import { FIELD, RECORD, otherRegister } from './record.ts';

const MEMORY_AT = 0x1000;

export class Replay {
  readonly cpu = new TestProcessor(0x2000);
  private readonly instructions = new Map<number, Instruction>();

  private instruction(prefix: number, opcode: number, modrm: number): Instruction {
    const key = (prefix << 16) | (opcode << 8) | modrm;
    let instruction = this.instructions.get(key);
    if (instruction === undefined) {
      instruction = instructionOf(prefix === 0 ? [opcode, modrm] : [prefix, opcode, modrm]);
      this.instructions.set(key, instruction);
    }
    return instruction;
  }

  private execute(instruction: Instruction): void {
    const { meaning, mnemonic } = instruction.row;
    const execute = meaning === null ? undefined : x87Instructions[meaning];
    if (execute === undefined) throw new Error(`${mnemonic}: no such instruction`);
    this.cpu.state.setGpr(0, 4, MEMORY_AT);
    execute(this.cpu.processor, instruction);
  }

  mnemonic(record: Uint8Array): string {
    return this.instruction(0, record[FIELD.OPCODE] ?? 0, record[FIELD.MODRM] ?? 0).row.mnemonic;
  }

  /** Executes the record; returns the same record as this x87 unit makes it. */
  run(record: Uint8Array): Uint8Array {
    const { state, memory } = this.cpu;
    const view = new DataView(record.buffer, record.byteOffset, RECORD);
    const status = view.getUint16(FIELD.STATUS, true);
    const slot = (i: number): number => L.FPU_REGISTERS + 16 * (((status >> 11) + i) & 7);
    const other = slot(otherRegister(record));

    for (let i = 0; i < 8; i++) {
      writePhysical(state, i, new Float80(0, 0x3fff + 16 * i, 0xc0000000 | (i << 24), i));
    }
    state.u8.set(record.subarray(FIELD.OTHER, FIELD.OTHER + 10), other);
    state.u8.set(record.subarray(FIELD.ST0, FIELD.ST0 + 10), slot(0));
    state.view.setUint16(L.FPU_CONTROL, view.getUint16(FIELD.CONTROL, true), true);
    state.view.setUint16(L.FPU_STATUS, status, true);
    setTags(state, view.getUint8(FIELD.TAGS));
    const flags = view.getUint8(FIELD.FLAGS);
    state.eflags = 2 | (flags & 0xd5) | ((flags & 2) << 10);
    memory.bytes.set(record.subarray(FIELD.MEMORY, FIELD.MEMORY + 10), MEMORY_AT);
    const instruction = this.instruction(0, view.getUint8(0), view.getUint8(1));
    this.execute(instruction);

    const result = record.slice();
    const out = new DataView(result.buffer);
    const copy = (field: number, at: number): void =>
      result.set(state.u8.subarray(at, at + 10), field);
    out.setUint16(FIELD.STATUS_OUT, state.view.getUint16(L.FPU_STATUS, true), true);
    out.setUint8(FIELD.TAGS_OUT, fullRegisters(state));
    out.setUint8(FIELD.FLAGS_OUT, (state.eflags & 0xd5) | ((state.eflags >> 10) & 2));
    copy(FIELD.ST0_OUT, slot(0));
    copy(FIELD.OTHER_OUT, other);
    copy(FIELD.ST7_OUT, slot(7));
    result.set(memory.bytes.subarray(MEMORY_AT, MEMORY_AT + 10), FIELD.MEMORY_OUT);
    // the two that show a word elsewhere: AX and the control word
    if (instruction.opcode === 0xdf && instruction.modrm === 0xe0) {
      out.setUint16(FIELD.MEMORY_OUT, state.gpr(0, 2), true);
    } else if (instruction.row.mnemonic === 'fldcw') {
      out.setUint16(FIELD.MEMORY_OUT, state.view.getUint16(L.FPU_CONTROL, true), true);
    }
    return result;
  }

  /** Executes a record of the family environment; returns it as this x87 unit makes it. */
  runEnvironment(record: Uint8Array): Uint8Array {
    const { memory } = this.cpu;
    setState(this.cpu, record.subarray(ENVIRONMENT.BEFORE));
    memory.bytes.set(record.subarray(ENVIRONMENT.MEMORY, ENVIRONMENT.MEMORY + 108), MEMORY_AT);
    const [prefix = 0, opcode = 0, modrm = 0] = record;
    this.execute(this.instruction(prefix, opcode, modrm));
    const result = record.slice();
    putState(this.cpu, new DataView(result.buffer, ENVIRONMENT.AFTER));
    result.set(memory.bytes.subarray(MEMORY_AT, MEMORY_AT + 108), ENVIRONMENT.MEMORY_OUT);
    return result;
  }
}

/** Offsets in a record of the family environment, and its length. */
export const ENVIRONMENT = { BEFORE: 4, MEMORY: 100, AFTER: 208, MEMORY_OUT: 304, LENGTH: 412 } as const; // prettier-ignore

function setState({ state }: TestProcessor, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const status = view.getUint16(2, true);
  for (let i = 0; i < 8; i++) {
    const at = L.FPU_REGISTERS + 16 * (((status >> 11) + i) & 7);
    state.u8.set(bytes.subarray(16 + 10 * i, 26 + 10 * i), at);
  }
  state.view.setUint16(L.FPU_CONTROL, view.getUint16(0, true), true);
  state.view.setUint16(L.FPU_STATUS, status, true);
  setTags(state, view.getUint8(4));
  state.view.setUint16(L.FPU_OPCODE, view.getUint16(6, true), true);
  state.view.setUint32(L.FPU_IP, view.getUint32(8, true), true);
  state.view.setUint32(L.FPU_DP, view.getUint32(12, true), true);
  state.view.setUint16(L.FPU_CS, 0, true);
  state.view.setUint16(L.FPU_DS, 0, true);
}

function putState({ state }: TestProcessor, view: DataView): void {
  view.setUint16(0, state.view.getUint16(L.FPU_CONTROL, true), true);
  view.setUint16(2, state.view.getUint16(L.FPU_STATUS, true), true);
  view.setUint8(4, fullRegisters(state));
  view.setUint16(6, state.view.getUint16(L.FPU_OPCODE, true), true);
  view.setUint32(8, state.view.getUint32(L.FPU_IP, true), true);
  view.setUint32(12, state.view.getUint32(L.FPU_DP, true), true);
  for (let i = 0; i < 8; i++) {
    const { sign, exponent, high, low } = readRegister(state, i);
    view.setInt32(16 + 10 * i, low, true);
    view.setInt32(20 + 10 * i, high, true);
    view.setUint16(24 + 10 * i, (sign << 15) | exponent, true);
  }
}
