/**
 * Replays the records of make-vectors.c on a whole processor, so that decoder, translator and emitted
 * code take part. The source is a register, or the same bytes in memory.
 */
import { instructionOf } from '../../../emulator/cpu/instructions/test-processor.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import { VECTOR } from '../../../emulator/cpu/processor.ts';
import { CR4 } from '../../../emulator/cpu/state.ts';
import { BareCpu } from '../../../emulator/cpu/testing/bare-cpu.ts';
import { FIELD, FILLER, RAISED, RECORD } from './record.ts';

const MODRM = { register: 0xc1, memory: 0x03 } as const;
const CMP = 0xc2;
const HLT = 0xf4;
const [ECX, EBX] = [1, 3];
const CODE = 0x1000;
const SLOT = 32;
const SOURCE = 0x800;

export class MachineReplay {
  readonly #source: keyof typeof MODRM;
  readonly bare = new BareCpu(1 << 16, 'max');
  /** Where the code of an instruction lies, and whether its destination is an MMX register. */
  readonly #codes = new Map<number, { readonly at: number; readonly toMmx: boolean }>();

  constructor(source: keyof typeof MODRM) {
    this.#source = source;
    const { state } = this.bare.cpu;
    state.setCr(4, CR4.OSFXSR | CR4.OSXMMEXCPT);
    this.bare.cpu.modeChanged();
    state.setGpr(EBX, 4, SOURCE);
  }

  #code(record: Uint8Array): { readonly at: number; readonly toMmx: boolean } {
    const [prefix = 0, opcode = 0, immediate = 0] = record;
    const key = (prefix << 16) | (opcode << 8) | immediate;
    let code = this.#codes.get(key);
    if (code === undefined) {
      const bytes = [0x0f, opcode, MODRM[this.#source]];
      if (prefix !== 0) bytes.unshift(prefix);
      if (opcode === CMP) bytes.push(immediate);
      const [destination] = instructionOf(bytes).operands;
      const toMmx = destination?.kind === 'register' && destination.file === 'mmx';
      code = { at: CODE + this.#codes.size * SLOT, toMmx };
      this.#codes.set(key, code);
      this.bare.load(code.at, [...bytes, HLT]);
    }
    return code;
  }

  /** Executes the record; returns the same record as this processor makes it. */
  run(record: Uint8Array): Uint8Array {
    const { cpu, ram } = this.bare;
    const { state } = cpu;
    const { at, toMmx } = this.#code(record);
    const input = new DataView(record.buffer, record.byteOffset, RECORD);
    const source = record.subarray(FIELD.SOURCE, FIELD.SOURCE + 16);
    state.u8.set(record.subarray(FIELD.DESTINATION, FIELD.DESTINATION + 16), L.XMM);
    // what the instruction does not take its source from holds something else
    const registers = this.#source === 'register';
    state.u8.fill(FILLER, L.XMM + 16, L.XMM + 32);
    state.u8.fill(FILLER, L.FPU_REGISTERS, L.FPU_REGISTERS + 8);
    state.u8.fill(FILLER, L.FPU_REGISTERS + 16, L.FPU_REGISTERS + 24);
    state.setGpr(0, 4, FILLER * 0x01010101);
    state.setGpr(ECX, 4, registers ? input.getUint32(FIELD.SOURCE, true) : 0);
    if (registers) {
      state.u8.set(source, L.XMM + 16);
      state.u8.set(source.subarray(0, 8), L.FPU_REGISTERS + 16);
    } else {
      ram.set(source, SOURCE);
    }
    const flags = input.getUint8(FIELD.EFLAGS);
    state.eflags = 2 | (flags & 0xd5) | ((flags & 2) << 10);
    state.set(L.MXCSR, input.getUint32(FIELD.MXCSR, true));
    state.eip = at;
    const raised = this.#raises();

    const result = record.slice();
    const output = new DataView(result.buffer);
    output.setUint32(FIELD.MXCSR_OUT, (state.get(L.MXCSR) | (raised ? RAISED : 0)) >>> 0, true);
    result.set(state.u8.subarray(L.XMM, L.XMM + 16), FIELD.DESTINATION_OUT);
    if (toMmx) {
      result.set(state.u8.subarray(L.FPU_REGISTERS, L.FPU_REGISTERS + 8), FIELD.OTHER_OUT);
    } else {
      output.setUint32(FIELD.OTHER_OUT, state.gpr(0, 4), true);
      const { eflags } = state;
      output.setUint32(FIELD.OTHER_OUT + 4, (eflags & 0xd5) | ((eflags >> 10) & 2), true);
    }
    return result;
  }

  /** Runs the instruction and tells whether it raised #XM. */
  #raises(): boolean {
    this.bare.event = null;
    this.bare.runToExit(100, 2);
    const event = this.bare.event as BareCpu['event'];
    if (event?.kind === 'hlt') return false;
    const { vector } = this.bare.exception;
    if (vector !== VECTOR.XM) throw new Error(`exception ${String(vector)}`);
    return true;
  }
}
