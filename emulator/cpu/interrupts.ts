/**
 * From an interrupt or exception to the first instruction of its handler (SDM vol. 2, "INT n"; vol. 3,
 * 6.12 and 20.3): the interrupt vector table of real-address mode; interrupt, trap and task gates of
 * protected mode, from virtual-8086 mode too; redirection to the 8086 program's own table (VME).
 *
 * This is the mechanism; which events combine to a double fault is in exceptions.ts. Frames, pushed
 * downwards with the size of the gate:
 *   same level   EFLAGS CS EIP [error]
 *   inner level  SS ESP EFLAGS CS EIP [error]
 *   from V86     GS FS DS ES SS ESP EFLAGS CS EIP [error]
 */
import { paragraphCode } from './far-transfers.ts';
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import type { Processor } from './processor.ts';
import {
  SYSTEM_TYPE,
  accessedSegment,
  decodeDescriptor,
  dplOf,
  fetchDescriptor,
  isCode,
  isConforming,
  isNull,
  isPresent,
  nullSegment,
  selectorError,
} from './segmentation.ts';
import type { Descriptor } from './segmentation.ts';
import { ESP, StackFrame, innerStack } from './stack-frame.ts';
import { CR4, FLAG } from './state.ts';
import type { Segment } from './state.ts';
import { switchTaskByGate } from './tasks.ts';

/** An event on its way to its handler. */
export interface Delivery {
  readonly vector: number;
  /** Pushed in protected mode, unless null. */
  readonly errorCode: number | null;
  /** EXT bit of the error codes of faults on the way. */
  readonly ext: 0 | 1;
  /** INT n, INT3, INTO: the gate's DPL must not be below CPL. */
  readonly checkDpl: boolean;
  readonly returnEip: number;
  /** EFLAGS as they are pushed. */
  readonly flags: number;
}

/** Enters the handler, or throws a GuestFault with nothing committed but what a task switch has. */
export function enterHandler(cpu: Processor, delivery: Delivery): void {
  // the handler's own MMX instructions have not waited
  cpu.state.set(L.ERROR_AWAITED, 0);
  if (!cpu.state.protectedMode) {
    const table = { base: cpu.state.get(L.IDTR), limit: cpu.state.get(L.IDTR + 8) };
    if (delivery.vector * 4 + 3 > table.limit) cpu.fault(VECTOR.GP, 0);
    enterVectorTable(cpu, table.base, delivery, FLAG.IF | FLAG.TF | FLAG.AC | FLAG.RF);
    return;
  }
  enterThroughGate(cpu, delivery);
}

/** The 8086's way: IP and CS from a table of four-byte entries, a frame of three words. */
function enterVectorTable(
  cpu: Processor,
  base: number,
  delivery: Delivery,
  clearedFlags: number,
): void {
  const { state, memory } = cpu;
  const frame = StackFrame.current(cpu, 0);
  frame.requireRoom(2, 3);
  const entry = (base + delivery.vector * 4) >>> 0;
  const offset = memory.readSystem16(entry);
  const code = paragraphCode(cpu, memory.readSystem16((entry + 2) >>> 0), offset);
  frame.push(2, delivery.flags);
  frame.push(2, state.selector(L.SEGMENT.CS));
  frame.push(2, delivery.returnEip);
  state.setGpr(ESP, 4, frame.pointer);
  state.systemFlags &= ~clearedFlags;
  enterCode(cpu, code, offset);
}

function enterCode(cpu: Processor, code: Segment, offset: number): void {
  cpu.state.setSegment(L.SEGMENT.CS, code);
  cpu.state.eip = offset;
  cpu.modeChanged();
}

/**
 * INT n in virtual-8086 mode as far as it does not go through a gate (SDM vol. 3, table 20-2): true if
 * the program's own handler was entered; #GP(0) to the monitor when IOPL forbids.
 */
export function redirectV86Interrupt(cpu: Processor, vector: number): boolean {
  const { state } = cpu;
  const privileged = state.iopl === 3;
  if ((state.cr(4) & CR4.VME) !== 0 && !redirectionBit(cpu, vector)) {
    let flags = state.eflags;
    if (!privileged) {
      flags |= FLAG.IOPL;
      flags = (flags & FLAG.VIF) !== 0 ? flags | FLAG.IF : flags & ~FLAG.IF;
    }
    const delivery = { vector, errorCode: null, ext: 0, checkDpl: false, returnEip: cpu.nextEip, flags } as const; // prettier-ignore
    enterVectorTable(cpu, 0, delivery, FLAG.TF | FLAG.RF | (privileged ? FLAG.IF : FLAG.VIF));
    return true;
  }
  if (!privileged) cpu.fault(VECTOR.GP, 0);
  return false;
}

/** Bit of the software interrupt redirection map, the 32 bytes below the I/O permission map. */
function redirectionBit(cpu: Processor, vector: number): boolean {
  const { state, memory } = cpu;
  const tss = state.segment(L.SEGMENT.TR);
  if (tss.limit < 0x67) cpu.fault(VECTOR.GP, 0);
  const map = memory.readSystem16((tss.base + 0x66) >>> 0);
  const offset = map - 32 + (vector >> 3);
  if (offset < 0 || offset > tss.limit) cpu.fault(VECTOR.GP, 0);
  return (memory.readSystem8((tss.base + offset) >>> 0) & (1 << (vector & 7))) !== 0;
}

/** Reads and checks the gate, then goes by its kind. */
function enterThroughGate(cpu: Processor, delivery: Delivery): void {
  const { state, memory } = cpu;
  const { vector, ext } = delivery;
  // error codes with the IDT bit (6.13)
  const error = (vector << 3) | 2 | ext;
  if (vector * 8 + 7 > state.get(L.IDTR + 8)) cpu.fault(VECTOR.GP, error);
  const at = (state.get(L.IDTR) + vector * 8) >>> 0;
  const low = memory.readSystem32(at);
  const gate = decodeDescriptor(at, low, memory.readSystem32((at + 4) >>> 0));
  // the S bit counts as part of the type
  const type = gate.rights & 0x1f;
  const interruptOrTrap = (type & 0x16) === SYSTEM_TYPE.INTERRUPT_GATE16;
  if (!interruptOrTrap && type !== SYSTEM_TYPE.TASK_GATE) cpu.fault(VECTOR.GP, error);
  if (delivery.checkDpl && dplOf(gate.rights) < state.cpl) cpu.fault(VECTOR.GP, error);
  if (!isPresent(gate.rights)) cpu.fault(VECTOR.NP, error);

  if (type === SYSTEM_TYPE.TASK_GATE) {
    const { returnEip, flags, errorCode } = delivery;
    const transfer = { source: 'gate', returnEip, ext, flags, errorCode } as const;
    switchTaskByGate(cpu, gate.low >>> 16, transfer);
    return;
  }
  enterGateCode(cpu, delivery, gate);
}

/** An interrupt or trap gate: checks the code segment and chooses the frame by the levels. */
function enterGateCode(cpu: Processor, delivery: Delivery, gate: Descriptor): void {
  const { state } = cpu;
  const { ext } = delivery;
  const selector = gate.low >>> 16;
  const error = selectorError(selector, ext);
  if (isNull(selector)) cpu.fault(VECTOR.GP, ext);
  const target = fetchDescriptor(cpu, selector) ?? cpu.fault(VECTOR.GP, error);
  const { rights } = target;
  const level = isConforming(rights) ? state.cpl : dplOf(rights);
  if (!isCode(rights) || dplOf(rights) > state.cpl) cpu.fault(VECTOR.GP, error);
  if (!isPresent(rights)) cpu.fault(VECTOR.NP, error);
  if (state.v86 && level !== 0) cpu.fault(VECTOR.GP, error);
  const wide = (gate.rights & 8) !== 0;
  const offset = ((gate.low & 0xffff) | (wide ? gate.high & 0xffff0000 : 0)) >>> 0;

  const inner = level !== state.cpl;
  const frame = inner ? innerStack(cpu, level, ext) : StackFrame.current(cpu, ext);
  const code = accessedSegment(cpu, (selector & 0xfffc) | level, target);
  const size = wide ? 4 : 2;
  pushFrame(cpu, delivery, frame, size, inner, () => {
    if (offset > code.limit) cpu.fault(VECTOR.GP, ext);
  });

  const interruptGate = (gate.rights & 1) === 0;
  if (inner) {
    if (state.v86) clearDataSegments(cpu);
    state.set(L.CPL, level);
    state.setSegment(L.SEGMENT.SS, frame.segment);
  }
  state.setGpr(ESP, 4, frame.pointer);
  const cleared = FLAG.TF | FLAG.NT | FLAG.RF | FLAG.VM | (interruptGate ? FLAG.IF : 0);
  state.systemFlags &= ~cleared;
  enterCode(cpu, code, offset);
}

/** `check` runs between the limit check of the frame and the first push. */
function pushFrame(
  cpu: Processor,
  delivery: Delivery,
  frame: StackFrame,
  size: 2 | 4,
  inner: boolean,
  check: () => void,
): void {
  const { state } = cpu;
  const { errorCode, flags, returnEip } = delivery;
  const { CS, SS, DS, ES, FS, GS } = L.SEGMENT;
  const values: number[] = [];
  if (inner && state.v86) for (const index of [GS, FS, DS, ES]) values.push(state.selector(index));
  if (inner) values.push(state.selector(SS), state.gpr(ESP, 4));
  values.push(flags, state.selector(CS), returnEip);
  if (errorCode !== null) values.push(errorCode);
  frame.requireRoom(size, values.length);
  check();
  for (const value of values) frame.push(size, value);
}

/** Leaving virtual-8086 mode: the data segment registers become null. */
function clearDataSegments({ state }: Processor): void {
  for (const index of [L.SEGMENT.GS, L.SEGMENT.FS, L.SEGMENT.DS, L.SEGMENT.ES]) {
    state.setSegment(index, nullSegment(0));
  }
}
