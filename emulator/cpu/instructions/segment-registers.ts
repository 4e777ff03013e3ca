/**
 * MOV, PUSH and POP of segment registers, and LDS, LES, LSS, LFS, LGS (SDM vol. 2). The checks are in
 * segmentation.ts.
 */
import type { Instruction } from '../decode/instruction.ts';
import * as L from '../layout.ts';
import type { SegmentIndex } from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { loadSegment } from '../segmentation.ts';
import { ESP, StackReader, stackMask } from '../stack-frame.ts';
import { memoryOperand, nextOffset, readWord, segmentNumber, writeWord } from './operand-access.ts';

/** The segment register that an operand names; #UD for none and, as a destination, for CS. */
function destinationSegment(
  cpu: Processor,
  operand: Instruction['operands'][number],
): SegmentIndex {
  const index = segmentNumber(operand);
  return index === -1 || index === L.SEGMENT.CS ? cpu.fault(VECTOR.UD) : index;
}

/** MOV between a segment register and a word; a 32-bit register is zero-extended. */
function moveSegment(cpu: Processor, instruction: Instruction): void {
  const [destination, source] = instruction.operands;
  const from = segmentNumber(source);
  if (from !== -1) {
    writeWord(cpu, instruction, destination, cpu.state.selector(from));
    return;
  }
  const index = destinationSegment(cpu, destination);
  loadSegment(cpu, index, readWord(cpu, source));
  if (index === L.SEGMENT.SS) cpu.inhibitInterrupts(true);
}

/** With operand size 32 the upper half of the pushed dword keeps what memory held. */
function pushSegment(cpu: Processor, { operands, operandSize }: Instruction): void {
  const { state } = cpu;
  const index = segmentNumber(operands[0]);
  if (index === -1) cpu.fault(VECTOR.UD);
  const mask = stackMask(state.segment(L.SEGMENT.SS).rights);
  const old = state.gpr(ESP, 4);
  const offset = ((old - operandSize) & mask) >>> 0;
  cpu.checkSegment(L.SEGMENT.SS, offset, operandSize, true);
  cpu.writeSegment(L.SEGMENT.SS, offset, 2, state.selector(index));
  state.setGpr(ESP, 4, ((old & ~mask) | offset) >>> 0);
}

/**
 * Only the selector's two bytes are read, as processors do it with either operand size. ESP moves by the
 * old stack's rule even when SS is what is popped.
 */
function popSegment(cpu: Processor, { operands, operandSize }: Instruction): void {
  const index = destinationSegment(cpu, operands[0]);
  const reader = new StackReader(cpu);
  loadSegment(cpu, index, reader.popSelector(operandSize));
  cpu.state.setGpr(ESP, 4, reader.pointer);
  if (index === L.SEGMENT.SS) cpu.inhibitInterrupts(true);
}

/** LDS and its kin: offset to a register, selector to the segment register of the third operand. */
function loadFarPointer(cpu: Processor, { operands, operandSize }: Instruction): void {
  const [destination, source, segment] = operands;
  const operand = memoryOperand(cpu, source);
  const index = destinationSegment(cpu, segment);
  const at = cpu.effectiveAddress(operand);
  const offset = cpu.readSegment(operand.segment, at, operandSize);
  const selector = cpu.readSegment(operand.segment, nextOffset(operand, at, operandSize), 2);
  loadSegment(cpu, index, selector);
  cpu.writeOperand(destination, offset);
}

export const segmentRegisterInstructions = {
  'mov-sreg': moveSegment,
  'push-sreg': pushSegment,
  'pop-sreg': popSegment,
  'load-far-pointer': loadFarPointer,
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
