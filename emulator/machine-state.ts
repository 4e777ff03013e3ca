/**
 * State of a processor at power-on (SDM vol. 3, table 10-1 "IA-32 and Intel 64 processor states
 * following power-up, reset, or INIT") and at a loader's hand-over, put into the vCPU.
 */
import type { Cpu } from './cpu/cpu.ts';
import * as L from './cpu/layout.ts';
import { resetMsrs } from './cpu/msrs.ts';
import { ACTIVITY } from './cpu/state.ts';
import type { InitialCpuState } from './loaders/loader.ts';

/** Present LDT and busy 32-bit TSS, empty. */
const LDTR_RIGHTS = 0x82;
const TR_RIGHTS = 0x8b;

export function setInitialState(cpu: Cpu, initial: InitialCpuState): void {
  setFirstState(cpu, initial);
  resetMsrs(cpu.state);
  resetFpu(cpu);
  cpu.modeChanged();
}

/** What INIT sets as well: not the model-specific registers and not those of the x87 and SSE units. */
export function setFirstState(cpu: Cpu, initial: InitialCpuState): void {
  const { state } = cpu;
  const { registers, segments } = initial;
  [
    registers.eax, registers.ecx, registers.edx, registers.ebx,
    registers.esp, registers.ebp, registers.esi, registers.edi,
  ].forEach((value, number) => {
    state.setGpr(number, 4, value);
  }); // prettier-ignore
  state.eip = initial.eip;
  state.eflags = initial.eflags;
  for (const number of [0, 2, 3, 4, 8]) state.setCr(number, 0);
  state.setCr(0, initial.cr0);
  for (const number of [0, 1, 2, 3]) state.setDr(number, 0);
  state.setDr(6, 0xffff0ff0);
  state.setDr(7, 0x400);
  state.setSegment(L.SEGMENT.ES, segments.es);
  state.setSegment(L.SEGMENT.CS, segments.cs);
  state.setSegment(L.SEGMENT.SS, segments.ss);
  state.setSegment(L.SEGMENT.DS, segments.ds);
  state.setSegment(L.SEGMENT.FS, segments.fs);
  state.setSegment(L.SEGMENT.GS, segments.gs);
  state.setSegment(L.SEGMENT.LDTR, { selector: 0, rights: LDTR_RIGHTS, base: 0, limit: 0xffff });
  const task = initial.taskRegister ?? { base: 0, limit: 0xffff };
  state.setSegment(L.SEGMENT.TR, { selector: 0, rights: TR_RIGHTS, ...task });
  state.set(L.GDTR, initial.gdt.base);
  state.set(L.GDTR + 8, initial.gdt.limit);
  state.set(L.IDTR, initial.idt.base);
  state.set(L.IDTR + 8, initial.idt.limit);
  state.set(L.CPL, 0);
  state.set(L.ACTIVITY, ACTIVITY.RUNNING);
  state.set(L.MONITOR_WAIT, 0);
}

function resetFpu({ state }: Cpu): void {
  state.u8.fill(0, L.FPU_REGISTERS, L.FPU_REGISTERS + 0x80);
  state.view.setUint16(L.FPU_CONTROL, 0x40, true);
  state.view.setUint16(L.FPU_STATUS, 0, true);
  state.view.setUint16(L.FPU_TAGS, 0x5555, true);
  state.set(L.MXCSR, 0x1f80);
}
