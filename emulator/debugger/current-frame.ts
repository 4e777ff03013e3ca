/** The frame of the call stack that the processor is in: its registers and mode as they are now. */
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import type { MachinePosition, StackFrame } from '../debug-port.ts';
import { placeOf } from '../guest-place.ts';
import { codeSize } from './code-view.ts';

const GENERAL_REGISTERS = [0, 1, 2, 3, 4, 5, 6, 7];

export function modeOf(cpu: Cpu): MachinePosition['mode'] {
  if (!cpu.state.protectedMode) return 'real';
  if (cpu.state.v86) return 'v86';
  return codeSize(cpu) === 4 ? 'protected32' : 'protected16';
}

/** Bytes of an operand and an address where no prefix says otherwise; not of unreal mode's odd segments. */
export function codeSizeIn(mode: MachinePosition['mode']): 2 | 4 {
  return mode === 'protected32' ? 4 : 2;
}

export function currentFrame(cpu: Cpu): StackFrame {
  const { state } = cpu;
  const { linearEip, stackPointer, stackMask, cpl } = placeOf(cpu);
  return {
    eip: state.eip,
    linearEip,
    registers: GENERAL_REGISTERS.map((number) => state.gpr(number, 4)),
    stackPointer,
    stackMask,
    stackBase: state.segmentBase(L.SEGMENT.SS),
    cpl,
    mode: modeOf(cpu),
    isInterrupted: true,
  };
}
