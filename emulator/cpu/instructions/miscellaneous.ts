/**
 * ENTER and CMPXCHG8B (SDM vol. 2): instructions of several memory accesses, which must all be known
 * to succeed before a register changes.
 */
import type { Instruction } from '../decode/instruction.ts';
import * as L from '../layout.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { ESP, StackFrame, stackMask } from '../stack-frame.ts';
import { FLAG } from '../state.ts';
import { memoryOperand, nextOffset } from './operand-access.ts';

const EAX = 0;
const ECX = 1;
const EDX = 2;
const EBX = 3;
const EBP = 5;

/** Unsigned value of an immediate operand. */
function immediate({ operands }: Instruction, index: number, mask: number): number {
  const operand = operands[index];
  return operand.kind === 'immediate' ? operand.value & mask : 0;
}

/** ENTER imm16, imm8: a frame of `size` bytes, with a display of the outer frames' pointers. */
function enter(cpu: Processor, instruction: Instruction): void {
  const { state } = cpu;
  const { operandSize } = instruction;
  const allocated = immediate(instruction, 0, 0xffff);
  const level = immediate(instruction, 1, 0x1f);
  const stack = state.segment(L.SEGMENT.SS);
  const mask = stackMask(stack.rights);
  const frame = StackFrame.current(cpu, 0);
  const push = (value: number): void => {
    frame.requireRoom(operandSize, 1);
    frame.push(operandSize, value);
  };

  push(state.gpr(EBP, operandSize));
  const framePointer = frame.pointer;
  for (let i = 1; i < level; i++) {
    const display = ((state.gpr(EBP, 4) - i * operandSize) & mask) >>> 0;
    push(cpu.readSegment(L.SEGMENT.SS, display, operandSize));
  }
  if (level > 0) push(framePointer);
  const top = ((frame.pointer & ~mask) | ((frame.pointer - allocated) & mask)) >>> 0;
  // the manual: faults as a write at the final stack pointer would
  const linear = cpu.checkSegment(L.SEGMENT.SS, (top & mask) >>> 0, operandSize, true);
  cpu.memory.probeWrite(linear, operandSize);
  state.setGpr(EBP, operandSize, framePointer);
  state.setGpr(ESP, 4, top);
}

/** The destination is written in either case, as the manual says, so it must be writable. */
function compareExchange8Bytes(cpu: Processor, { operands }: Instruction): void {
  const { state, memory } = cpu;
  const operand = memoryOperand(cpu, operands[0]);
  const offset = cpu.effectiveAddress(operand);
  const upper = nextOffset(operand, offset, 4);
  const lowLinear = cpu.checkSegment(operand.segment, offset, 4, true);
  const highLinear = cpu.checkSegment(operand.segment, upper, 4, true);
  memory.requireAligned(lowLinear, 8);
  memory.probeWrite(lowLinear, 4);
  memory.probeWrite(highLinear, 4);
  const low = memory.read32(lowLinear);
  const high = memory.read32(highLinear);
  const equal = low === state.gpr(EAX, 4) && high === state.gpr(EDX, 4);
  memory.write32(lowLinear, equal ? state.gpr(EBX, 4) : low);
  memory.write32(highLinear, equal ? state.gpr(ECX, 4) : high);
  if (!equal) {
    state.setGpr(EAX, 4, low);
    state.setGpr(EDX, 4, high);
  }
  const flags = state.eflags;
  state.arithmeticFlags = equal ? flags | FLAG.ZF : flags & ~FLAG.ZF;
}

export const miscellaneousInstructions = {
  enter,
  cmpxchg8b: compareExchange8Bytes,
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
