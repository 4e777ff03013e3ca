/**
 * Where the instruction at CS:EIP leads when it is no plain one: the function that CALL calls, directly or
 * through a register or memory as they are now, the handler of INT n, the entry of SYSENTER, the place
 * that a return goes back to, the target of an indirect jump. Read without a trace in the guest; what
 * cannot be read, or would fault, has no target.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { Instruction, MemoryOperand } from '../cpu/decode/instruction.ts';
import * as L from '../cpu/layout.ts';
import { VECTOR } from '../cpu/processor.ts';
import { RIGHTS, type Segment } from '../cpu/state.ts';
import { decodeDescriptor, segmentOf } from '../cpu/segmentation.ts';
import type { MachinePosition } from '../debug-port.ts';
import { placeOf } from '../guest-place.ts';
import { CodeView } from './code-view.ts';
import { modeOf } from './current-frame.ts';
import { readValue } from './memory.ts';
import { StackView } from './stack-view.ts';

export interface StepTarget {
  readonly kind: 'call' | 'jump' | 'interrupt' | 'return' | 'system call';
  /** CS base + offset. */
  readonly linearEip: number;
}

/** CS:EIP of a transfer. */
interface FarPlace {
  readonly csBase: number;
  readonly eip: number;
}
type Finder = (cpu: Cpu, instruction: Instruction) => FarPlace | null;

interface TargetRow {
  readonly kind: StepTarget['kind'];
  readonly find: Finder;
}

// prettier-ignore
const TARGETS: ReadonlyMap<string, TargetRow> = new Map<string, TargetRow>([
  ['call',     { kind: 'call',        find: near }],
  ['jmp',      { kind: 'jump',        find: near }],
  ['call-far', { kind: 'call',        find: far }],
  ['jmp-far',  { kind: 'jump',        find: far }],
  ['int',      { kind: 'interrupt',   find: (cpu, { operands }) => gateTarget(cpu, operands[0]?.kind === 'immediate' ? operands[0].value & 0xff : 0) }],
  ['int3',     { kind: 'interrupt',   find: (cpu) => gateTarget(cpu, VECTOR.BP) }],
  ['into',     { kind: 'interrupt',   find: (cpu) => gateTarget(cpu, VECTOR.OF) }],
  ['int1',     { kind: 'interrupt',   find: (cpu) => gateTarget(cpu, VECTOR.DB) }],
  ['ret',      { kind: 'return',      find: (cpu, instruction) => popped(cpu, instruction, 1) }],
  ['ret-far',  { kind: 'return',      find: (cpu, instruction) => popped(cpu, instruction, 2) }],
  ['iret',     { kind: 'return',      find: (cpu, instruction) => popped(cpu, instruction, 2) }],
  ['sysenter', { kind: 'system call', find: ({ state }) => ({ csBase: 0, eip: state.get(L.SYSENTER_EIP) }) }],
]);

/** Null for an instruction that goes on behind itself, and where the target cannot be told. */
export function stepTarget(cpu: Cpu): StepTarget | null {
  const instruction = new CodeView(cpu).instructionAt(cpu.linearEip);
  const row = TARGETS.get(instruction?.row.meaning ?? '');
  if (instruction === null || row === undefined) return null;
  const place = row.find(cpu, instruction);
  if (place === null) return null;
  return { kind: row.kind, linearEip: (place.csBase + place.eip) >>> 0 };
}

/** Base of the code segment that a selector names, or null where its descriptor cannot be read. */
export function codeBase(cpu: Cpu, selector: number): number | null {
  return codeSegment(cpu, modeOf(cpu), selector)?.base ?? null;
}

/** The same for code that runs in a mode, with the mode in which the segment's code runs. */
export function codeSegment(
  cpu: Cpu,
  mode: MachinePosition['mode'],
  selector: number,
): { readonly base: number; readonly mode: MachinePosition['mode'] } | null {
  if (mode === 'real' || mode === 'v86') return { base: selector * 16, mode };
  const segment = segmentAt(cpu, selector);
  if (segment === null) return null;
  return {
    base: segment.base,
    mode: (segment.rights & RIGHTS.DB) === 0 ? 'protected16' : 'protected32',
  };
}

/** The segment of protected mode that a selector names, or null where its descriptor cannot be read. */
export function segmentAt(cpu: Cpu, selector: number): Segment | null {
  const { state } = cpu;
  const local = (selector & 4) !== 0;
  const table = local ? state.segmentBase(L.SEGMENT.LDTR) : state.get(L.GDTR);
  const at = (table + (selector & 0xfff8)) >>> 0;
  const low = readValue(cpu, 'linear', at, 4);
  const high = readValue(cpu, 'linear', (at + 4) >>> 0, 4);
  if (low === null || high === null) return null;
  return segmentOf(selector, decodeDescriptor(at, low, high));
}

function near(cpu: Cpu, { operands, operandSize }: Instruction): FarPlace | null {
  const [operand] = operands;
  const csBase = cpu.state.segmentBase(L.SEGMENT.CS);
  switch (operand.kind) {
    case 'relative':
      return { csBase, eip: operand.target };
    case 'register':
      return { csBase, eip: cpu.state.gpr(operand.number, operandSize) };
    case 'memory': {
      const eip = readValue(cpu, 'linear', linearOf(cpu, operand, 0), operandSize);
      return eip === null ? null : { csBase, eip };
    }
    default:
      return null;
  }
}

function far(cpu: Cpu, { operands, operandSize }: Instruction): FarPlace | null {
  const [operand] = operands;
  if (operand.kind === 'far') return farPlace(cpu, operand.selector, operand.offset);
  if (operand.kind !== 'memory') return null;
  const eip = readValue(cpu, 'linear', linearOf(cpu, operand, 0), operandSize);
  const selector = readValue(cpu, 'linear', linearOf(cpu, operand, operandSize), 2);
  return eip === null || selector === null ? null : farPlace(cpu, selector, eip);
}

/** @param bytes behind the operand's own address */
function linearOf(cpu: Cpu, operand: MemoryOperand, bytes: number): number {
  return (cpu.state.segmentBase(operand.segment) + cpu.effectiveAddress(operand) + bytes) >>> 0;
}

/** Null for a selector of a gate or a task, whose target is not the offset. */
function farPlace(cpu: Cpu, selector: number, eip: number): FarPlace | null {
  const csBase = codeBase(cpu, selector);
  return csBase === null ? null : { csBase, eip };
}

/** The first words on the stack: EIP, and CS behind it. */
function popped(cpu: Cpu, { operandSize }: Instruction, words: 1 | 2): FarPlace | null {
  const stack = new StackView(cpu);
  const { stackPointer } = placeOf(cpu);
  const eip = stack.read(stackPointer, operandSize);
  if (eip === null) return null;
  if (words === 1) return { csBase: cpu.state.segmentBase(L.SEGMENT.CS), eip };
  const selector = stack.read(stack.moved(stackPointer, operandSize), operandSize);
  return selector === null ? null : farPlace(cpu, selector & 0xffff, eip);
}

/** The handler of a vector: through the vector table of real-address mode, or a gate that is no task gate. */
export function gateTarget(cpu: Cpu, vector: number): FarPlace | null {
  const { state } = cpu;
  const table = state.get(L.IDTR);
  const word = (offset: number): number | null =>
    readValue(cpu, 'linear', (table + offset) >>> 0, 2);
  if (!state.protectedMode) {
    const [eip, selector] = [word(vector * 4), word(vector * 4 + 2)];
    return eip === null || selector === null ? null : { csBase: selector * 16, eip };
  }
  const at = vector * 8;
  const [low, selector, rights, high] = [word(at), word(at + 2), word(at + 4), word(at + 6)];
  if (low === null || selector === null || rights === null || high === null) return null;
  const isGate = (rights & 0x1600) === 0x0600 && (rights & 0x8000) !== 0;
  if (!isGate || at + 7 > state.get(L.IDTR + 8)) return null;
  return farPlace(cpu, selector, (rights & 0x0800) !== 0 ? high * 0x10000 + low : low);
}
