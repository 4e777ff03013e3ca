/**
 * Call stack by frame pointers: [EBP] the caller's frame, [EBP+4] the return address (in 16-bit code BP
 * and words). Code without frame pointers ends the walk early; symbols with unwind tables come later.
 */
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import type { StackFrame } from '../debug-port.ts';
import { codeSize } from './disassembly.ts';
import { readValue } from './memory.ts';

const BP = 5;

export function walkStack(cpu: Cpu, limit: number): readonly StackFrame[] {
  const { state } = cpu;
  const size = codeSize(cpu);
  const codeBase = state.segmentBase(L.SEGMENT.CS);
  const stackBase = state.segmentBase(L.SEGMENT.SS);
  let frame = state.gpr(BP, size);
  const frames: StackFrame[] = [
    { eip: state.eip, linearEip: (codeBase + state.eip) >>> 0, framePointer: frame },
  ];
  while (frames.length < limit && frame !== 0) {
    const at = (stackBase + frame) >>> 0;
    const caller = readValue(cpu, 'linear', at, size);
    const eip = readValue(cpu, 'linear', (at + size) >>> 0, size);
    if (caller === null || eip === null || eip === 0) break;
    frames.push({ eip, linearEip: (codeBase + eip) >>> 0, framePointer: caller });
    // frames of callers lie higher on a stack that grows down
    if (caller <= frame) break;
    frame = caller;
  }
  return frames;
}
