/**
 * All SIMD instructions that are emitted, and what of SIMD runs in TypeScript: the masked stores, MXCSR
 * (SDM vol. 1, 10.2.3; vol. 2, MASKMOVQ, MASKMOVDQU, LDMXCSR, STMXCSR, CLFLUSH), and the wait of an MMX
 * instruction for an error of the x87 unit.
 */
import type { Instruction } from '../decode/instruction.ts';
import { statusWord } from '../fpu/register-stack.ts';
import { STATUS } from '../fpu/rounding.ts';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { FLAG, RIGHTS } from '../state.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import { memoryOperand } from './operand-access.ts';
import {
  enterMmx,
  mmx,
  mmxAt,
  mxcsrMask,
  registerNumber,
  requireSse,
  sse,
  xmmAt,
} from './simd-access.ts';
import { simdArithmeticInstructions } from './simd-arithmetic.ts';
import { simdShiftInstructions } from './simd-shift.ts';
import { simdShuffleInstructions } from './simd-shuffle.ts';
import { simdTransferInstructions } from './simd-transfer.ts';
import { after, waitForError } from './x87-access.ts';

export const simdInstructions: Readonly<Record<string, EmittedInstruction>> = {
  ...simdArithmeticInstructions,
  ...simdShiftInstructions,
  ...simdShuffleInstructions,
  ...simdTransferInstructions,
};

/**
 * An emitted instruction hands over to it while an error of the x87 unit is pending. When it has waited
 * the instruction is executed anew, alone, since in a block it could stop again at its memory operand;
 * only then is it complete, so neither its own breakpoint nor the trap for TF comes before.
 */
const waitOnly: TypescriptInstruction = (cpu, { row }) => {
  if ((statusWord(cpu.state) & STATUS.ES) === 0) throw new Error(`${row.mnemonic}: no such form`);
  if (!waitForError(cpu)) return;
  cpu.state.set(L.ERROR_AWAITED, 1);
  cpu.state.systemFlags |= FLAG.RF;
  cpu.endTrace();
  cpu.nextEip = cpu.state.eip;
};

const EDI = 7;

/**
 * Stores the bytes at `data` whose byte at `mask` has its sign bit set, to DS:(E)DI. As on a Xeon each
 * eight bytes are one access that faults whatever the mask is, the upper ones first.
 */
function storeMasked(
  cpu: Processor,
  instruction: Instruction,
  data: number,
  mask: number,
  length: 8 | 16,
): void {
  // prettier-ignore
  const { state, memory } = cpu;
  const { addressSize, segmentOverride } = instruction;
  const segment = segmentOverride === -1 ? L.SEGMENT.DS : segmentOverride;
  const linear = cpu.checkSegment(segment, state.gpr(EDI, addressSize), length, true);
  for (let part = length - 8; part >= 0; part -= 8) {
    memory.requireAligned(after(linear, part), 8);
    memory.probeWrite(after(linear, part), 8);
  }
  for (let byte = 0; byte < length; byte++) {
    if (state.u8[mask + byte] >= 0x80) memory.write8(after(linear, byte), state.u8[data + byte]);
  }
}

const maskmovq = mmx((cpu, instruction) => {
  const data = mmxAt(registerNumber(instruction, 0));
  // on a Xeon even when it faults
  enterMmx(cpu.state);
  storeMasked(cpu, instruction, data, mmxAt(registerNumber(instruction, 1)), 8);
});

const maskmovdqu = sse((cpu, instruction) => {
  const data = xmmAt(registerNumber(instruction, 0));
  storeMasked(cpu, instruction, data, xmmAt(registerNumber(instruction, 1)), 16);
});

const ldmxcsr: TypescriptInstruction = (cpu, { operands }) => {
  requireSse(cpu);
  const value = cpu.readOperand(operands[0]);
  if ((value & ~mxcsrMask(cpu)) !== 0) cpu.fault(VECTOR.GP, 0);
  cpu.state.set(L.MXCSR, value);
};

const stmxcsr: TypescriptInstruction = (cpu, { operands }) => {
  requireSse(cpu);
  cpu.writeOperand(operands[0], cpu.state.get(L.MXCSR));
};

/**
 * There are no caches; the line's address is checked as that of a byte to be read, which may lie in code
 * that cannot be read (SDM vol. 2, "CLFLUSH").
 */
const clflush: TypescriptInstruction = (cpu, { operands }) => {
  const { segment, ...operand } = memoryOperand(cpu, operands[0]);
  const offset = cpu.effectiveAddress({ ...operand, segment });
  const { rights, base, limit } = cpu.state.segment(segment);
  const executeOnly = (rights & (RIGHTS.UNUSABLE | 0x1a)) === 0x18 && offset <= limit;
  const linear = executeOnly ? (base + offset) >>> 0 : cpu.checkSegment(segment, offset, 1, false);
  cpu.memory.probeRead(linear, 1);
};

export const simdTypescriptInstructions: Readonly<Record<string, TypescriptInstruction>> = {
  ...Object.fromEntries(Object.keys(simdInstructions).map((meaning) => [meaning, waitOnly])),
  maskmovq,
  maskmovdqu,
  ldmxcsr,
  stmxcsr,
  clflush,
};
