/**
 * What the instructions that run in TypeScript share: operands that must be in memory, privilege
 * checks, and the store of a selector-like word (SLDT, STR, SMSW, MOV from Sreg).
 */
import type { Instruction, MemoryOperand, Operand } from '../decode/instruction.ts';
import type { SegmentIndex } from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor } from '../processor.ts';
import * as L from '../layout.ts';
import { CR4 } from '../state.ts';

/** The operand as memory; #UD for a register. */
export function memoryOperand(cpu: Processor, operand: Operand): MemoryOperand {
  return operand.kind === 'memory' ? operand : cpu.fault(VECTOR.UD);
}

/** Segment number of a segment-register operand, or -1. */
export function segmentNumber(operand: Operand | undefined): SegmentIndex | -1 {
  const isSegment = operand?.kind === 'register' && operand.file === 'segment';
  return isSegment ? (operand.number as SegmentIndex) : -1;
}

/** `offset + delta` inside the segment, truncated to the operand's address size. */
export function nextOffset(operand: MemoryOperand, offset: number, delta: number): number {
  const sum = offset + delta;
  return operand.addressSize === 2 ? sum & 0xffff : sum >>> 0;
}

type Intercepted = keyof typeof L.INTERCEPTED_INSTRUCTION;

/** Whether SVM asks for it: the instruction is to be offered, or CHECKS_FIRST, the order is SVM's. */
export function intercepted(cpu: Processor, what: Intercepted): boolean {
  return (cpu.state.get(L.INTERCEPTED) & L.INTERCEPTED_INSTRUCTION[what]) !== 0;
}

/** #GP(0) unless CPL is 0. */
export function requireCpl0(cpu: Processor): void {
  if (cpu.state.cpl !== 0) cpu.fault(VECTOR.GP, 0);
}

/** User-mode instruction prevention: #GP(0) outside CPL 0 under CR4.UMIP (SDM vol. 3, 2.5). */
export function requireUmip(cpu: Processor): void {
  if ((cpu.state.cr(4) & CR4.UMIP) !== 0) requireCpl0(cpu);
}

/** #UD in real-address and virtual-8086 mode, which do not recognise the instruction. */
export function requireProtectedMode(cpu: Processor): void {
  if (!cpu.state.protectedMode || cpu.state.v86) cpu.fault(VECTOR.UD);
}

/** A word operand: memory of 16 bits, or the low half of a register. */
export function readWord(cpu: Processor, operand: Operand): number {
  if (operand.kind === 'register') return cpu.state.gpr(operand.number, 2);
  const { segment } = memoryOperand(cpu, operand);
  return cpu.readSegment(segment, cpu.effectiveAddress(memoryOperand(cpu, operand)), 2);
}

/** Stores 16 bits in memory, or `value` in a register of the operand size. */
export function writeWord(
  cpu: Processor,
  { operandSize }: Instruction,
  operand: Operand,
  value: number,
): void {
  if (operand.kind === 'register') {
    cpu.state.setGpr(operand.number, operandSize, value);
    return;
  }
  const memory = memoryOperand(cpu, operand);
  cpu.writeSegment(memory.segment, cpu.effectiveAddress(memory), 2, value & 0xffff);
}
