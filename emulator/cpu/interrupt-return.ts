/**
 * IRET and IRETD in all their forms (SDM vol. 2, "IRET/IRETD"): real-address mode, virtual-8086 mode
 * with and without VME, to the same level, to an outer level, to virtual-8086 mode, and to the
 * previous task when NT is set.
 *
 * Executing it ends the blocking of NMIs, even if it faults (6.7.1, 25.3).
 */
import { paragraphCode, returnTo } from './far-transfers.ts';
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import type { Processor } from './processor.ts';
import { v86Segment } from './segmentation.ts';
import { ESP, StackReader } from './stack-frame.ts';
import { ARITHMETIC_FLAGS, CR4, FLAG } from './state.ts';
import { returnFromTask } from './tasks.ts';

/** Flags that every IRET pops. */
const ALWAYS = ARITHMETIC_FLAGS | FLAG.TF | FLAG.DF | FLAG.NT;
/** Flags that only IRETD pops. */
const WIDE = FLAG.RF | FLAG.AC | FLAG.ID;

/** Replaces the bits of `mask` in EFLAGS. */
export function mergeFlags(cpu: Processor, value: number, mask: number): void {
  cpu.state.eflags = (cpu.state.eflags & ~mask) | (value & mask);
}

/** IRET (`size` 2) or IRETD (`size` 4). */
export function interruptReturn(cpu: Processor, size: 2 | 4): void {
  const { state } = cpu;
  cpu.unblockNmi();
  if (!state.protectedMode) {
    const mask = ALWAYS | FLAG.IF | FLAG.IOPL | (size === 4 ? WIDE : 0);
    returnByParagraphs(cpu, size, (flags) => mergeFlags(cpu, flags, mask));
  } else if (state.v86) {
    returnInV86(cpu, size);
  } else if ((state.systemFlags & FLAG.NT) !== 0) {
    returnFromTask(cpu, cpu.nextEip);
  } else {
    returnInProtectedMode(cpu, size);
  }
}

/** Pops IP, CS, FLAGS; `commitFlags` may still fault. */
function returnByParagraphs(
  cpu: Processor,
  size: 2 | 4,
  commitFlags: (flags: number) => void,
): void {
  const { state } = cpu;
  const reader = new StackReader(cpu);
  reader.require(size, 3);
  const offset = reader.pop(size);
  const selector = reader.popSelector(size);
  const flags = reader.pop(size);
  const code = paragraphCode(cpu, selector, offset);
  commitFlags(flags);
  state.setGpr(ESP, 4, reader.pointer);
  state.setSegment(L.SEGMENT.CS, code);
  cpu.nextEip = offset;
  cpu.modeChanged();
}

function returnInV86(cpu: Processor, size: 2 | 4): void {
  const { state } = cpu;
  if (state.iopl === 3) {
    const mask = ALWAYS | FLAG.IF | (size === 4 ? WIDE : 0);
    returnByParagraphs(cpu, size, (flags) => mergeFlags(cpu, flags, mask));
    return;
  }
  if (size === 4 || (state.cr(4) & CR4.VME) === 0) cpu.fault(VECTOR.GP, 0);
  returnByParagraphs(cpu, size, (flags) => popVirtualFlags(cpu, flags));
}

/** 16-bit FLAGS popped under VME with IOPL below 3: IF goes to VIF (SDM vol. 3, table 20-2). */
export function popVirtualFlags(cpu: Processor, flags: number): void {
  const enabling = (flags & FLAG.IF) !== 0;
  const pending = (cpu.state.systemFlags & FLAG.VIP) !== 0;
  if ((enabling && pending) || (flags & FLAG.TF) !== 0) cpu.fault(VECTOR.GP, 0);
  const virtual = enabling ? flags | FLAG.VIF : flags & ~FLAG.VIF;
  mergeFlags(cpu, virtual, ALWAYS | FLAG.VIF);
}

function returnInProtectedMode(cpu: Processor, size: 2 | 4): void {
  const { state } = cpu;
  const reader = new StackReader(cpu);
  reader.require(size, 3);
  const offset = reader.pop(size);
  const selector = reader.popSelector(size);
  const flags = reader.pop(size);
  if (size === 4 && (flags & FLAG.VM) !== 0 && state.cpl === 0) {
    returnToV86(cpu, reader, offset, selector, flags);
    return;
  }
  let mask = ALWAYS;
  if (size === 4) mask |= WIDE;
  if (state.cpl <= state.iopl) mask |= FLAG.IF;
  if (state.cpl === 0) mask |= FLAG.IOPL | (size === 4 ? FLAG.VIF | FLAG.VIP : 0);
  const to = { selector, offset, size, reader, release: 0 };
  returnTo(cpu, to, () => mergeFlags(cpu, flags, mask));
}

function returnToV86(
  cpu: Processor,
  reader: StackReader,
  offset: number,
  selector: number,
  flags: number,
): void {
  const { state } = cpu;
  const { CS, SS, DS, ES, FS, GS } = L.SEGMENT;
  const pointer = reader.pop(4);
  const order = [SS, ES, DS, FS, GS] as const;
  const selectors = order.map(() => reader.pop(4) & 0xffff);
  if (offset > 0xffff) cpu.fault(VECTOR.GP, 0);
  state.eflags = flags;
  state.set(L.CPL, 3);
  order.forEach((index, i) => state.setSegment(index, v86Segment(selectors[i])));
  state.setSegment(CS, v86Segment(selector));
  state.setGpr(ESP, 4, pointer);
  cpu.nextEip = offset;
  cpu.modeChanged();
}
