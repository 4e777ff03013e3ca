/**
 * Far control transfers and software interrupts (SDM vol. 2): JMP, CALL, RET far, IRET, INT n, INT3,
 * INTO, INT1, BOUND. How they get where they go is in far-transfers.ts, interrupts.ts, tasks.ts.
 */
import type { Instruction } from '../decode/instruction.ts';
import { deliverInterrupt } from '../exceptions.ts';
import { farCall, farJump, farReturn } from '../far-transfers.ts';
import { interruptReturn } from '../interrupt-return.ts';
import { redirectV86Interrupt } from '../interrupts.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { FLAG } from '../state.ts';
import { intercepted, memoryOperand, nextOffset } from './operand-access.ts';

/** Selector and offset of a direct (ptr16:16, ptr16:32) or indirect (m16:16, m16:32) target. */
function farPointer(
  cpu: Processor,
  { operands, operandSize }: Instruction,
): { selector: number; offset: number } {
  const [operand] = operands;
  if (operand.kind === 'far') return operand;
  const memory = memoryOperand(cpu, operand);
  const at = cpu.effectiveAddress(memory);
  const offset = cpu.readSegment(memory.segment, at, operandSize);
  const selector = cpu.readSegment(memory.segment, nextOffset(memory, at, operandSize), 2);
  return { selector, offset };
}

/** Value of an immediate operand as an unsigned number of its low bits; absent: 0. */
function immediate({ operands }: Instruction, mask: number): number {
  const operand = operands.find(({ kind }) => kind === 'immediate');
  return operand?.kind === 'immediate' ? operand.value & mask : 0;
}

/** Delivery ends at the first instruction of some handler, whatever happens on the way. */
function interrupt(
  cpu: Processor,
  vector: number,
  type: 'software' | 'software-exception' | 'privileged-software',
): void {
  deliverInterrupt(cpu, vector, type, cpu.nextEip);
  cpu.endTrace();
  cpu.nextEip = cpu.state.eip;
}

function softwareInterrupt(cpu: Processor, instruction: Instruction): void {
  const vector = immediate(instruction, 0xff);
  const { length } = instruction;
  if (intercepted(cpu, 'INT') && cpu.leaves({ kind: 'int', vector }, length)) return;
  cpu.watch({ kind: 'interrupt', vector, source: 'software' }, length);
  if (cpu.state.v86 && redirectV86Interrupt(cpu, vector)) {
    cpu.endTrace();
    cpu.nextEip = cpu.state.eip;
  } else {
    interrupt(cpu, vector, 'software');
  }
}

function interruptOnOverflow(cpu: Processor): void {
  if ((cpu.state.eflags & FLAG.OF) !== 0) interrupt(cpu, VECTOR.OF, 'software-exception');
}

/** #BR unless the signed register lies between the two signed bounds in memory. */
function bound(cpu: Processor, { operands, operandSize }: Instruction): void {
  const memory = memoryOperand(cpu, operands[1]);
  const signed = (value: number): number => (operandSize === 2 ? (value << 16) >> 16 : value | 0);
  const at = cpu.effectiveAddress(memory);
  const index = signed(cpu.readOperand(operands[0]));
  // processors read the upper bound only when the lower one is kept
  if (index < signed(cpu.readSegment(memory.segment, at, operandSize))) cpu.fault(VECTOR.BR);
  const upper = cpu.readSegment(memory.segment, nextOffset(memory, at, operandSize), operandSize);
  if (index > signed(upper)) cpu.fault(VECTOR.BR);
}

export const controlFarInstructions = {
  'jmp-far': (cpu, instruction) => {
    const { selector, offset } = farPointer(cpu, instruction);
    farJump(cpu, selector, offset);
  },
  'call-far': (cpu, instruction) => {
    const { selector, offset } = farPointer(cpu, instruction);
    farCall(cpu, selector, offset, instruction.operandSize);
  },
  'ret-far': (cpu, instruction) =>
    farReturn(cpu, instruction.operandSize, immediate(instruction, 0xffff)),
  iret: (cpu, { operandSize, length }) => {
    if (intercepted(cpu, 'IRET') && cpu.leaves({ kind: 'iret' }, length)) return;
    interruptReturn(cpu, operandSize);
  },
  int: softwareInterrupt,
  int3: (cpu) => interrupt(cpu, VECTOR.BP, 'software-exception'),
  into: interruptOnOverflow,
  int1: (cpu) => interrupt(cpu, VECTOR.DB, 'privileged-software'),
  bound,
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
