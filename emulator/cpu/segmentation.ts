/**
 * Segmentation: descriptors and the loading of segment registers (SDM vol. 3, chapters 3 and 5).
 *
 * A descriptor is eight bytes in the GDT or the LDT:
 *   low   31..16 base 15..0 | 15..0 limit 15..0
 *   high  31..24 base 31..24 | 23 G | 22 D/B | 21 L | 20 AVL | 19..16 limit 19..16 |
 *         15 P | 14..13 DPL | 12 S | 11..8 type | 7..0 base 23..16
 * Bits 8-15 and 20-23 of `high` are the access rights of VMX (25.4.1), which the caches hold.
 * Error codes are the selector without RPL (6.13), plus EXT where an event is being delivered.
 */
import * as L from './layout.ts';
import type { SegmentIndex } from './layout.ts';
import { VECTOR } from './processor.ts';
import type { Processor } from './processor.ts';
import { RIGHTS } from './state.ts';
import type { Segment } from './state.ts';

/** Types of system descriptors (SDM vol. 3, table 3-2). */
export const SYSTEM_TYPE = {
  TSS16: 1, LDT: 2, TSS16_BUSY: 3, CALL_GATE16: 4, TASK_GATE: 5, INTERRUPT_GATE16: 6, TRAP_GATE16: 7,
  TSS32: 9, TSS32_BUSY: 11, CALL_GATE32: 12, INTERRUPT_GATE32: 14, TRAP_GATE32: 15,
} as const; // prettier-ignore

export interface Descriptor {
  /** Linear address of its eight bytes. */
  readonly address: number;
  readonly low: number;
  readonly high: number;
  /** Access rights in the VMX format. */
  readonly rights: number;
}

export const isCode = (rights: number): boolean => (rights & 0x18) === 0x18;
export const isConforming = (rights: number): boolean => (rights & 0x1c) === 0x1c;
export const isWritableData = (rights: number): boolean => (rights & 0x1a) === 0x12;
export const isPresent = (rights: number): boolean => (rights & RIGHTS.P) !== 0;
export const isUsable = (rights: number): boolean => (rights & RIGHTS.UNUSABLE) === 0;
/** A system segment or gate; its type is one of SYSTEM_TYPE. */
export const isSystem = (rights: number): boolean => (rights & RIGHTS.S) === 0;
export const dplOf = (rights: number): number => (rights >> 5) & 3;
export const typeOf = (rights: number): number => rights & RIGHTS.TYPE;
/** Data, or code that may be read. */
export const isReadable = (rights: number): boolean =>
  (rights & 0x18) === 0x10 || (rights & 0x1a) === 0x1a;

export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;
/** Error code that names a selector. */
export const selectorError = (selector: number, ext: 0 | 1 = 0): number =>
  (selector & 0xfffc) | ext;

export function decodeDescriptor(address: number, low: number, high: number): Descriptor {
  return { address, low, high, rights: (high >>> 8) & 0xf0ff };
}

/** The descriptor that a selector names, or null outside its table's limit. */
export function fetchDescriptor(cpu: Processor, selector: number): Descriptor | null {
  const { state, memory } = cpu;
  let base = state.get(L.GDTR);
  let limit = state.get(L.GDTR + 8);
  if ((selector & 4) !== 0) {
    const ldt = state.segment(L.SEGMENT.LDTR);
    if (!isUsable(ldt.rights)) return null;
    base = ldt.base;
    limit = ldt.limit;
  }
  if ((selector | 7) > limit) return null;
  const address = (base + (selector & 0xfff8)) >>> 0;
  const low = memory.readSystem32(address);
  const high = memory.readSystem32((address + 4) >>> 0);
  return decodeDescriptor(address, low, high);
}

/** Segment described by a code, data, LDT or TSS descriptor, G applied to the limit. */
export function segmentOf(selector: number, { low, high, rights }: Descriptor): Segment {
  const raw = (low & 0xffff) | (high & 0xf0000);
  const limit = (rights & RIGHTS.G) !== 0 ? ((raw << 12) | 0xfff) >>> 0 : raw;
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0;
  return { selector, rights, base, limit };
}

/** As segmentOf for code and data, with the accessed bit set in the table too. */
export function accessedSegment(cpu: Processor, selector: number, descriptor: Descriptor): Segment {
  if ((descriptor.rights & 1) === 0) {
    const at = (descriptor.address + 4) >>> 0;
    cpu.memory.writeSystem32(at, (descriptor.high | 0x100) >>> 0);
  }
  const segment = segmentOf(selector, descriptor);
  return { ...segment, rights: segment.rights | 1 };
}

/** A data segment register, LDTR or the like after loading a null selector. */
export function nullSegment(selector: number): Segment {
  return { selector, rights: RIGHTS.UNUSABLE, base: 0, limit: 0 };
}

/** A segment in virtual-8086 mode (SDM vol. 3, 20.1.1). */
export function v86Segment(selector: number): Segment {
  return { selector, rights: 0xf3, base: selector << 4, limit: 0xffff };
}

/**
 * A segment loaded in real-address mode: the limit and D/B that protected mode left stay ("unreal
 * mode"). CS becomes writable data too, as after reset (SDM vol. 3, table 9-1).
 */
export function realSegment(cpu: Processor, index: SegmentIndex, selector: number): Segment {
  const { rights, limit } = cpu.state.segment(index);
  const kept = isUsable(rights) ? rights & (RIGHTS.DB | RIGHTS.G | RIGHTS.AVL) : 0;
  return {
    selector,
    rights: kept | 0x93,
    base: selector << 4,
    limit: isUsable(rights) ? limit : 0xffff,
  };
}

/** Checks of MOV, POP and LSS to SS (SDM vol. 2, "MOV"); returns what to load. */
function checkedStack(cpu: Processor, selector: number): Segment {
  const cpl = cpu.state.cpl;
  if (isNull(selector)) cpu.fault(VECTOR.GP, 0);
  const error = selectorError(selector);
  const descriptor = fetchDescriptor(cpu, selector) ?? cpu.fault(VECTOR.GP, error);
  const { rights } = descriptor;
  if ((selector & 3) !== cpl || !isWritableData(rights) || dplOf(rights) !== cpl) {
    cpu.fault(VECTOR.GP, error);
  }
  if (!isPresent(rights)) cpu.fault(VECTOR.SS, error);
  return accessedSegment(cpu, selector, descriptor);
}

/** Checks of a load of DS, ES, FS or GS (SDM vol. 2, "MOV"); returns what to load. */
function checkedData(cpu: Processor, selector: number): Segment {
  if (isNull(selector)) return nullSegment(selector);
  const error = selectorError(selector);
  const descriptor = fetchDescriptor(cpu, selector) ?? cpu.fault(VECTOR.GP, error);
  const { rights } = descriptor;
  if (!isReadable(rights)) cpu.fault(VECTOR.GP, error);
  if (!isConforming(rights)) {
    const dpl = dplOf(rights);
    if ((selector & 3) > dpl || cpu.state.cpl > dpl) cpu.fault(VECTOR.GP, error);
  }
  if (!isPresent(rights)) cpu.fault(VECTOR.NP, error);
  return accessedSegment(cpu, selector, descriptor);
}

/** What loading `selector` into ES, SS, DS, FS or GS gives in the current mode; faults if it may not. */
export function checkedSegment(cpu: Processor, index: SegmentIndex, selector: number): Segment {
  const { state } = cpu;
  if (!state.protectedMode) return realSegment(cpu, index, selector);
  if (state.v86) return v86Segment(selector);
  return index === L.SEGMENT.SS ? checkedStack(cpu, selector) : checkedData(cpu, selector);
}

/** Loads ES, SS, DS, FS or GS as MOV and POP do, with all checks. */
export function loadSegment(cpu: Processor, index: SegmentIndex, selector: number): void {
  cpu.state.setSegment(index, checkedSegment(cpu, index, selector));
  cpu.modeChanged();
}

/**
 * After a return to an outer level, segment registers that the new level may not use become null
 * (SDM vol. 2, "RET", RETURN-TO-OUTER-PRIVILEGE-LEVEL). CPL is already the new one.
 */
export function clearInaccessibleSegments(cpu: Processor): void {
  const { state } = cpu;
  for (const index of [L.SEGMENT.ES, L.SEGMENT.DS, L.SEGMENT.FS, L.SEGMENT.GS]) {
    const { rights } = state.segment(index);
    if (!isUsable(rights) || isConforming(rights)) continue;
    if (dplOf(rights) < state.cpl) state.setSegment(index, nullSegment(0));
  }
}
