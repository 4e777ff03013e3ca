/**
 * Decimal adjustment (AAA, AAS, AAM, AAD, DAA, DAS), SALC and XLAT (SDM vol. 2). Flags that the manual
 * leaves undefined are set as processors set them: SF, ZF and PF from AL, the rest clear, and AAD's as
 * those of the addition in it (decimal.test.ts says where that was observed).
 */
import type { Instruction } from '../decode/instruction.ts';
import { SEGMENT } from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { FLAG } from '../state.ts';

const EAX = 0;
const EBX = 3;
const AL = 0;
const AH = 4;

/** SF, ZF and PF of a byte. */
function byteFlags(value: number): number {
  let parity = (value ^ (value >> 4)) & 0xf;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return (
    ((value & 0x80) !== 0 ? FLAG.SF : 0) |
    ((value & 0xff) === 0 ? FLAG.ZF : 0) |
    ((parity & 1) === 0 ? FLAG.PF : 0)
  );
}

/** AAA (`sign` 1) and AAS (-1). */
const asciiAdjust =
  (sign: 1 | -1): TypescriptInstruction =>
  ({ state }) => {
    const adjust = (state.gpr(AL, 1) & 0xf) > 9 || (state.eflags & FLAG.AF) !== 0;
    if (adjust) state.setGpr(EAX, 2, state.gpr(EAX, 2) + sign * 0x106);
    const al = state.gpr(AL, 1) & 0xf;
    state.setGpr(AL, 1, al);
    state.arithmeticFlags = byteFlags(al) | (adjust ? FLAG.AF | FLAG.CF : 0);
  };

/** DAA (`sign` 1) and DAS (-1). */
const decimalAdjust =
  (sign: 1 | -1): TypescriptInstruction =>
  ({ state }) => {
    const old = state.gpr(AL, 1);
    const flags = state.eflags;
    let al = old;
    let carry = (flags & FLAG.CF) !== 0;
    const low = (old & 0xf) > 9 || (flags & FLAG.AF) !== 0;
    const high = old > 0x99 || carry;
    if (low) {
      // only DAS borrows out of the low digit
      carry ||= sign < 0 && old < 6;
      al += sign * 6;
    }
    if (high) al += sign * 0x60;
    al &= 0xff;
    state.setGpr(AL, 1, al);
    state.arithmeticFlags = byteFlags(al) | (low ? FLAG.AF : 0) | (carry || high ? FLAG.CF : 0);
  };

/** The base of AAM and AAD: their immediate operand, ten as assemblers write it. */
function baseOf({ operands }: Instruction): number {
  const [operand] = operands;
  return operand.kind === 'immediate' ? operand.value & 0xff : 10;
}

function adjustAfterMultiply(cpu: Processor, instruction: Instruction): void {
  const { state } = cpu;
  const base = baseOf(instruction);
  if (base === 0) cpu.fault(VECTOR.DE);
  const value = state.gpr(AL, 1);
  state.setGpr(AH, 1, Math.floor(value / base));
  state.setGpr(AL, 1, value % base);
  state.arithmeticFlags = byteFlags(value % base);
}

function adjustBeforeDivide({ state }: Processor, instruction: Instruction): void {
  const units = state.gpr(AL, 1);
  const tens = (state.gpr(AH, 1) * baseOf(instruction)) & 0xff;
  const sum = units + tens;
  const overflow = ((units ^ sum) & (tens ^ sum) & 0x80) !== 0;
  state.setGpr(EAX, 2, sum & 0xff);
  state.arithmeticFlags =
    byteFlags(sum) |
    (sum > 0xff ? FLAG.CF : 0) |
    (overflow ? FLAG.OF : 0) |
    ((units ^ tens ^ sum) & FLAG.AF);
}

function setAlFromCarry({ state }: Processor): void {
  state.setGpr(AL, 1, (state.eflags & FLAG.CF) !== 0 ? 0xff : 0);
}

function translate(cpu: Processor, { addressSize, segmentOverride }: Instruction): void {
  const { state } = cpu;
  const segment = segmentOverride === -1 ? SEGMENT.DS : segmentOverride;
  const sum = state.gpr(EBX, addressSize) + state.gpr(AL, 1);
  const offset = addressSize === 2 ? sum & 0xffff : sum >>> 0;
  state.setGpr(AL, 1, cpu.readSegment(segment, offset, 1));
}

export const decimalInstructions = {
  aaa: asciiAdjust(1),
  aas: asciiAdjust(-1),
  aam: adjustAfterMultiply,
  aad: adjustBeforeDivide,
  daa: decimalAdjust(1),
  das: decimalAdjust(-1),
  salc: setAlFromCarry,
  xlat: translate,
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
