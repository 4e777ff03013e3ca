/** Replays the records of make-vectors.c through the SSE instructions. */
import type { Instruction } from '../../../emulator/cpu/decode/instruction.ts';
import { instructionOf, TestProcessor } from '../../../emulator/cpu/instructions/test-processor.ts';
import { sseArithmeticInstructions } from '../../../emulator/cpu/instructions/sse-arithmetic.ts';
import { sseCompareInstructions } from '../../../emulator/cpu/instructions/sse-compare.ts';
import { sseConvertInstructions } from '../../../emulator/cpu/instructions/sse-convert.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import { GuestFault, VECTOR } from '../../../emulator/cpu/processor.ts';
import type { TypescriptInstruction } from '../../../emulator/cpu/processor.ts';
import { CR4 } from '../../../emulator/cpu/state.ts';
import { FIELD, FILLER, RAISED, RECORD } from './record.ts';

const INSTRUCTIONS: Readonly<Record<string, TypescriptInstruction>> = {
  ...sseArithmeticInstructions,
  ...sseCompareInstructions,
  ...sseConvertInstructions,
};

/** ModRM of the second register with the first as destination. */
const MODRM = 0xc1;
const CMP = 0xc2;
const ECX = 1;

export class Replay {
  readonly cpu = new TestProcessor(0x1000);
  private readonly instructions = new Map<number, Instruction>();

  constructor() {
    this.cpu.state.setCr(4, CR4.OSFXSR | CR4.OSXMMEXCPT);
  }

  instruction(record: Uint8Array): Instruction {
    const [prefix = 0, opcode = 0, immediate = 0] = record;
    const key = (prefix << 16) | (opcode << 8) | immediate;
    let instruction = this.instructions.get(key);
    if (instruction === undefined) {
      const bytes = [0x0f, opcode, MODRM];
      if (prefix !== 0) bytes.unshift(prefix);
      if (opcode === CMP) bytes.push(immediate);
      instruction = instructionOf(bytes);
      this.instructions.set(key, instruction);
    }
    return instruction;
  }

  /** Executes the record; returns the same record as this processor makes it. */
  run(record: Uint8Array): Uint8Array {
    const { state } = this.cpu;
    const instruction = this.instruction(record);
    const input = new DataView(record.buffer, record.byteOffset, RECORD);
    state.u8.set(record.subarray(FIELD.DESTINATION, FIELD.DESTINATION + 16), L.XMM);
    state.u8.set(record.subarray(FIELD.SOURCE, FIELD.SOURCE + 16), L.XMM + 16);
    state.u8.fill(FILLER, L.FPU_REGISTERS, L.FPU_REGISTERS + 8);
    state.u8.set(record.subarray(FIELD.SOURCE, FIELD.SOURCE + 8), L.FPU_REGISTERS + 16);
    state.setGpr(0, 4, FILLER * 0x01010101);
    state.setGpr(ECX, 4, input.getUint32(FIELD.SOURCE, true));
    const flags = input.getUint8(FIELD.EFLAGS);
    state.eflags = 2 | (flags & 0xd5) | ((flags & 2) << 10);
    state.set(L.MXCSR, input.getUint32(FIELD.MXCSR, true));
    const raised = this.raises(instruction);

    const result = record.slice();
    const output = new DataView(result.buffer);
    output.setUint32(FIELD.MXCSR_OUT, (state.get(L.MXCSR) | (raised ? RAISED : 0)) >>> 0, true);
    result.set(state.u8.subarray(L.XMM, L.XMM + 16), FIELD.DESTINATION_OUT);
    const [destination] = instruction.operands;
    if (destination?.kind === 'register' && destination.file === 'mmx') {
      result.set(state.u8.subarray(L.FPU_REGISTERS, L.FPU_REGISTERS + 8), FIELD.OTHER_OUT);
    } else {
      output.setUint32(FIELD.OTHER_OUT, state.gpr(0, 4), true);
      const { eflags } = state;
      output.setUint32(FIELD.OTHER_OUT + 4, (eflags & 0xd5) | ((eflags >> 10) & 2), true);
    }
    return result;
  }

  /** Whether the instruction raises #XM. */
  private raises(instruction: Instruction): boolean {
    const { meaning, mnemonic } = instruction.row;
    const execute = meaning === null ? undefined : INSTRUCTIONS[meaning];
    if (execute === undefined) throw new Error(`${mnemonic}: no such instruction`);
    try {
      execute(this.cpu.processor, instruction);
      return false;
    } catch (error) {
      if (error instanceof GuestFault && error.vector === VECTOR.XM) return true;
      throw error;
    }
  }
}
