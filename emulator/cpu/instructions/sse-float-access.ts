/**
 * What floating-point SSE instructions have in common: their lanes are computed into layout
 * VECTOR_RESULT, their exceptions go to MXCSR all at once, and only if none is unmasked the destination
 * is written (SDM vol. 1, 11.5.2 and 11.5.3).
 */
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import type { LaneOperation } from '../sse/lanes.ts';
import { unmasked, withFlags } from '../sse/mxcsr.ts';
import { CR4 } from '../state.ts';
import type { CpuState } from '../state.ts';
import { registerNumber, sourceAt, sse, xmmAt } from './simd-access.ts';

/** Where results are put together, as offset in the state block. */
export const RESULT = L.VECTOR_RESULT;

/**
 * Reports what the lanes raised: #XM for an unmasked exception, #UD where the operating system does not
 * handle #XM (SDM vol. 3, 2.5 "CR4.OSXMMEXCPT").
 */
export function reportFlags(cpu: Processor, mxcsr: number, flags: number): void {
  if (flags === 0) return;
  const { state } = cpu;
  state.set(L.MXCSR, withFlags(mxcsr, flags));
  if (unmasked(mxcsr, flags) === 0) return;
  cpu.fault((state.cr(4) & CR4.OSXMMEXCPT) !== 0 ? VECTOR.XM : VECTOR.UD);
}

/** Copies the first 4, 8 or 16 bytes of the result. */
export function writeResult(state: CpuState, to: number, length: 4 | 8 | 16): void {
  const { i32 } = state;
  i32[to >> 2] = i32[RESULT >> 2];
  if (length === 4) return;
  i32[(to >> 2) + 1] = i32[(RESULT >> 2) + 1];
  if (length === 8) return;
  i32[(to >> 2) + 2] = i32[(RESULT >> 2) + 2];
  i32[(to >> 2) + 3] = i32[(RESULT >> 2) + 3];
}

/** Every lane of the destination with the same lane of the source. `size` is bytes a lane. */
export function packed(operation: LaneOperation, size: 4 | 8): TypescriptInstruction {
  return sse((cpu, instruction) => {
    const { state } = cpu;
    const from = sourceAt(cpu, instruction, 1);
    const to = xmmAt(registerNumber(instruction, 0));
    const mxcsr = state.get(L.MXCSR);
    let flags = 0;
    for (let lane = 0; lane < 16; lane += size) {
      flags |= operation(state, mxcsr, to + lane, from + lane, RESULT + lane);
    }
    reportFlags(cpu, mxcsr, flags);
    writeResult(state, to, 16);
  });
}

/** The lowest lane alone; the others of the destination stay. */
export function scalar(operation: LaneOperation, size: 4 | 8): TypescriptInstruction {
  return sse((cpu, instruction) => {
    const { state } = cpu;
    const from = sourceAt(cpu, instruction, 1);
    const to = xmmAt(registerNumber(instruction, 0));
    const mxcsr = state.get(L.MXCSR);
    reportFlags(cpu, mxcsr, operation(state, mxcsr, to, from, RESULT));
    writeResult(state, to, size);
  });
}
