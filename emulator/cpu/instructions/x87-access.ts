/**
 * What x87 instructions have in common: whether the unit may be used (CR0.EM, TS, MP), waiting for the
 * error of an earlier instruction (SDM vol. 1, 8.7), the pointers to the last instruction and its
 * operand (8.1.8), and memory operands.
 *
 * As on processors before the Pentium 4, every non-control instruction updates the opcode register
 * (8.1.9.1, "fopcode compatibility"), and a memory operand always updates the data pointer.
 */
import type { Instruction, MemoryOperand } from '../decode/instruction.ts';
import { Float80 } from '../fpu/float80.ts';
import type { Bytes10 } from '../fpu/formats.ts';
import { statusWord } from '../fpu/register-stack.ts';
import { STATUS } from '../fpu/rounding.ts';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { CR0 } from '../state.ts';

/** Raises #NM where the operating system emulates or switches the unit lazily. */
export function requireUnit(cpu: Processor): void {
  if ((cpu.state.cr(0) & (CR0.EM | CR0.TS)) !== 0) cpu.fault(VECTOR.NM);
}

/**
 * Waits for the error of an earlier instruction: raises #MF when one is pending. With CR0.NE clear the
 * error leaves the processor as FERR# instead and comes back as an interrupt (IRQ 13): the instruction
 * is then tried again after it. Returns whether the instruction may go on now.
 */
export function waitForError(cpu: Processor): boolean {
  if ((statusWord(cpu.state) & STATUS.ES) === 0) return true;
  if ((cpu.state.cr(0) & CR0.NE) !== 0) cpu.fault(VECTOR.MF);
  // a board without the pin is one whose IGNNE# is tied active
  if (cpu.platform.floatingPointError?.(true) ?? true) return true;
  cpu.nextEip = cpu.state.eip;
  cpu.halt();
  return false;
}

/** FERR# goes away when an instruction has cleared the pending error. */
export function releaseError(cpu: Processor): void {
  if ((statusWord(cpu.state) & STATUS.ES) === 0) cpu.platform.floatingPointError?.(false);
}

/** An instruction that waits for the error of an earlier one. */
export function waiting(body: TypescriptInstruction): TypescriptInstruction {
  return (cpu, instruction) => {
    requireUnit(cpu);
    if (waitForError(cpu)) body(cpu, instruction);
  };
}

/** A control instruction, which does not wait and leaves the pointers alone. */
export function control(body: TypescriptInstruction): TypescriptInstruction {
  return (cpu, instruction) => {
    requireUnit(cpu);
    body(cpu, instruction);
  };
}

/** Remembers the instruction: FIP, FCS and FOP. */
export function recordInstruction(cpu: Processor, instruction: Instruction): void {
  const { state } = cpu;
  state.u32[L.FPU_IP >> 2] = state.eip;
  state.u16[L.FPU_CS >> 1] = state.selector(L.SEGMENT.CS);
  state.u16[L.FPU_OPCODE >> 1] = ((instruction.opcode & 7) << 8) | instruction.modrm;
}

/** A memory operand whose address has passed the segment's checks. */
export interface Located {
  readonly operand: MemoryOperand;
  /** Offset in the segment. */
  readonly offset: number;
  readonly linear: number;
}

export function isMemoryForm(instruction: Instruction): boolean {
  return instruction.modrm < 0xc0;
}

/**
 * Checks the memory operand of an instruction as an access of `length` bytes.
 * @param length bytes, where the operand's own size does not say it.
 */
export function locate(
  cpu: Processor,
  instruction: Instruction,
  write: boolean,
  length?: number,
): Located {
  const operand = instruction.operands[0];
  if (operand.kind !== 'memory') throw new Error(`${instruction.row.mnemonic}: no memory operand`);
  const offset = cpu.effectiveAddress(operand);
  const size = length ?? operand.size;
  const alignment = alignmentOf(size);
  // an image of many words is checked word by word
  const first = size > LONGEST_NUMBER ? alignment : size;
  const linear = cpu.checkSegment(operand.segment, offset, first, write);
  cpu.memory.requireAligned(linear, alignment);
  if (size > first) cpu.checkSegment(operand.segment, offset, size, write);
  return { operand, offset, linear };
}

/** Bytes of the longest operand that is one number. */
const LONGEST_NUMBER = 10;

/** What #AC wants of an operand of so many bytes (SDM vol. 3, table 6-7). */
function alignmentOf(length: number): number {
  if (length === 14 || length === 94) return 2;
  if (length === 28 || length === 108 || length === 512) return 4;
  return length === 10 ? 8 : length;
}

/** Remembers the instruction and its memory operand: FIP, FCS, FOP, FDP and FDS. */
export function recordAccess(cpu: Processor, instruction: Instruction, at: Located): void {
  recordInstruction(cpu, instruction);
  cpu.state.u32[L.FPU_DP >> 2] = at.offset;
  cpu.state.u16[L.FPU_DS >> 1] = cpu.state.selector(at.operand.segment);
}

/** A linear address `by` bytes on; linear addresses wrap at 4 GiB. */
export function after(linear: number, by: number): number {
  return (linear + by) >>> 0;
}

export function readBytes10(cpu: Processor, linear: number): Bytes10 {
  return {
    low: cpu.memory.read32(linear),
    high: cpu.memory.read32(after(linear, 4)),
    top: cpu.memory.read16(after(linear, 8)),
  };
}
/** The caller has probed the ten bytes. */
export function writeBytes10(cpu: Processor, linear: number, { low, high, top }: Bytes10): void {
  cpu.memory.write32(linear, low >>> 0);
  cpu.memory.write32(after(linear, 4), high >>> 0);
  cpu.memory.write16(after(linear, 8), top & 0xffff);
}
export function fromBytes10({ low, high, top }: Bytes10): Float80 {
  return new Float80((top >>> 15) & 1, top & 0x7fff, high | 0, low | 0);
}
export function toBytes10(x: Float80): Bytes10 {
  return { low: x.low, high: x.high, top: (x.sign << 15) | x.exponent };
}
