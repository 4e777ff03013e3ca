/**
 * MONITOR and MWAIT (SDM vol. 2; vol. 3, 9.10.5): waiting for a write to a line of memory. The line is kept
 * as it was when MONITOR saw it, and the wait ends when it has changed, whoever has changed it; a write of
 * what is there already is not noticed (departures.ts). An interrupt ends the wait as it ends HLT; with
 * bit 0 of ECX also while interrupts are off. With interrupts off and without that bit MWAIT ends at once,
 * as the manual lets it.
 */
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { FLAG } from '../state.ts';
import { intercepted } from './operand-access.ts';

const EAX = 0;
const ECX = 1;
/** CPUID leaf 5, and the size of layout MONITOR_BYTES. */
export const MONITOR_LINE_BYTES = 64;
/** The only hint in ECX that MWAIT knows: an interrupt ends the wait although it is masked. */
const BREAK_ON_INTERRUPT = 1;

/** #UD, then under SVM #GP(0) for hints that do not exist; `leave` says what is offered. */
function requireHints(cpu: Processor, known: number, leave: () => boolean): boolean {
  if (cpu.state.cpl !== 0) cpu.fault(VECTOR.UD);
  const wrong = (cpu.state.gpr(ECX, 4) & ~known) !== 0;
  if (wrong && intercepted(cpu, 'CHECKS_FIRST')) cpu.fault(VECTOR.GP, 0);
  if (leave()) return false;
  if (wrong) cpu.fault(VECTOR.GP, 0);
  return true;
}

const monitor: TypescriptInstruction = (cpu, { length, addressSize, segmentOverride }) => {
  const { state } = cpu;
  if (!requireHints(cpu, 0, () => cpu.leaves({ kind: 'monitor' }, length))) return;
  const segment = segmentOverride === -1 ? L.SEGMENT.DS : segmentOverride;
  const linear = cpu.checkSegment(segment, state.gpr(EAX, addressSize), 1, false);
  cpu.memory.probeRead(linear, 1);
  const line = (linear & -MONITOR_LINE_BYTES) >>> 0;
  state.u8.set(cpu.memory.readBytes(line, MONITOR_LINE_BYTES), L.MONITOR_BYTES);
  state.set(L.MONITOR_LINE, line);
  state.set(L.MONITOR_ARMED, 1);
};

const wait: TypescriptInstruction = (cpu, { length }) => {
  const { state } = cpu;
  const armed = state.get(L.MONITOR_ARMED) !== 0;
  const leave = (): boolean => cpu.leaves({ kind: 'mwait', armed }, length);
  if (!requireHints(cpu, BREAK_ON_INTERRUPT, leave)) return;
  state.set(L.MONITOR_ARMED, 0);
  const breaks = (state.gpr(ECX, 4) & BREAK_ON_INTERRUPT) !== 0;
  if (!armed || (!breaks && (state.systemFlags & FLAG.IF) === 0)) return;
  cpu.halt();
  state.set(L.MONITOR_WAIT, breaks ? L.MONITOR_WAITS.ALSO_MASKED : L.MONITOR_WAITS.UNMASKED);
};

/** Whether the line that MONITOR saw has changed. */
export function monitoredLineChanged({ state }: Processor, now: Uint8Array): boolean {
  return now.some((byte, at) => byte !== state.u8[L.MONITOR_BYTES + at]);
}

export const monitorInstructions = { monitor, mwait: wait } as const satisfies Readonly<
  Record<string, TypescriptInstruction>
>;
