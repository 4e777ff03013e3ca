/**
 * The call stack: the current function's caller by reading its code ahead (way-out.ts), which needs no
 * frame pointer; those beyond by frame pointers, [EBP] the caller's frame and [EBP+4] the return address
 * (in 16-bit code BP and words), as long as what is found there was called. Symbols with unwind tables
 * come later.
 */
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import type { StackFrame } from '../debug-port.ts';
import { CodeView, codeSize } from './code-view.ts';
import { followsCall } from './instruction-kinds.ts';
import { StackView } from './stack-view.ts';
import { findWayOut } from './way-out.ts';

const BP = 5;
/** Instructions read ahead for the caller: a look at the stack must be quick. */
const AHEAD = 400;

/** At most `limit` frames, the current one first. Throws RangeError unless it is a whole number. */
export function walkStack(cpu: Cpu, limit: number): readonly StackFrame[] {
  if (!Number.isInteger(limit) || limit < 0) {
    throw new RangeError(`${String(limit)} is no number of frames: give a whole number.`);
  }
  const frames = [currentFrame(cpu)];
  const way = limit > 1 ? findWayOut(cpu, AHEAD) : null;
  const caller = way?.kind === 'return' ? way : null;
  if (caller !== null) {
    const { eip, place, framePointer } = caller;
    frames.push({ eip, linearEip: place.linearEip, framePointer: framePointer ?? 0 });
  }
  const known = frames.length;
  for (const frame of framesByPointer(cpu, caller?.framePointer ?? null)) {
    if (frames.length >= limit) break;
    // EBP may point to the frame whose caller is known already
    const again = frames.length === known && frame.linearEip === caller?.place.linearEip;
    if (!again) frames.push(frame);
  }
  return frames.slice(0, limit);
}

function currentFrame(cpu: Cpu): StackFrame {
  const { eip } = cpu.state;
  return { eip, linearEip: cpu.linearEip, framePointer: cpu.state.gpr(BP, codeSize(cpu)) };
}

/** Frames above the one that EBP, or a caller's known EBP, points to. */
function* framesByPointer(cpu: Cpu, from: number | null): Generator<StackFrame> {
  const size = codeSize(cpu);
  const stack = new StackView(cpu);
  const code = new CodeView(cpu);
  const codeBase = cpu.state.segmentBase(L.SEGMENT.CS);
  let frame = from ?? cpu.state.gpr(BP, size);
  while (frame !== 0) {
    const caller = stack.read(frame, size);
    const eip = stack.read(stack.moved(frame, size), size);
    if (caller === null || eip === null) return;
    const linearEip = (codeBase + eip) >>> 0;
    if (!followsCall(code, linearEip)) return;
    yield { eip, linearEip, framePointer: caller };
    // frames of callers lie higher on a stack that grows down
    if (caller <= frame) return;
    frame = caller;
  }
}
