/**
 * What SIMD instructions in TypeScript have in common: whether MMX and SSE may be used (SDM vol. 1, 9.5
 * and 10.6; vol. 2, 2.4 "exception classes" and the instruction pages), and operands. Every operand lies
 * somewhere in the state block: an XMM register, an MMX register (the low eight bytes of an x87
 * register), a general register, or memory that has been read to layout VECTOR_OPERAND. So an operand is
 * an offset in the block, and its lanes are read from the views of CpuState.
 */
import type { Instruction, MemoryOperand } from '../decode/instruction.ts';
import { statusWord } from '../fpu/register-stack.ts';
import { STATUS } from '../fpu/rounding.ts';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { CR0, CR4 } from '../state.ts';
import type { CpuState } from '../state.ts';
import { waitForError } from './x87-access.ts';

/** #UD where SSE is emulated or the operating system does not save its registers, #NM while they are switched lazily. */
export function requireSse(cpu: Processor): void {
  const { state } = cpu;
  if ((state.cr(0) & CR0.EM) !== 0 || (state.cr(4) & CR4.OSFXSR) === 0) cpu.fault(VECTOR.UD);
  if ((state.cr(0) & CR0.TS) !== 0) cpu.fault(VECTOR.NM);
}

/** #UD and #NM of MMX, which does not mind CR4.OSFXSR. */
export function requireMmx(cpu: Processor): void {
  const { state } = cpu;
  if ((state.cr(0) & CR0.EM) !== 0) cpu.fault(VECTOR.UD);
  if ((state.cr(0) & CR0.TS) !== 0) cpu.fault(VECTOR.NM);
}

/** An instruction of XMM registers. */
export function sse(body: TypescriptInstruction): TypescriptInstruction {
  return (cpu, instruction) => {
    requireSse(cpu);
    body(cpu, instruction);
  };
}

/** An instruction of MMX registers: waits for the error of an earlier x87 instruction (#MF). */
export function mmx(body: TypescriptInstruction): TypescriptInstruction {
  return (cpu, instruction) => {
    requireMmx(cpu);
    if (waitForError(cpu)) body(cpu, instruction);
  };
}

/** An instruction of both (CVTPI2PS, CVTPS2PI, MOVQ2DQ): the checks of SSE, then #MF. */
export function sseWithMmx(body: TypescriptInstruction): TypescriptInstruction {
  return (cpu, instruction) => {
    requireSse(cpu);
    if ((statusWord(cpu.state) & STATUS.ES) === 0 || waitForError(cpu)) body(cpu, instruction);
  };
}

/**
 * What every MMX instruction but EMMS does to the x87 unit: all registers valid, TOP 0 (SDM vol. 1, 9.2.1
 * and 9.5.1). The bits above a register that was written: writeMmx().
 */
export function enterMmx(state: CpuState): void {
  state.u16[L.FPU_TAGS >> 1] = 0;
  state.u16[L.FPU_STATUS >> 1] &= ~STATUS.TOP;
}

/** MXCSR bits that exist, and what FXSAVE reports: without DAZ (bit 6) before SSE2. */
export function mxcsrMask({ model }: Processor): number {
  if (model.features.has('sse2')) return 0xffff;
  return model.features.has('sse') ? 0xffbf : 0;
}

/** Offsets of registers in the state block. */
export function xmmAt(number: number): number {
  return L.XMM + (number << 4);
}
export function mmxAt(number: number): number {
  return L.FPU_REGISTERS + (number << 4);
}

/** Writes an MMX register: the exponent and sign above it become ones. */
export function writeMmx(state: CpuState, number: number, low: number, high: number): void {
  const at = mmxAt(number);
  state.i32[at >> 2] = low;
  state.i32[(at + 4) >> 2] = high;
  state.u16[(at + 8) >> 1] = 0xffff;
}

/** How a memory operand of 16 bytes must lie; smaller ones may lie anywhere. */
export type Alignment = 'aligned' | 'any';

/** The linear address of a memory operand after the checks of alignment and segment, in this order. */
export function locateVector(
  cpu: Processor,
  operand: MemoryOperand,
  write: boolean,
  alignment: Alignment,
): number {
  const offset = cpu.effectiveAddress(operand);
  if (alignment === 'aligned' && operand.size === 16) {
    const linear = cpu.state.segmentBase(operand.segment) + offset;
    if ((linear & 15) !== 0) cpu.fault(VECTOR.GP, 0);
  }
  return cpu.checkSegment(operand.segment, offset, operand.size, write);
}

/**
 * Reads an operand of 4, 8 or 16 bytes, register or memory, and says where in the state block it is, a
 * multiple of 4. Faults as the access does.
 */
export function sourceAt(
  cpu: Processor,
  { operands, row }: Instruction,
  index: number,
  alignment: Alignment = 'aligned',
): number {
  const operand = operands[index];
  if (operand.kind === 'memory') {
    cpu.memory.readVector(locateVector(cpu, operand, false, alignment), operand.size);
    return L.VECTOR_OPERAND;
  }
  if (operand.kind === 'register') {
    if (operand.file === 'xmm') return xmmAt(operand.number);
    if (operand.file === 'mmx') return mmxAt(operand.number);
    if (operand.file === 'gpr' && operand.size === 4) return L.GPR + (operand.number << 3);
  }
  throw new Error(`${row.mnemonic}: operand ${String(index)} is no vector`);
}

/** Number of a register operand. */
export function registerNumber({ operands, row }: Instruction, index: number): number {
  const operand = operands[index];
  if (operand.kind === 'register') return operand.number;
  throw new Error(`${row.mnemonic}: operand ${String(index)} is no register`);
}
