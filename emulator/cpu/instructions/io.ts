/**
 * IN, OUT, INS and OUTS (SDM vol. 2; vol. 1, chapter 19 "Input/Output"): permission by IOPL and the
 * I/O map of the TSS, then the offer to the hypervisor, then the port.
 *
 * A repeated INS or OUTS moves at most RUN elements (one while it is single-stepped or DR7 enables a breakpoint) and then
 * begins again at its own address, so that interrupts are seen; registers are exact after each
 * element. The offer is made once a run.
 */
import { type Port, port as portNumber } from '../../memory/address.ts';
import type { Instruction, MemoryOperand, Operand } from '../decode/instruction.ts';
import type { GuestEvent } from '../exit-hook.ts';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { FLAG } from '../state.ts';
import { memoryOperand } from './operand-access.ts';

const RUN = 4096;
const ECX = 1;
const EDX = 2;
const ESI = 6;
const EDI = 7;

type PortSize = 1 | 2 | 4;

/** #GP(0) unless IOPL or the I/O permission map of a 32-bit TSS allows every port of the access. */
function requirePermission(cpu: Processor, port: number, size: PortSize): void {
  const { state, memory } = cpu;
  if (!state.protectedMode || (!state.v86 && state.cpl <= state.iopl)) return;
  const tss = state.segment(L.SEGMENT.TR);
  const isTss32 = (tss.rights & 0x1d) === 9;
  if (!isTss32 || tss.limit < 0x67) cpu.fault(VECTOR.GP, 0);
  const map = memory.readSystem16((tss.base + 0x66) >>> 0);
  const offset = map + (port >> 3);
  // two bytes are always read: an access may straddle them
  if (offset + 1 > tss.limit) cpu.fault(VECTOR.GP, 0);
  const bits = memory.readSystem16((tss.base + offset) >>> 0) >> (port & 7);
  if ((bits & ((1 << size) - 1)) !== 0) cpu.fault(VECTOR.GP, 0);
}

/** Port number of DX or an immediate. */
function portOf(cpu: Processor, operand: Operand): { port: Port; immediate: boolean } {
  return operand.kind === 'immediate'
    ? { port: portNumber(operand.value & 0xff), immediate: true }
    : { port: portNumber(cpu.state.gpr(EDX, 2)), immediate: false };
}

/** Size of AL, AX or EAX. */
const sizeOf = (operand: Operand): PortSize =>
  operand.kind === 'register' ? (operand.size as PortSize) : 1;

/** The event of IN or OUT; every one of them has the same fields in the same order. */
function ioEvent(
  port: number,
  size: PortSize,
  direction: 'in' | 'out',
  immediate: boolean,
  value: number,
  addressSize: 2 | 4,
): GuestEvent {
  return {
    kind: 'io', port, size, direction, string: false, repeat: false, immediate, value, linear: 0, addressSize,
  }; // prettier-ignore
}

/** DR7 enables some breakpoint (L0 to G3). */
const hasBreakpoints = ({ state }: Processor): boolean => (state.dr(7) & 0xff) !== 0;

function readPort(cpu: Processor, port: Port, size: PortSize): number {
  if (hasBreakpoints(cpu)) cpu.portAccessed(port, size);
  return cpu.platform.readPort(port, size);
}
function writePort(cpu: Processor, port: Port, size: PortSize, value: number): void {
  if (hasBreakpoints(cpu)) cpu.portAccessed(port, size);
  cpu.platform.writePort(port, size, value);
}

function input(cpu: Processor, { operands, length, addressSize }: Instruction): void {
  const size = sizeOf(operands[0]);
  const { port, immediate } = portOf(cpu, operands[1]);
  requirePermission(cpu, port, size);
  if (cpu.leaves(ioEvent(port, size, 'in', immediate, 0, addressSize), length)) return;
  cpu.state.setGpr(0, size, readPort(cpu, port, size));
}

function output(cpu: Processor, { operands, length, addressSize }: Instruction): void {
  const size = sizeOf(operands[1]);
  const { port, immediate } = portOf(cpu, operands[0]);
  requirePermission(cpu, port, size);
  const value = cpu.state.gpr(0, size);
  if (cpu.leaves(ioEvent(port, size, 'out', immediate, value, addressSize), length)) return;
  writePort(cpu, port, size, value);
}

/** One element at segment:offset, from or to the port. */
type MoveElement = (
  cpu: Processor,
  operand: MemoryOperand,
  offset: number,
  port: Port,
  size: PortSize,
) => void;

const inputElement: MoveElement = (cpu, { segment }, offset, port, size) => {
  // reading a port has effects: the store must be known to succeed
  const linear = cpu.checkSegment(segment, offset, size, true);
  cpu.memory.probeWrite(linear, size);
  cpu.writeSegment(segment, offset, size, readPort(cpu, port, size));
};

const outputElement: MoveElement = (cpu, { segment }, offset, port, size) => {
  writePort(cpu, port, size, cpu.readSegment(segment, offset, size));
};

/** INS and OUTS with `pointer` EDI or ESI. */
const stringMove =
  (direction: 'in' | 'out', pointer: number, move: MoveElement): TypescriptInstruction =>
  (cpu, instruction) => {
    const { operands, addressSize, length } = instruction;
    const { state } = cpu;
    const operand = memoryOperand(cpu, operands[direction === 'in' ? 0 : 1]);
    const size = operand.size as PortSize;
    const repeat = instruction.repeat !== 0;
    const port = portNumber(state.gpr(EDX, 2));
    // processors ask for permission even when there is nothing to move
    requirePermission(cpu, port, size);
    if (repeat && state.gpr(ECX, addressSize) === 0) return;
    const base = state.segmentBase(operand.segment);
    const linear = (base + state.gpr(pointer, addressSize)) >>> 0;
    const { segment } = operand;
    const event = {
      kind: 'io', port, size, direction, string: true, repeat, immediate: false, value: 0, linear,
      addressSize, segment,
    } as const; // prettier-ignore
    if (cpu.leaves(event, length)) return;

    const step = (state.systemFlags & FLAG.DF) !== 0 ? -size : size;
    const run = (state.systemFlags & FLAG.TF) !== 0 || hasBreakpoints(cpu) ? 1 : RUN;
    for (let i = 0; i < run; i++) {
      const offset = state.gpr(pointer, addressSize);
      move(cpu, operand, offset, port, size);
      state.setGpr(pointer, addressSize, offset + step);
      if (!repeat) return;
      const left = state.gpr(ECX, addressSize) - 1;
      state.setGpr(ECX, addressSize, left);
      if (left === 0) return;
    }
    cpu.nextEip = instruction.eip;
    // the rest of it resumes behind its own breakpoint (SDM vol. 3, 17.3.1.1)
    state.systemFlags |= FLAG.RF;
  };

export const ioInstructions = {
  in: input,
  out: output,
  ins: stringMove('in', EDI, inputElement),
  outs: stringMove('out', ESI, outputElement),
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
