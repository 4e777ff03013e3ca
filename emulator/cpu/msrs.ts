/**
 * Model-specific registers (SDM vol. 4; vol. 3, 12.11 for MTRRs and PAT, 11.4.4 for IA32_APIC_BASE).
 * One row each; what is not in the table, or belongs to a feature that the model lacks, raises #GP(0).
 *
 * Stored but without effect: memory types (MTRRs, PAT), IA32_MISC_ENABLE and EFER.SCE. Branch recording
 * (DEBUGCTL) and performance counters are not emulated: DEBUGCTL takes only zero, counters are absent.
 */
import * as L from './layout.ts';
import type { Processor } from './processor.ts';
import type { CpuState } from './state.ts';

/** A register's value as two unsigned halves. */
export interface MsrValue {
  readonly low: number;
  readonly high: number;
}

interface MsrRow {
  readonly index: number;
  readonly name: string;
  /** CPUID feature that brings it; 'cmov' stands for the P6 family. */
  readonly feature: string;
  /** Offset in the vCPU's block, or null for a constant. */
  readonly at: number | null;
  /** Bits that a write may set; others raise #GP(0). null: any write does. */
  readonly writable: readonly [low: number, high: number] | null;
  readonly reset: readonly [low: number, high: number];
  /** Further check of a written value. */
  readonly valid?: (value: MsrValue) => boolean;
}

/** Bytes that are memory types (SDM vol. 3, table 12-8; for PAT 12-10). */
const mtrrType = (byte: number): boolean => [0, 1, 4, 5, 6].includes(byte);
const patType = (byte: number): boolean => mtrrType(byte) || byte === 7;
const eachByte =
  (test: (byte: number) => boolean) =>
  ({ low, high }: MsrValue): boolean =>
    [0, 8, 16, 24].every((shift) => test((low >>> shift) & 0xff) && test((high >>> shift) & 0xff));
const lowByteIsType = ({ low }: MsrValue): boolean => mtrrType(low & 0xff);

const ALL = [0xffffffff, 0xffffffff] as const;
const WORD = [0xffffffff, 0] as const;
const ZERO = [0, 0] as const;
/** IA32_EFER: SCE, which is only kept, and NXE. */
const EFER_WRITABLE = [0x801, 0] as const;
/** IA32_MISC_ENABLE: XD bit disable is above the first word. */
const MISC_ENABLE = [0xffffffff, 4] as const;
/** Physical addresses have 36 bits. */
const PAGE_ADDRESS = [0xfffff000, 0xf] as const;

/** IA32_APIC_BASE: local APIC at 0xfee00000, enabled, bootstrap processor. */
const APIC_BASE_RESET = [0xfee00900, 0] as const;
/** Eight variable ranges, fixed ranges, write combining. */
const MTRR_CAP = [0x508, 0] as const;
const PAT_RESET = [0x00070406, 0x00070406] as const;

const slot = (number: number): number => L.MSRS + number * 8;
const FIXED_MTRRS = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f];
const VARIABLE_MTRRS = 8;

// prettier-ignore
const NAMED_ROWS = [
  { index: 0x000, name: 'IA32_P5_MC_ADDR',     feature: 'mce',  at: null,           writable: null,                reset: ZERO },
  { index: 0x001, name: 'IA32_P5_MC_TYPE',     feature: 'mce',  at: null,           writable: null,                reset: ZERO },
  { index: 0x017, name: 'IA32_PLATFORM_ID',    feature: 'cmov', at: null,           writable: null,                reset: ZERO },
  { index: 0x01b, name: 'IA32_APIC_BASE',      feature: 'apic', at: L.APIC_BASE,    writable: [0xfffff900, 0xf],   reset: APIC_BASE_RESET },
  { index: 0x02a, name: 'EBL_CR_POWERON',      feature: 'cmov', at: null,           writable: null,                reset: ZERO },
  { index: 0x08b, name: 'IA32_BIOS_SIGN_ID',   feature: 'cmov', at: slot(0),        writable: ALL,                 reset: ZERO },
  { index: 0x0fe, name: 'IA32_MTRRCAP',        feature: 'mtrr', at: null,           writable: null,                reset: MTRR_CAP },
  { index: 0x174, name: 'IA32_SYSENTER_CS',    feature: 'sep',  at: L.SYSENTER_CS,  writable: ALL,                 reset: ZERO },
  { index: 0x175, name: 'IA32_SYSENTER_ESP',   feature: 'sep',  at: L.SYSENTER_ESP, writable: ALL,                 reset: ZERO },
  { index: 0x176, name: 'IA32_SYSENTER_EIP',   feature: 'sep',  at: L.SYSENTER_EIP, writable: ALL,                 reset: ZERO },
  { index: 0x179, name: 'IA32_MCG_CAP',        feature: 'mca',  at: null,           writable: null,                reset: ZERO },
  { index: 0x17a, name: 'IA32_MCG_STATUS',     feature: 'mca',  at: slot(1),        writable: [7, 0],              reset: ZERO },
  { index: 0x1a0, name: 'IA32_MISC_ENABLE',    feature: 'cmov', at: slot(2),        writable: MISC_ENABLE,         reset: [1, 0] },
  { index: 0x1d9, name: 'IA32_DEBUGCTL',       feature: 'cmov', at: null,           writable: ZERO,                reset: ZERO },
  { index: 0x277, name: 'IA32_PAT',            feature: 'pat',  at: L.PAT,          writable: [0x07070707, 0x07070707], reset: PAT_RESET, valid: eachByte(patType) },
  { index: 0x2ff, name: 'IA32_MTRR_DEF_TYPE',  feature: 'mtrr', at: slot(3),        writable: [0xcff, 0],          reset: ZERO, valid: lowByteIsType },
  { index: 0xc0000080, name: 'IA32_EFER',      feature: 'nx',   at: L.EFER,         writable: EFER_WRITABLE,       reset: ZERO },
  { index: 0xc0000103, name: 'IA32_TSC_AUX',   feature: 'rdtscp', at: L.TSC_AUX,    writable: WORD,                reset: ZERO },
] as const satisfies readonly MsrRow[];

const FIXED_ROWS: readonly MsrRow[] = FIXED_MTRRS.map((index, i) => ({
  index,
  name: `IA32_MTRR_FIX_${index.toString(16)}`,
  feature: 'mtrr',
  at: slot(4 + i),
  writable: ALL,
  reset: ZERO,
  valid: eachByte(mtrrType),
}));

const VARIABLE_ROWS: readonly MsrRow[] = Array.from({ length: VARIABLE_MTRRS }, (_, i) => i)
  .map((i): readonly MsrRow[] => {
    const first = slot(4 + FIXED_MTRRS.length + 2 * i);
    const common = { feature: 'mtrr', reset: ZERO } as const;
    const [low, high] = PAGE_ADDRESS;
    return [
      { ...common, index: 0x200 + 2 * i, name: `IA32_MTRR_PHYSBASE${i}`, at: first, writable: [low | 0xff, high], valid: lowByteIsType },
      { ...common, index: 0x201 + 2 * i, name: `IA32_MTRR_PHYSMASK${i}`, at: first + 8, writable: [low | 0x800, high] },
    ]; // prettier-ignore
  })
  .flat();

/** Registers whose value is held in the vCPU's block or constant. The TSC is apart. */
export const MSR_ROWS: ReadonlyMap<number, MsrRow> = new Map(
  [...NAMED_ROWS, ...FIXED_ROWS, ...VARIABLE_ROWS].map((row: MsrRow) => [row.index, row]),
);

/** Registers with a rule of their own instead of a place: time. */
interface ActiveRegister {
  readonly name: string;
  readonly feature: string;
  read(cpu: Processor): MsrValue;
  /** Any value is allowed. */
  write(cpu: Processor, value: MsrValue): void;
}
const ACTIVE: ReadonlyMap<number, ActiveRegister> = new Map([
  [0x010, { name: 'IA32_TIME_STAMP_COUNTER', feature: 'tsc', read: (cpu) => cpu.timestamp(), write: writeTimestamp }],
  [0x03b, { name: 'IA32_TSC_ADJUST', feature: 'tsc-adjust', read: readAdjustment, write: writeAdjustment }],
  [0x6e0, { name: 'IA32_TSC_DEADLINE', feature: 'tsc-deadline', read: readDeadline, write: writeDeadline }],
]); // prettier-ignore

function activeRegister({ model }: Processor, index: number): ActiveRegister | null {
  const register = ACTIVE.get(index >>> 0);
  return register !== undefined && model.features.has(register.feature) ? register : null;
}

/** Names by number, for registers views and logs. */
export function msrName(index: number): string | null {
  return (ACTIVE.get(index) ?? MSR_ROWS.get(index))?.name ?? null;
}

/** Numbers of all registers that some model has. */
export function knownMsrs(): readonly number[] {
  return [...MSR_ROWS.keys(), ...ACTIVE.keys()];
}

/** Numbers of the registers that the model has, ascending. */
export function msrIndexes({ model }: Processor): number[] {
  const all: (readonly [number, { readonly feature: string }])[] = [...MSR_ROWS, ...ACTIVE];
  const present = all.filter(([, { feature }]) => model.features.has(feature));
  return present.map(([index]) => index).sort((a, b) => a - b);
}

/** Values after power-on. */
export function resetMsrs(state: CpuState): void {
  for (const { at, reset } of MSR_ROWS.values()) {
    if (at === null) continue;
    state.set(at, reset[0]);
    state.set(at + 4, reset[1]);
  }
  state.set(L.TSC_ADJUST, 0);
  state.set(L.TSC_ADJUST + 4, 0);
}

function rowOf({ model }: Processor, index: number): MsrRow | null {
  const row = MSR_ROWS.get(index >>> 0);
  return row !== undefined && model.features.has(row.feature) ? row : null;
}

/** The value, or null where RDMSR raises #GP(0). */
export function readMsr(cpu: Processor, index: number): MsrValue | null {
  const active = activeRegister(cpu, index);
  if (active !== null) return active.read(cpu);
  const row = rowOf(cpu, index);
  if (row === null) return null;
  if (row.at === null) return { low: row.reset[0], high: row.reset[1] };
  return { low: cpu.state.get(row.at), high: cpu.state.get(row.at + 4) };
}

/** False where WRMSR raises #GP(0); nothing is changed then. */
export function writeMsr(cpu: Processor, index: number, value: MsrValue): boolean {
  const active = activeRegister(cpu, index);
  if (active !== null) {
    active.write(cpu, value);
    return true;
  }
  const row = rowOf(cpu, index);
  if (row === null || row.writable === null) return false;
  const [low, high] = row.writable;
  if ((value.low & ~low) !== 0 || (value.high & ~high) !== 0) return false;
  if (row.valid !== undefined && !row.valid(value)) return false;
  if (row.at === null) return true;
  cpu.state.set(row.at, value.low);
  cpu.state.set(row.at + 4, value.high);
  if (row.at === L.APIC_BASE) cpu.platform.apicBaseWritten?.(value.low);
  if (row.at === L.EFER) cpu.modeChanged();
  return true;
}

const WORD_SIZE = 0x100000000;

/** The difference of two 64-bit values, modulo 2^64. */
function difference(a: MsrValue, b: MsrValue): MsrValue {
  const borrow = a.low < b.low ? 1 : 0;
  return { low: (a.low - b.low) >>> 0, high: (a.high - b.high - borrow) >>> 0 };
}
/** Adds to a 64-bit value of the vCPU's block. */
function addTo({ state }: Processor, at: number, { low, high }: MsrValue): void {
  const sum = state.get(at) + low;
  state.set(at, sum >>> 0);
  state.set(at + 4, (state.get(at + 4) + high + Math.floor(sum / WORD_SIZE)) >>> 0);
}

/** Sets the counter, and IA32_TSC_ADJUST with it (SDM vol. 3, 17.17.3). */
function writeTimestamp(cpu: Processor, value: MsrValue): void {
  const moved = difference(value, cpu.timestamp());
  addTo(cpu, L.TSC_OFFSET, moved);
  addTo(cpu, L.TSC_ADJUST, moved);
}
function readAdjustment({ state }: Processor): MsrValue {
  return { low: state.get(L.TSC_ADJUST), high: state.get(L.TSC_ADJUST + 4) };
}
function writeAdjustment(cpu: Processor, value: MsrValue): void {
  const moved = difference(value, readAdjustment(cpu));
  addTo(cpu, L.TSC_OFFSET, moved);
  addTo(cpu, L.TSC_ADJUST, moved);
}

/** The deadline is kept by the local APIC's timer in platform time (11.5.4.1). */
function readDeadline(cpu: Processor): MsrValue {
  const time = cpu.platform.tscDeadline?.() ?? 0;
  if (time === 0) return { low: 0, high: 0 };
  const { low, high } = cpu.timestamp();
  const ticks = low + high * WORD_SIZE + time - cpu.platform.now();
  return { low: ticks >>> 0, high: Math.floor(ticks / WORD_SIZE) >>> 0 };
}
function writeDeadline(cpu: Processor, { low, high }: MsrValue): void {
  const { platform } = cpu;
  const now = platform.now();
  const timestamp = cpu.timestamp();
  const ahead = low - timestamp.low + (high - timestamp.high) * WORD_SIZE;
  platform.setTscDeadline?.(low === 0 && high === 0 ? 0 : Math.max(1, now + ahead));
}
