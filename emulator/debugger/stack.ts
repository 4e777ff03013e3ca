/**
 * Callers where nothing but the guest's code and memory tells: a frame's caller by reading its code ahead
 * (way-out.ts), which needs no frame pointer, and follows IRET; else by frame pointers, [EBP] the caller's
 * frame and [EBP+4] the return address (in 16-bit code BP and words), as long as what is found there was
 * called. The adapter, which has the symbols, asks for it where call frame information is missing.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { StackFrame } from '../debug-port.ts';
import { CodeView } from './code-view.ts';
import { codeSizeIn, currentFrame } from './current-frame.ts';
import { followsCall } from './instruction-kinds.ts';
import { StackView } from './stack-view.ts';
import { callerOfEntryCode, callerOfHandler } from './trap-frame.ts';
import { findWayOut } from './way-out.ts';

const [SP, BP] = [4, 5] as const;
/** Instructions read ahead for a caller: a look at the stack must be quick. */
const AHEAD = 400;

/** At most `limit` frames, `from` the first. Throws RangeError unless it is a whole number. */
export function walkStack(
  cpu: Cpu,
  limit: number,
  from = currentFrame(cpu),
): readonly StackFrame[] {
  if (!Number.isInteger(limit) || limit < 0) {
    throw new RangeError(`${String(limit)} is no number of frames: give a whole number.`);
  }
  const frames: StackFrame[] = [];
  if (limit > 0) frames.push(from);
  while (frames.length < limit) {
    const caller = callerOf(cpu, frames[frames.length - 1]);
    // one that calls itself for ever comes again
    if (caller === null || frames.some((each) => isSame(each, caller))) break;
    frames.push(caller);
  }
  return frames;
}

function isSame(a: StackFrame, b: StackFrame): boolean {
  return a.linearEip === b.linearEip && a.stackPointer === b.stackPointer;
}

function callerOf(cpu: Cpu, frame: StackFrame): StackFrame | null {
  const trapped = callerOfHandler(cpu, frame) ?? callerOfEntryCode(cpu, frame);
  if (trapped !== null) return trapped;
  const way = findWayOut(cpu, frame, AHEAD);
  return way.kind === 'return' ? way.frame : callerByPointer(cpu, frame);
}

function callerByPointer(cpu: Cpu, frame: StackFrame): StackFrame | null {
  const { registers, stackBase, stackMask, stackPointer, mode } = frame;
  const pointer = registers[BP];
  if (pointer === null) return null;
  const size = codeSizeIn(mode);
  const stack = new StackView(cpu, stackBase, stackMask);
  const at = stack.moved(pointer, 0);
  // frames of callers lie higher on a stack that grows down
  if (at === 0 || at < stackPointer) return null;
  const caller = stack.read(at, size);
  const eip = stack.read(stack.moved(at, size), size);
  if (caller === null || eip === null) return null;
  const csBase = (frame.linearEip - frame.eip) >>> 0;
  const linearEip = (csBase + eip) >>> 0;
  if (!followsCall(new CodeView(cpu, csBase, size), linearEip)) return null;
  const callers = stack.moved(at, 2 * size);
  return {
    ...frame,
    eip,
    linearEip,
    registers: registers.map((_, number) => (number === SP ? callers : number === BP ? caller : null)), // prettier-ignore
    stackPointer: callers,
    isInterrupted: false,
  };
}
