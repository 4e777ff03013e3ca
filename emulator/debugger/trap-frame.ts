/**
 * What an interrupt, an exception or a system call has left on the stack, and the frame of the code that
 * it came from: the processor's own words (SDM vol. 3, 6.12.1; from virtual-8086 mode 20.3.1), found where
 * IRET will read them, at the first instruction of a gate's handler, or above the registers that Linux's
 * entry code saves (struct pt_regs, arch/x86/include/asm/ptrace.h). Since nothing marks such words, they
 * count only if all of them can be what they should.
 */
import type { Cpu } from '../cpu/cpu.ts';
import { isCode, isNull, isPresent, isSystem, isWritableData } from '../cpu/segmentation.ts';
import { FLAG, RIGHTS } from '../cpu/state.ts';
import type { StackFrame } from '../debug-port.ts';
import { StackView } from './stack-view.ts';
import { codeSegment, gateTarget, segmentAt } from './step-target.ts';

type Registers = readonly (number | null)[];

const SP = 4;
const VECTORS = 256;
/** Exceptions that push an error code (SDM vol. 3, table 6-1), as bits. */
const WITH_ERROR_CODE = (1 << 8) | (0x1f << 10) | (1 << 17) | (1 << 21);
/** Bits of EFLAGS that are always 1, and always 0. */
const FLAGS_FIXED = { ones: 2, zeros: 0xffc0_8028 };
/** pt_regs begins with these, EBX ECX EDX ESI EDI EBP EAX. */
const SAVED = [3, 1, 2, 6, 7, 5, 0] as const;
/** Selectors behind them: DS ES FS GS now, without GS or without both in older kernels; then orig_eax. */
const SAVED_SELECTORS = [4, 3, 2] as const;
/** Since Linux 5.4 the stack of interrupted kernel code is so far behind its pt_regs at most. */
const MOST_GAP = 64;

/** The words of a hardware frame, EIP first, and where the stack is when so many are taken off. */
export interface TrapWords {
  readonly word: (index: number) => number | null;
  readonly after: (words: number) => number;
}

/** The interrupted code, as IRET goes back to it; null where these words are no such frame. */
export function interruptedFrame(
  cpu: Cpu,
  from: StackFrame,
  { word, after }: TrapWords,
  registers: Registers,
): StackFrame | null {
  const [eip, selector, flags] = [word(0), word(1), word(2)];
  if (eip === null || selector === null || flags === null) return null;
  const cs = selector & 0xffff;
  const isProtected = from.mode === 'protected16' || from.mode === 'protected32';
  const toV86 = isProtected && from.cpl === 0 && (flags & FLAG.VM) !== 0;
  if (isProtected && !toV86 && isNull(cs)) return null;
  const segment = toV86
    ? ({ base: cs * 16, mode: 'v86' } as const)
    : codeSegment(cpu, from.mode, cs);
  if (segment === null) return null;
  const { base, mode } = segment;
  const inner = { ...from, eip, linearEip: (base + eip) >>> 0, mode, isInterrupted: true };
  const cpl = toV86 ? 3 : isProtected ? cs & 3 : from.cpl;
  if (cpl === from.cpl) return onStack(inner, after(3), registers);
  const [stackPointer, ss] = [word(3), word(4)];
  if (stackPointer === null || ss === null) return null;
  if (toV86) {
    const stack = { stackMask: 0xffff, stackBase: (ss & 0xffff) * 16 };
    return onStack({ ...inner, ...stack, cpl }, stackPointer & 0xffff, registers);
  }
  const stack = segmentAt(cpu, ss & 0xffff);
  if (stack === null) return null;
  const stackMask = (stack.rights & RIGHTS.DB) !== 0 ? 0xffffffff : 0xffff;
  const outer = { ...inner, stackMask, stackBase: stack.base, cpl };
  return onStack(outer, (stackPointer & stackMask) >>> 0, registers);
}

function onStack(frame: StackFrame, stackPointer: number, registers: Registers): StackFrame {
  return { ...frame, stackPointer, registers: registers.with(SP, stackPointer) };
}

/** Who was interrupted, for the first instruction of a handler; null anywhere else. */
export function callerOfHandler(cpu: Cpu, frame: StackFrame): StackFrame | null {
  if (!frame.isInterrupted || frame.mode !== 'protected32') return null;
  const stack = new StackView(cpu, frame.stackBase, frame.stackMask);
  for (let vector = 0; vector < VECTORS; vector++) {
    const gate = gateTarget(cpu, vector);
    if (gate === null || (gate.csBase + gate.eip) >>> 0 !== frame.linearEip) continue;
    const errorCode = vector < 32 && ((WITH_ERROR_CODE >>> vector) & 1) !== 0 ? 1 : 0;
    const words = wordsAt(stack, frame.stackPointer, errorCode);
    if (isTrap(cpu, frame, words)) return interruptedFrame(cpu, frame, words, frame.registers);
  }
  return null;
}

/** Who was interrupted, for code whose stack pointer points to registers as Linux saves them; else null. */
export function callerOfEntryCode(cpu: Cpu, frame: StackFrame): StackFrame | null {
  if (frame.mode !== 'protected32' || frame.cpl === 3) return null;
  const stack = new StackView(cpu, frame.stackBase, frame.stackMask);
  for (const selectors of SAVED_SELECTORS) {
    const saved = wordsAt(stack, frame.stackPointer, 0);
    const words = wordsAt(stack, frame.stackPointer, SAVED.length + selectors + 1);
    if (!isTrap(cpu, frame, words)) continue;
    const registers: (number | null)[] = Array.from({ length: 8 }, () => null);
    for (const [index, register] of SAVED.entries()) registers[register] = saved.word(index);
    const interrupted = interruptedFrame(cpu, frame, words, registers);
    if (interrupted === null) continue;
    const moved = interrupted.cpl === frame.cpl ? movedStack(cpu, frame, words) : null;
    return moved === null ? interrupted : onStack(interrupted, moved, registers);
  }
  return null;
}

function wordsAt(stack: StackView, at: number, first: number): TrapWords {
  return {
    word: (index) => stack.read(stack.moved(at, (first + index) * 4), 4),
    after: (words) => stack.moved(at, (first + words) * 4),
  };
}

/** The stack of kernel code whose frame was completed by SS:ESP, behind a gap; null where it was not. */
function movedStack(cpu: Cpu, { cpl }: StackFrame, { word, after }: TrapWords): number | null {
  const [stackPointer, ss] = [word(3), word(4)];
  if (stackPointer === null || ss === null || !isStack(cpu, ss, cpl)) return null;
  const gap = stackPointer - after(5);
  return gap >= 0 && gap <= MOST_GAP ? stackPointer : null;
}

/** Whether EIP, CS and EFLAGS, and where the privilege changes ESP and SS, can be what they should. */
function isTrap(cpu: Cpu, { cpl }: StackFrame, { word }: TrapWords): boolean {
  const [eip, selector, flags, , ss] = [word(0), word(1), word(2), word(3), word(4)];
  if (eip === null || selector === null || flags === null) return false;
  if ((flags & FLAGS_FIXED.ones) === 0 || (flags & FLAGS_FIXED.zeros) !== 0) return false;
  if ((flags & FLAG.VM) !== 0) return ss !== null && eip <= 0xffff;
  const cs = selector & 0xffff;
  const segment = isNull(cs) ? null : segmentAt(cpu, cs);
  if (segment === null || isSystem(segment.rights) || !isPresent(segment.rights)) return false;
  if (!isCode(segment.rights) || (cs & 3) < cpl || eip > segment.limit) return false;
  return (cs & 3) === cpl || (ss !== null && isStack(cpu, ss, cs & 3));
}

function isStack(cpu: Cpu, ss: number, cpl: number): boolean {
  const selector = ss & 0xffff;
  if ((selector & 3) !== cpl || isNull(selector)) return false;
  const segment = segmentAt(cpu, selector);
  return segment !== null && isPresent(segment.rights) && isWritableData(segment.rights);
}
