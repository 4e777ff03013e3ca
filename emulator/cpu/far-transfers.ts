/**
 * Far JMP, CALL and RET, SYSENTER and SYSEXIT (SDM vol. 2, the instructions' pages; vol. 3, 5.8
 * "Privilege level checking when transferring program control"). A target is a code segment, a call
 * gate, a task gate or a TSS; the last two go to tasks.ts. IRET is in interrupt-return.ts.
 *
 * Order everywhere: checks, then pushes or pops, then the commit of CS, SS, ESP and CPL at once.
 */
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import type { Processor } from './processor.ts';
import {
  SYSTEM_TYPE,
  accessedSegment,
  clearInaccessibleSegments,
  dplOf,
  fetchDescriptor,
  isCode,
  isConforming,
  isNull,
  isPresent,
  isSystem,
  isWritableData,
  realSegment,
  selectorError,
  typeOf,
  v86Segment,
} from './segmentation.ts';
import type { Descriptor } from './segmentation.ts';
import { ESP, StackFrame, StackReader, innerStack, stackMask } from './stack-frame.ts';
import { FLAG } from './state.ts';
import type { Segment } from './state.ts';
import { switchTask, switchTaskByGate } from './tasks.ts';

/** Real-address or virtual-8086 mode: selectors are paragraph numbers. */
const paragraphs = (cpu: Processor): boolean => !cpu.state.protectedMode || cpu.state.v86;

/** CS after a far transfer in real-address or virtual-8086 mode. */
const paragraph = (cpu: Processor, selector: number): Segment =>
  cpu.state.v86 ? v86Segment(selector) : realSegment(cpu, L.SEGMENT.CS, selector);

function withinLimit(cpu: Processor, segment: Segment, offset: number): Segment {
  if (offset > segment.limit) cpu.fault(VECTOR.GP, 0);
  return segment;
}

/** CS in real-address or virtual-8086 mode; #GP(0) if `offset` is outside. */
export const paragraphCode = (cpu: Processor, selector: number, offset: number): Segment =>
  withinLimit(cpu, paragraph(cpu, selector), offset);

/** Commits CS:EIP at the present level. */
function jumpTo(cpu: Processor, segment: Segment, offset: number): void {
  cpu.state.setSegment(L.SEGMENT.CS, segment);
  cpu.nextEip = offset;
  cpu.modeChanged();
}

/** The descriptor of a far transfer's operand; #GP(0) for null, #GP(selector) outside its table. */
function targetDescriptor(cpu: Processor, selector: number): Descriptor {
  if (isNull(selector)) cpu.fault(VECTOR.GP, 0);
  return fetchDescriptor(cpu, selector) ?? cpu.fault(VECTOR.GP, selectorError(selector));
}

/**
 * Checks of a code segment that JMP or CALL name directly, except its limit; it runs at the present
 * level.
 */
function directCode(cpu: Processor, selector: number, descriptor: Descriptor): Segment {
  const { rights } = descriptor;
  const cpl = cpu.state.cpl;
  const error = selectorError(selector);
  const dpl = dplOf(rights);
  const allowed = isConforming(rights) ? dpl <= cpl : dpl === cpl && (selector & 3) <= cpl;
  if (!allowed) cpu.fault(VECTOR.GP, error);
  if (!isPresent(rights)) cpu.fault(VECTOR.NP, error);
  return accessedSegment(cpu, (selector & 0xfffc) | cpl, descriptor);
}

/** What a call gate says, after its own checks. */
interface CallGate {
  readonly size: 2 | 4;
  readonly selector: number;
  readonly offset: number;
  readonly parameters: number;
  /** Descriptor of the target code segment. */
  readonly target: Descriptor;
}

/** Privilege and presence of a gate or TSS named by JMP or CALL; the error names `selector`. */
function requireReachable(cpu: Processor, selector: number, { rights }: Descriptor): void {
  const dpl = dplOf(rights);
  if (dpl < cpu.state.cpl || dpl < (selector & 3)) cpu.fault(VECTOR.GP, selectorError(selector));
}

function readCallGate(cpu: Processor, gateSelector: number, gate: Descriptor): CallGate {
  requireReachable(cpu, gateSelector, gate);
  if (!isPresent(gate.rights)) cpu.fault(VECTOR.NP, selectorError(gateSelector));
  const selector = gate.low >>> 16;
  const target = targetDescriptor(cpu, selector);
  if (!isCode(target.rights) || dplOf(target.rights) > cpu.state.cpl) {
    cpu.fault(VECTOR.GP, selectorError(selector));
  }
  const wide = typeOf(gate.rights) === SYSTEM_TYPE.CALL_GATE32;
  const high = wide ? gate.high & 0xffff0000 : 0;
  return {
    size: wide ? 4 : 2,
    selector,
    offset: ((gate.low & 0xffff) | high) >>> 0,
    parameters: gate.high & 0x1f,
    target,
  };
}

/** A TSS or task gate as target of JMP or CALL. */
function transferToTask(
  cpu: Processor,
  selector: number,
  descriptor: Descriptor,
  source: 'jmp' | 'call',
): void {
  const error = selectorError(selector);
  const type = typeOf(descriptor.rights);
  const from = { source, returnEip: cpu.nextEip, ext: 0 } as const;
  requireReachable(cpu, selector, descriptor);
  if (type === SYSTEM_TYPE.TASK_GATE) {
    if (!isPresent(descriptor.rights)) cpu.fault(VECTOR.NP, error);
    switchTaskByGate(cpu, descriptor.low >>> 16, from);
    return;
  }
  if (type !== SYSTEM_TYPE.TSS16 && type !== SYSTEM_TYPE.TSS32) cpu.fault(VECTOR.GP, error);
  if (!isPresent(descriptor.rights)) cpu.fault(VECTOR.NP, error);
  switchTask(cpu, selector, descriptor, from);
}

const isCallGate = (rights: number): boolean =>
  isSystem(rights) && (typeOf(rights) & 7) === SYSTEM_TYPE.CALL_GATE16;

/** JMP ptr16:16, ptr16:32, m16:16, m16:32. `offset` is already truncated to the operand size. */
export function farJump(cpu: Processor, selector: number, offset: number): void {
  if (paragraphs(cpu)) {
    jumpTo(cpu, paragraphCode(cpu, selector, offset), offset);
    return;
  }
  const descriptor = targetDescriptor(cpu, selector);
  const { rights } = descriptor;
  if (isCode(rights)) {
    const code = directCode(cpu, selector, descriptor);
    jumpTo(cpu, withinLimit(cpu, code, offset), offset);
  } else if (!isSystem(rights)) {
    cpu.fault(VECTOR.GP, selectorError(selector));
  } else if (isCallGate(rights)) {
    const gate = readCallGate(cpu, selector, descriptor);
    const level = dplOf(gate.target.rights);
    if (!isConforming(gate.target.rights) && level !== cpu.state.cpl) {
      cpu.fault(VECTOR.GP, selectorError(gate.selector));
    }
    const code = gateCode(cpu, gate, cpu.state.cpl);
    jumpTo(cpu, withinLimit(cpu, code, gate.offset), gate.offset);
  } else {
    transferToTask(cpu, selector, descriptor, 'jmp');
  }
}

/** The code segment behind a call gate as it will be loaded at `level`. */
function gateCode(cpu: Processor, gate: CallGate, level: number): Segment {
  const error = selectorError(gate.selector);
  if (!isPresent(gate.target.rights)) cpu.fault(VECTOR.NP, error);
  return accessedSegment(cpu, (gate.selector & 0xfffc) | level, gate.target);
}

/** CALL ptr16:16, ptr16:32, m16:16, m16:32. `offset` is already truncated to `size`. */
export function farCall(cpu: Processor, selector: number, offset: number, size: 2 | 4): void {
  if (paragraphs(cpu)) {
    callSame(cpu, size, paragraph(cpu, selector), offset);
    return;
  }
  const descriptor = targetDescriptor(cpu, selector);
  const { rights } = descriptor;
  if (isCode(rights)) {
    callSame(cpu, size, directCode(cpu, selector, descriptor), offset);
  } else if (!isSystem(rights)) {
    cpu.fault(VECTOR.GP, selectorError(selector));
  } else if (isCallGate(rights)) {
    callThroughGate(cpu, readCallGate(cpu, selector, descriptor));
  } else {
    transferToTask(cpu, selector, descriptor, 'call');
  }
}

/** Pushes the return address on the present stack; the limit of the target is checked after its. */
function callSame(cpu: Processor, size: 2 | 4, code: Segment, offset: number): void {
  const frame = StackFrame.current(cpu, 0);
  frame.requireRoom(size, 2);
  withinLimit(cpu, code, offset);
  frame.push(size, cpu.state.selector(L.SEGMENT.CS));
  frame.push(size, cpu.nextEip);
  cpu.state.setGpr(ESP, 4, frame.pointer);
  jumpTo(cpu, code, offset);
}

function callThroughGate(cpu: Processor, gate: CallGate): void {
  const { state } = cpu;
  const level = dplOf(gate.target.rights);
  if (isConforming(gate.target.rights) || level === state.cpl) {
    callSame(cpu, gate.size, gateCode(cpu, gate, state.cpl), gate.offset);
    return;
  }
  const code = gateCode(cpu, gate, level);
  const frame = innerStack(cpu, level, 0);
  frame.requireRoom(gate.size, 4 + gate.parameters);
  withinLimit(cpu, code, gate.offset);
  const parameters = readParameters(cpu, gate);
  frame.push(gate.size, state.selector(L.SEGMENT.SS));
  frame.push(gate.size, state.gpr(ESP, 4));
  for (const value of parameters) frame.push(gate.size, value);
  frame.push(gate.size, state.selector(L.SEGMENT.CS));
  frame.push(gate.size, cpu.nextEip);

  state.set(L.CPL, level);
  state.setSegment(L.SEGMENT.SS, frame.segment);
  state.setGpr(ESP, 4, frame.pointer);
  jumpTo(cpu, code, gate.offset);
}

/** Parameters on the caller's stack, the one pushed first first. */
function readParameters(cpu: Processor, gate: CallGate): number[] {
  const reader = new StackReader(cpu);
  const values: number[] = [];
  for (let i = 0; i < gate.parameters; i++) values.push(reader.pop(gate.size));
  return values.reverse();
}

/** Checks of the CS that RET and IRET pop, at `level` = its RPL (SDM vol. 2, "RET"). */
export function returnCode(cpu: Processor, selector: number): Descriptor {
  const descriptor = targetDescriptor(cpu, selector);
  const { rights } = descriptor;
  const level = selector & 3;
  const dpl = dplOf(rights);
  const error = selectorError(selector);
  if (!isCode(rights) || level < cpu.state.cpl) cpu.fault(VECTOR.GP, error);
  if (isConforming(rights) ? dpl > level : dpl !== level) cpu.fault(VECTOR.GP, error);
  if (!isPresent(rights)) cpu.fault(VECTOR.NP, error);
  return descriptor;
}

/** Checks of the SS that a return to the outer `level` pops. */
function returnStack(cpu: Processor, selector: number, level: number): Segment {
  const descriptor = targetDescriptor(cpu, selector);
  const { rights } = descriptor;
  const error = selectorError(selector);
  if ((selector & 3) !== level || !isWritableData(rights) || dplOf(rights) !== level) {
    cpu.fault(VECTOR.GP, error);
  }
  if (!isPresent(rights)) cpu.fault(VECTOR.SS, error);
  return accessedSegment(cpu, selector, descriptor);
}

/** A return to CS:`offset` as RET and IRET make it; `reader` has popped all up to the outer ESP. */
export interface FarReturn {
  readonly selector: number;
  readonly offset: number;
  readonly size: 2 | 4;
  readonly reader: StackReader;
  /** Bytes of parameters to remove from both stacks, 0 for IRET. */
  readonly release: number;
}

/**
 * Finishes RET and IRET in protected mode. `commitFlags` runs after the last check, while CPL is still
 * the old one.
 */
export function returnTo(cpu: Processor, to: FarReturn, commitFlags: () => void): void {
  const { selector, offset, size, reader, release } = to;
  const { state } = cpu;
  const descriptor = returnCode(cpu, selector);
  const level = selector & 3;
  reader.skip(release);
  if (level === state.cpl) {
    const code = withinLimit(cpu, accessedSegment(cpu, selector, descriptor), offset);
    commitFlags();
    state.setGpr(ESP, 4, reader.pointer);
    jumpTo(cpu, code, offset);
    return;
  }
  const newPointer = reader.pop(size);
  const stack = returnStack(cpu, reader.pop(size) & 0xffff, level);
  const code = withinLimit(cpu, accessedSegment(cpu, selector, descriptor), offset);
  commitFlags();
  state.set(L.CPL, level);
  state.setSegment(L.SEGMENT.SS, stack);
  // with a 16-bit stack only SP is loaded: the upper half of ESP stays the inner level's
  const mask = stackMask(stack.rights);
  const released = newPointer + release;
  state.setGpr(ESP, 4, ((state.gpr(ESP, 4) & ~mask) | (released & mask)) >>> 0);
  clearInaccessibleSegments(cpu);
  jumpTo(cpu, code, offset);
}

/** RETF and RETF imm16; `release` is the immediate in bytes. */
export function farReturn(cpu: Processor, size: 2 | 4, release: number): void {
  const reader = new StackReader(cpu);
  // processors read CS first
  const { pointer } = reader;
  reader.skip(size);
  const selector = reader.popSelector(size);
  const above = reader.pointer;
  reader.pointer = pointer;
  const offset = reader.pop(size);
  reader.pointer = above;
  if (paragraphs(cpu)) {
    const segment = paragraphCode(cpu, selector, offset);
    reader.skip(release);
    cpu.state.setGpr(ESP, 4, reader.pointer);
    jumpTo(cpu, segment, offset);
    return;
  }
  returnTo(cpu, { selector, offset, size, reader, release }, () => undefined);
}

/** A flat 4 GiB segment as SYSENTER and SYSEXIT make it, without looking at any table. */
function flatSegment(selector: number, rights: number): Segment {
  return { selector, rights, base: 0, limit: 0xffffffff };
}
const FLAT_CODE = 0xc09b;
const FLAT_DATA = 0xc093;
const DPL3 = 0x60;

/** SYSENTER (SDM vol. 2). */
export function systemEnter(cpu: Processor): void {
  const { state } = cpu;
  const selector = state.get(L.SYSENTER_CS) & 0xfffc;
  if (!state.protectedMode || selector === 0) cpu.fault(VECTOR.GP, 0);
  state.systemFlags &= ~(FLAG.VM | FLAG.IF);
  state.set(L.CPL, 0);
  state.setSegment(L.SEGMENT.SS, flatSegment(selector + 8, FLAT_DATA));
  state.setGpr(ESP, 4, state.get(L.SYSENTER_ESP));
  jumpTo(cpu, flatSegment(selector, FLAT_CODE), state.get(L.SYSENTER_EIP));
}

/** SYSEXIT (SDM vol. 2): to EDX, with the stack in ECX. */
export function systemExit(cpu: Processor): void {
  const { state } = cpu;
  const selector = state.get(L.SYSENTER_CS) & 0xfffc;
  if (!state.protectedMode || state.cpl !== 0 || selector === 0) cpu.fault(VECTOR.GP, 0);
  state.set(L.CPL, 3);
  state.setSegment(L.SEGMENT.SS, flatSegment((selector + 24) | 3, FLAT_DATA | DPL3));
  state.setGpr(ESP, 4, state.gpr(1, 4));
  jumpTo(cpu, flatSegment((selector + 16) | 3, FLAT_CODE | DPL3), state.gpr(2, 4));
}
