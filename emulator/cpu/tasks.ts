/**
 * The hardware task switch with 16-bit and 32-bit TSSs (SDM vol. 3, chapter 7).
 *
 * Everything that can fault without harm comes first: the new TSS is read, all that will be written is
 * probed. Then the old task is saved, the new one's registers are loaded, and only then the segment
 * selectors are looked up: faults from there on belong to the new task (7.3, table 7-1), with EIP at
 * its first instruction.
 */
import { loadDirectoryPointers, setCr0, setCr3 } from './control-registers.ts';
import * as L from './layout.ts';
import type { SegmentIndex } from './layout.ts';
import { VECTOR } from './processor.ts';
import type { Processor } from './processor.ts';
import {
  SYSTEM_TYPE,
  accessedSegment,
  dplOf,
  fetchDescriptor,
  isCode,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isSystem,
  isWritableData,
  nullSegment,
  segmentOf,
  selectorError,
  typeOf,
  v86Segment,
} from './segmentation.ts';
import type { Descriptor } from './segmentation.ts';
import { ESP, StackFrame } from './stack-frame.ts';
import { CR0, FLAG } from './state.ts';
import type { Segment } from './state.ts';

export interface TaskTransfer {
  readonly source: 'call' | 'iret' | 'jmp' | 'gate';
  /** EIP that the old task's TSS gets. */
  readonly returnEip: number;
  /** EXT bit of error codes: the switch delivers an event that the program did not ask for. */
  readonly ext: 0 | 1;
  /** EFLAGS that the old task's TSS gets, where not simply the present ones. */
  readonly flags?: number;
  /** Pushed on the new task's stack, unless null or absent. */
  readonly errorCode?: number | null;
}

/** Offsets of the dynamic fields (SDM vol. 3, figures 7-2 and 7-10). */
const TSS32 = { size: 4, eip: 0x20, eflags: 0x24, gpr: 0x28, segments: 0x48, segmentStep: 4, segmentCount: 6, ldt: 0x60, minimumLimit: 0x67 } as const; // prettier-ignore
const TSS16 = { size: 2, eip: 0x0e, eflags: 0x10, gpr: 0x12, segments: 0x22, segmentStep: 2, segmentCount: 4, ldt: 0x2a, minimumLimit: 0x2b } as const; // prettier-ignore
type TssLayout = typeof TSS32 | typeof TSS16;
const LINK = 0;
const TSS32_CR3 = 0x1c;
const TSS32_TRAP = 0x64;

const BUSY = 2;
/** DR6.BT: the new task's TSS has its T flag set. */
const DR6_BT = 1 << 15;
/** L0-L3 and LE of DR7, which a task switch clears. */
const DR7_LOCAL = 0x155;

const layoutOf = (rights: number): TssLayout => ((rights & 8) !== 0 ? TSS32 : TSS16);
const isTss = (rights: number, busy: boolean): boolean =>
  isSystem(rights) && (typeOf(rights) & 7) === (busy ? SYSTEM_TYPE.TSS16_BUSY : SYSTEM_TYPE.TSS16);

/** The dynamic part of a TSS. */
interface TaskImage {
  readonly eip: number;
  readonly eflags: number;
  readonly gpr: readonly number[];
  /** ES CS SS DS FS GS. */
  readonly selectors: readonly number[];
  readonly ldt: number;
  /** null for a 16-bit TSS, which has none. */
  readonly cr3: number | null;
  readonly trap: boolean;
}

/** JMP, CALL or an interrupt through a task gate whose own checks are done. */
export function switchTaskByGate(cpu: Processor, selector: number, transfer: TaskTransfer): void {
  const error = selectorError(selector, transfer.ext);
  const descriptor = (selector & 4) === 0 ? fetchDescriptor(cpu, selector) : null;
  if (descriptor === null || !isTss(descriptor.rights, false)) cpu.fault(VECTOR.GP, error);
  if (!isPresent(descriptor.rights)) cpu.fault(VECTOR.NP, error);
  switchTask(cpu, selector, descriptor, transfer);
}

/** IRET with NT set: back to the task that the current TSS links to. */
export function returnFromTask(cpu: Processor, returnEip: number): void {
  const { base } = cpu.state.segment(L.SEGMENT.TR);
  const selector = cpu.memory.readSystem16((base + LINK) >>> 0);
  const error = selectorError(selector);
  const descriptor = (selector & 4) === 0 ? fetchDescriptor(cpu, selector) : null;
  if (descriptor === null || !isTss(descriptor.rights, true)) cpu.fault(VECTOR.TS, error);
  if (!isPresent(descriptor.rights)) cpu.fault(VECTOR.NP, error);
  switchTask(cpu, selector, descriptor, { source: 'iret', returnEip, ext: 0 });
}

/**
 * Switches to the task of a TSS whose type, privilege and presence are already checked. On return
 * state.eip and cpu.nextEip are at its first instruction.
 */
export function switchTask(
  cpu: Processor,
  selector: number,
  descriptor: Descriptor,
  transfer: TaskTransfer,
): void {
  const { state } = cpu;
  const { source, returnEip, ext } = transfer;
  const layout = layoutOf(descriptor.rights);
  const target = segmentOf(selector, descriptor);
  if (target.limit < layout.minimumLimit) cpu.fault(VECTOR.TS, selectorError(selector, ext));
  const length = source === 'gate' ? (cpu.vectoring?.length ?? 0) : (returnEip - state.eip) >>> 0;
  const { errorCode = null, flags: saved = state.eflags } = transfer;
  cpu.offer({ kind: 'task-switch', selector, source, errorCode, flags: saved }, length);

  const image = readImage(cpu, target.base, layout);
  const nested = source === 'call' || source === 'gate';
  const old = state.segment(L.SEGMENT.TR);
  const oldLayout = layoutOf(old.rights);
  if (old.limit < oldLayout.minimumLimit) cpu.fault(VECTOR.TS, selectorError(old.selector, ext));
  probeSystemWrite(cpu, old.base + oldLayout.eip, oldLayout.ldt - oldLayout.eip);
  if (nested) probeSystemWrite(cpu, target.base + LINK, 2);
  const clearBusy = !nested && !isNull(old.selector);
  const oldDescriptor = clearBusy ? fetchDescriptor(cpu, old.selector) : null;
  if (oldDescriptor !== null) probeSystemWrite(cpu, oldDescriptor.address + 4, 4);
  probeSystemWrite(cpu, descriptor.address + 4, 4);
  if (image.cr3 !== null && !loadDirectoryPointers(cpu, image.cr3)) cpu.fault(VECTOR.GP, ext);

  let flags = transfer.flags ?? state.eflags;
  if (source === 'iret') flags &= ~FLAG.NT;
  saveTask(cpu, old.base, oldLayout, returnEip, flags);
  if (nested) cpu.memory.writeSystem16(target.base, old.selector);
  if (oldDescriptor !== null) setBusy(cpu, oldDescriptor, false);
  if (source !== 'iret') setBusy(cpu, descriptor, true);

  state.setSegment(L.SEGMENT.TR, { ...target, rights: target.rights | BUSY });
  loadRegisters(cpu, image, nested);
  loadSelectors(cpu, image, ext);
  if (transfer.errorCode !== undefined && transfer.errorCode !== null) {
    pushErrorCode(cpu, layout.size, transfer.errorCode, ext);
  }
  if (image.eip > state.segment(L.SEGMENT.CS).limit) cpu.fault(VECTOR.GP, ext);
  if (image.trap) cpu.fault(VECTOR.DB, null, DR6_BT);
}

/** Faults as writes to these bytes would; they keep their value. */
function probeSystemWrite(cpu: Processor, linear: number, length: number): void {
  const { memory } = cpu;
  for (const at of [linear >>> 0, (linear + length - 1) >>> 0]) {
    memory.writeSystem8(at, memory.readSystem8(at));
  }
}

function setBusy({ memory }: Processor, { address }: Descriptor, busy: boolean): void {
  const at = (address + 5) >>> 0;
  const access = memory.readSystem8(at);
  memory.writeSystem8(at, busy ? access | BUSY : access & ~BUSY);
}

function readImage({ memory }: Processor, base: number, layout: TssLayout): TaskImage {
  const word = (offset: number): number => memory.readSystem16((base + offset) >>> 0);
  const dword = (offset: number): number => memory.readSystem32((base + offset) >>> 0);
  const field = layout.size === 4 ? dword : word;
  // what a 16-bit TSS does not hold of a general register is undefined; ones, as on the 386
  const upper = layout.size === 4 ? 0 : 0xffff0000;
  const gpr: number[] = [];
  for (let i = 0; i < 8; i++) gpr.push((field(layout.gpr + i * layout.size) | upper) >>> 0);
  const selectors = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < layout.segmentCount; i++) {
    selectors[i] = word(layout.segments + i * layout.segmentStep);
  }
  return {
    eip: field(layout.eip),
    eflags: field(layout.eflags),
    gpr,
    selectors,
    ldt: word(layout.ldt),
    cr3: layout.size === 4 ? dword(TSS32_CR3) : null,
    trap: layout.size === 4 && (word(TSS32_TRAP) & 1) !== 0,
  };
}

function saveTask(
  cpu: Processor,
  base: number,
  layout: TssLayout,
  eip: number,
  eflags: number,
): void {
  const { memory, state } = cpu;
  const write = (offset: number, value: number): void => {
    if (layout.size === 4) memory.writeSystem32((base + offset) >>> 0, value >>> 0);
    else memory.writeSystem16((base + offset) >>> 0, value & 0xffff);
  };
  write(layout.eip, eip);
  write(layout.eflags, eflags);
  for (let i = 0; i < 8; i++) write(layout.gpr + i * layout.size, state.gpr(i, 4));
  for (let i = 0; i < layout.segmentCount; i++) {
    const at = (base + layout.segments + i * layout.segmentStep) >>> 0;
    memory.writeSystem16(at, state.selector(i as SegmentIndex));
  }
}

/** Everything of the new task except what its selectors refer to; the caches are empty after it. */
function loadRegisters(cpu: Processor, image: TaskImage, nested: boolean): void {
  const { state } = cpu;
  const eflags = nested ? image.eflags | FLAG.NT : image.eflags;
  state.eflags = eflags;
  state.eip = image.eip;
  cpu.nextEip = image.eip;
  image.gpr.forEach((value, number) => state.setGpr(number, 4, value));
  image.selectors.forEach((selector, index) =>
    state.setSegment(index as SegmentIndex, nullSegment(selector)),
  );
  state.setSegment(L.SEGMENT.LDTR, nullSegment(image.ldt));
  const v86 = (eflags & FLAG.VM) !== 0;
  state.set(L.CPL, v86 ? 3 : image.selectors[L.SEGMENT.CS] & 3);
  state.setDr(7, state.dr(7) & ~DR7_LOCAL);
  setCr0(cpu, state.cr(0) | CR0.TS);
  if (image.cr3 !== null && (state.cr(0) & CR0.PG) !== 0) setCr3(cpu, image.cr3);
  cpu.modeChanged();
}

function loadSelectors(cpu: Processor, image: TaskImage, ext: 0 | 1): void {
  const { state } = cpu;
  const load = (index: SegmentIndex, segment: Segment): void => {
    state.setSegment(index, segment);
    cpu.modeChanged();
  };
  load(L.SEGMENT.LDTR, taskLdt(cpu, image.ldt, ext));
  if (state.v86) {
    image.selectors.forEach((selector, index) => load(index as SegmentIndex, v86Segment(selector)));
    return;
  }
  load(L.SEGMENT.CS, taskCode(cpu, image.selectors[L.SEGMENT.CS], ext));
  load(L.SEGMENT.SS, taskStack(cpu, image.selectors[L.SEGMENT.SS], ext));
  for (const index of [L.SEGMENT.ES, L.SEGMENT.DS, L.SEGMENT.FS, L.SEGMENT.GS]) {
    load(index, taskData(cpu, image.selectors[index], ext));
  }
}

function taskLdt(cpu: Processor, selector: number, ext: 0 | 1): Segment {
  if (isNull(selector)) return nullSegment(selector);
  const error = selectorError(selector, ext);
  const descriptor = (selector & 4) === 0 ? fetchDescriptor(cpu, selector) : null;
  if (descriptor === null) cpu.fault(VECTOR.TS, error);
  const { rights } = descriptor;
  if (!isSystem(rights) || typeOf(rights) !== SYSTEM_TYPE.LDT || !isPresent(rights)) {
    cpu.fault(VECTOR.TS, error);
  }
  return segmentOf(selector, descriptor);
}

function taskCode(cpu: Processor, selector: number, ext: 0 | 1): Segment {
  const error = selectorError(selector, ext);
  const descriptor = isNull(selector) ? null : fetchDescriptor(cpu, selector);
  if (descriptor === null) cpu.fault(VECTOR.TS, error);
  const { rights } = descriptor;
  const level = selector & 3;
  const dpl = dplOf(rights);
  if (!isCode(rights) || (isConforming(rights) ? dpl > level : dpl !== level)) {
    cpu.fault(VECTOR.TS, error);
  }
  if (!isPresent(rights)) cpu.fault(VECTOR.NP, error);
  return accessedSegment(cpu, selector, descriptor);
}

function taskStack(cpu: Processor, selector: number, ext: 0 | 1): Segment {
  const error = selectorError(selector, ext);
  const descriptor = isNull(selector) ? null : fetchDescriptor(cpu, selector);
  if (descriptor === null || !isWritableData(descriptor.rights)) cpu.fault(VECTOR.TS, error);
  if (!isPresent(descriptor.rights)) cpu.fault(VECTOR.SS, error);
  const { cpl } = cpu.state;
  if (dplOf(descriptor.rights) !== cpl || (selector & 3) !== cpl) cpu.fault(VECTOR.TS, error);
  return accessedSegment(cpu, selector, descriptor);
}

function taskData(cpu: Processor, selector: number, ext: 0 | 1): Segment {
  if (isNull(selector)) return nullSegment(selector);
  const error = selectorError(selector, ext);
  const descriptor = fetchDescriptor(cpu, selector);
  if (descriptor === null || !isReadable(descriptor.rights)) cpu.fault(VECTOR.TS, error);
  const { rights } = descriptor;
  const dpl = dplOf(rights);
  if (!isConforming(rights) && (dpl < cpu.state.cpl || dpl < (selector & 3))) {
    cpu.fault(VECTOR.TS, error);
  }
  if (!isPresent(rights)) cpu.fault(VECTOR.NP, error);
  return accessedSegment(cpu, selector, descriptor);
}

function pushErrorCode(cpu: Processor, size: 2 | 4, errorCode: number, ext: 0 | 1): void {
  const frame = StackFrame.current(cpu, ext);
  frame.requireRoom(size, 1);
  frame.push(size, errorCode);
  cpu.state.setGpr(ESP, 4, frame.pointer);
}
