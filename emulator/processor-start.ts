/**
 * How a processor that is not the bootstrap processor comes to life (SDM vol. 3, 9.4 "Multiple-processor
 * (MP) initialization"; 11.6.1, delivery modes INIT and start-up), and what INIT does to any (table 10-1,
 * column "INIT"): general, segment, control and debug registers as after a reset, while caches, the x87
 * and SSE registers, the TSC and other model-specific registers keep their values.
 */
import type { Cpu } from './cpu/cpu.ts';
import * as L from './cpu/layout.ts';
import { CR0, ACTIVITY } from './cpu/state.ts';
import type { InitialCpuState, InitialSegment } from './loaders/loader.ts';
import { realModeStart } from './loaders/processor-state.ts';
import { setFirstState, setInitialState } from './machine-state.ts';

/** IA32_APIC_BASE.BSP. */
const BOOTSTRAP = 1 << 8;
const CODE = 0x009b;
const DATA = 0x0093;
/** A start-up interrupt's vector is the number of a page below 1 MiB. */
const PAGE_SHIFT = 12;

/** After reset and INIT: FFFF:FFF0 below 4 GiB. */
function resetState({ model }: Cpu): InitialCpuState {
  const data: InitialSegment = { selector: 0, rights: DATA, base: 0, limit: 0xffff };
  const cs: InitialSegment = { selector: 0xf000, rights: CODE, base: 0xffff0000, limit: 0xffff };
  return {
    mode: 'real',
    eip: 0xfff0,
    eflags: 2,
    cr0: (CR0.CD | CR0.NW | CR0.ET) >>> 0,
    registers: { eax: 0, ecx: 0, edx: model.cpuid(1, 0).eax, ebx: 0, esp: 0, ebp: 0, esi: 0, edi: 0 },
    segments: { es: data, cs, ss: data, ds: data, fs: data, gs: data },
    gdt: { base: 0, limit: 0xffff },
    idt: { base: 0, limit: 0xffff },
  }; // prettier-ignore
}

/** An application processor after power-on and its self-test: it waits for a start-up interrupt. */
export function setWaitingState(cpu: Cpu): void {
  const { state } = cpu;
  setInitialState(cpu, resetState(cpu));
  state.set(L.APIC_BASE, state.get(L.APIC_BASE) & ~BOOTSTRAP);
  state.set(L.ACTIVITY, ACTIVITY.WAIT_FOR_SIPI);
}

/** INIT at an instruction boundary: the bootstrap processor starts anew, others wait for start-up. */
export function initialize(cpu: Cpu): void {
  const { state } = cpu;
  const cacheControl = state.cr(0) & (CR0.CD | CR0.NW);
  state.set(L.INIT, 0);
  state.set(L.NMI, 0);
  cpu.vectoring = null;
  setFirstState(cpu, resetState(cpu));
  state.setCr(0, (cacheControl | CR0.ET) >>> 0);
  cpu.flushTlb(true);
  cpu.modeChanged();
  const bootstrap = (state.get(L.APIC_BASE) & BOOTSTRAP) !== 0;
  state.set(L.ACTIVITY, bootstrap ? ACTIVITY.RUNNING : ACTIVITY.WAIT_FOR_SIPI);
}

/**
 * The end of a suspend to RAM, as firmware makes it (ACPI specification 3.0, 15.1.3 and 5.2.10): after a
 * reset the bootstrap processor goes on in real mode at the waking vector, which the guest has left at
 * guest-physical `vectorAt`. False: it has left none.
 */
export function resume([bootstrap, ...others]: readonly Cpu[], vectorAt: number): boolean {
  const vector = bootstrap.readPhysical32(vectorAt);
  for (const cpu of others) setWaitingState(cpu);
  setInitialState(bootstrap, realModeStart((vector >>> 4) & 0xffff, vector & 0xf, 0));
  bootstrap.flushTlb(true);
  return vector !== 0;
}

/** A start-up interrupt; only a processor that waits for it takes it. */
export function startUp(cpu: Cpu, vector: number): void {
  const { state } = cpu;
  if (state.get(L.ACTIVITY) !== ACTIVITY.WAIT_FOR_SIPI) return;
  const base = vector << PAGE_SHIFT;
  const cs = { selector: vector << (PAGE_SHIFT - 4), rights: CODE, base, limit: 0xffff };
  state.setSegment(L.SEGMENT.CS, cs);
  state.eip = 0;
  state.set(L.ACTIVITY, ACTIVITY.RUNNING);
  cpu.modeChanged();
}
