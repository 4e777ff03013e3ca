/**
 * A fuzzed processor's state as numbers, for comparing two of them, and what must hold of it between any
 * two instructions, whatever a guest does.
 */
import * as L from '../../emulator/cpu/layout.ts';
import type { BareCpu } from '../../emulator/cpu/testing/bare-cpu.ts';
import { ACTIVITY, CR0, FLAG } from '../../emulator/cpu/state.ts';
import type { CpuState } from '../../emulator/cpu/state.ts';

/** Words of the state block that a guest can tell apart: [name, offset, bytes]. */
const PARTS = [
  ['gpr', L.GPR, 0x40],
  ['eip', L.RIP, 4],
  ['cpl', L.CPL, 4],
  ['segments', L.SEGMENTS, 8 * L.SEGMENT_SIZE],
  ['gdtr, idtr', L.GDTR, 0x20],
  ['cr', L.CR, 0x28],
  ['dr', L.DR, 0x40],
  ['efer to pat', L.EFER, L.PAT + 8 - L.EFER],
  ['activity', L.ACTIVITY, 4],
  ['nmi', L.NMI, 4],
  ['x87', L.FPU_REGISTERS, 0x98],
  ['mxcsr', L.MXCSR, 4],
  ['xmm', L.XMM, 0x80],
  ['pdpte', L.PDPTE, 32],
  ['msrs', L.MSRS, 0x200],
] as const satisfies readonly (readonly [string, number, number])[];

/** Everything a guest can see of its processor, in a fixed order. */
export function observe({ cpu }: BareCpu): Uint32Array {
  const { state } = cpu;
  const words: number[] = [cpu.retired, state.eflags];
  for (const [, at, size] of PARTS) {
    for (let offset = at; offset < at + size; offset += 4) words.push(state.get(offset));
  }
  return Uint32Array.from(words);
}

/** What differs, in words; empty: nothing. */
export function difference(a: Uint32Array, b: Uint32Array): string {
  const names = ['retired', 'eflags'];
  for (const [name, at, size] of PARTS) {
    for (let offset = at; offset < at + size; offset += 4) names.push(`${name}+${(offset - at).toString(16)}`); // prettier-ignore
  }
  const found = names.flatMap((name, i) => (a[i] === b[i] ? [] : [`${name} ${(a[i] ?? 0).toString(16)} not ${(b[i] ?? 0).toString(16)}`])); // prettier-ignore
  return found.slice(0, 12).join(', ');
}

/** FNV-1a over words. */
export function digest(words: Uint32Array, seed = 0x811c9dc5): number {
  let hash = seed;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193) ^ (hash >>> 15);
  return hash >>> 0;
}

/** The first rule that is broken, or null. */
export function broken({ cpu }: BareCpu): string | null {
  const { state } = cpu;
  const rule = RULES.find(([, holds]) => !holds(state));
  return rule === undefined ? null : rule[0];
}

const has = (value: number, bits: number): boolean => (value & bits) !== 0;

const RULES = [
  ['EFLAGS bit 1 is set, 3, 5 and 15 are clear', ({ eflags }) => (eflags & 0x802a) === 2],
  ['EFLAGS has no bits above ID', ({ eflags }) => eflags < 1 << 22],
  ['CPL is 0 to 3', ({ cpl }) => cpl <= 3],
  ['paging implies protection', (state) => !has(state.cr(0), CR0.PG) || state.protectedMode],
  ['CR0 has no reserved bits', (state) => (state.cr(0) & ~(0x6005003f | CR0.PG)) === 0],
  ['CR4 has only bits that some model has', (state) => (state.cr(4) & ~0x300fff) === 0],
  ['NW implies CD', (state) => !has(state.cr(0), CR0.NW) || has(state.cr(0), CR0.CD)],
  ['virtual-8086 mode is protected mode', (state) => !state.v86 || state.protectedMode],
  ['virtual-8086 mode has CPL 3', (state) => !state.v86 || state.cpl === 3],
  ['real mode has CPL 0', (state) => state.protectedMode || state.cpl === 0],
  ['the activity is known', (state) => state.get(L.ACTIVITY) <= ACTIVITY.SHUTDOWN],
  ['DR6 and DR7 have their fixed bits', (state) => (state.dr(7) & 0xd000) === 0],
  ['16-bit selectors', (state) => [0, 1, 2, 3, 4, 5, 6, 7].every((n) => state.get(L.SEGMENTS + n * L.SEGMENT_SIZE) <= 0xffff)],
  // a task switch that fails after its commit, in a shutdown, has not loaded them (SDM vol. 3, 7.3)
  ['V86 segments are 64 KiB', (state) => !state.v86 || state.get(L.ACTIVITY) === ACTIVITY.SHUTDOWN || state.segment(L.SEGMENT.CS).limit === 0xffff],
  ['TF, VM and IF are where EFLAGS has them', (state) => (state.systemFlags & (FLAG.TF | FLAG.IF | FLAG.VM)) === (state.eflags & (FLAG.TF | FLAG.IF | FLAG.VM))],
] as const satisfies readonly (readonly [string, (state: CpuState) => boolean])[]; // prettier-ignore
