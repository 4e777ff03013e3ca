/**
 * Control and debug registers (SDM vol. 3, 2.5, 17.2) and the PAE page-directory-pointer entries that
 * are loaded with them (4.4.1). Checks are those of MOV to CR and DR (vol. 2); setters commit without
 * asking.
 *
 * Unimplemented bits of CR0 are dropped, those of CR4 raise #GP(0); which bits of CR4 exist follows
 * from the model's CPUID features.
 */
import type { CpuModel } from './cpu-model.ts';
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import type { Processor } from './processor.ts';
import { CR0, CR4 } from './state.ts';

/** Bits of CR0 that can be changed; ET is always one. */
const CR0_WRITABLE = CR0.PE | CR0.MP | CR0.EM | CR0.TS | CR0.NE | CR0.WP | CR0.AM | CR0.NW | CR0.CD | CR0.PG; // prettier-ignore
/** Changing one of these in CR0, CR4 invalidates the whole TLB (SDM vol. 3, 4.10.4.1). */
const CR0_FLUSH = CR0.PG | CR0.WP | CR0.PE;
const CR4_FLUSH = CR4.PSE | CR4.PAE | CR4.PGE;
/** Changing one of these reloads the page-directory-pointer entries (4.4.1). */
const CR0_PDPTE = CR0.CD | CR0.NW | CR0.PG;

/** Bits of CR4 by the CPUID feature that brings them; PCE came with the P6 family, as CMOV did. */
const CR4_FEATURES = [
  ['vme',  CR4.VME | CR4.PVI],
  ['tsc',  CR4.TSD],
  ['de',   CR4.DE],
  ['pse',  CR4.PSE],
  ['pae',  CR4.PAE],
  ['mce',  CR4.MCE],
  ['pge',  CR4.PGE],
  ['cmov', CR4.PCE],
  ['fxsr', CR4.OSFXSR],
  ['sse',  CR4.OSXMMEXCPT],
  ['umip', CR4.UMIP],
  ['smep', CR4.SMEP],
  ['smap', CR4.SMAP],
] as const; // prettier-ignore

/** Bits of CR4 that the model has. */
export function cr4Writable({ features }: CpuModel): number {
  let bits = 0;
  for (const [feature, mask] of CR4_FEATURES) if (features.has(feature)) bits |= mask;
  return bits;
}

/** Reserved bits of a present page-directory-pointer entry with 36 physical address bits. */
const PDPTE_RESERVED_LOW = 0x1e6;
const PDPTE_RESERVED_HIGH = 0xfffffff0;

/**
 * Reads the four entries at `cr3` and, if none is present with a reserved bit set, loads them: true.
 * Does nothing but say true when PAE paging is not in use under the given CR0 and CR4.
 */
export function loadDirectoryPointers(
  cpu: Processor,
  cr3: number,
  cr0: number = cpu.state.cr(0),
  cr4: number = cpu.state.cr(4),
): boolean {
  if ((cr0 & CR0.PG) === 0 || (cr4 & CR4.PAE) === 0) return true;
  const table = (cr3 & ~0x1f) >>> 0;
  const words: number[] = [];
  for (let offset = 0; offset < 32; offset += 4) words.push(cpu.readPhysical32(table + offset));
  for (let i = 0; i < 8; i += 2) {
    if ((words[i] & 1) === 0) continue;
    if ((words[i] & PDPTE_RESERVED_LOW) !== 0) return false;
    if ((words[i + 1] & PDPTE_RESERVED_HIGH) !== 0) return false;
  }
  words.forEach((word, i) => cpu.state.set(L.PDPTE + i * 4, word));
  return true;
}

/** Commits CR0 with what follows from the change. */
export function setCr0(cpu: Processor, value: number): void {
  const { state } = cpu;
  const old = state.cr(0);
  state.setCr(0, ((value & CR0_WRITABLE) | CR0.ET) >>> 0);
  const changed = old ^ state.cr(0);
  if ((changed & (CR0_FLUSH | CR0_PDPTE)) !== 0) cpu.flushTlb(true);
  if (changed !== 0) cpu.modeChanged();
}

/** Commits CR3; the entries of PAE paging are already loaded. */
export function setCr3(cpu: Processor, value: number): void {
  cpu.state.setCr(3, value);
  cpu.flushTlb(false);
  cpu.modeChanged();
}

/** MOV to CR0, CR2, CR3 or CR4 with the checks of its instruction page; CPL is already checked. */
export function writeControlRegister(cpu: Processor, register: number, value: number): void {
  switch (register) {
    case 0:
      writeCr0(cpu, value);
      break;
    case 2:
      cpu.state.setCr(2, value);
      break;
    case 3:
      if (!loadDirectoryPointers(cpu, value)) cpu.fault(VECTOR.GP, 0);
      setCr3(cpu, value);
      break;
    case 4:
      writeCr4(cpu, value);
      break;
    default:
      cpu.fault(VECTOR.UD);
  }
}

/** #GP(0) for a value that MOV to CR0 or CR4 refuses before it looks at memory. */
export function checkControlRegister(cpu: Processor, register: number, value: number): void {
  if (register === 0) {
    if ((value & CR0.PG) !== 0 && (value & CR0.PE) === 0) cpu.fault(VECTOR.GP, 0);
    if ((value & CR0.NW) !== 0 && (value & CR0.CD) === 0) cpu.fault(VECTOR.GP, 0);
  } else if (register === 4 && (value & ~cr4Writable(cpu.model)) !== 0) {
    cpu.fault(VECTOR.GP, 0);
  }
}

/** MOV to CR0 and LMSW. */
export function writeCr0(cpu: Processor, value: number): void {
  const { state } = cpu;
  checkControlRegister(cpu, 0, value);
  if (((state.cr(0) ^ value) & CR0_PDPTE) !== 0) {
    if (!loadDirectoryPointers(cpu, state.cr(3), value)) cpu.fault(VECTOR.GP, 0);
  }
  setCr0(cpu, value);
}

function writeCr4(cpu: Processor, value: number): void {
  const { state } = cpu;
  checkControlRegister(cpu, 4, value);
  const changed = state.cr(4) ^ value;
  if ((changed & CR4_FLUSH) !== 0) {
    if (!loadDirectoryPointers(cpu, state.cr(3), state.cr(0), value)) cpu.fault(VECTOR.GP, 0);
  }
  state.setCr(4, value);
  if ((changed & CR4_FLUSH) !== 0) cpu.flushTlb(true);
  if (changed !== 0) cpu.modeChanged();
}

/** DR6 (SDM vol. 3, 17.2.3): B0-B3, BD, BS, BT can be written, the rest reads as ones but bit 12. */
export const DR6_WRITABLE = 0xe00f;
export const DR6_FIXED = 0xffff0ff0;
/** DR7 (17.2.4): bits 11, 12, 14 and 15 read as zero, bit 10 as one. */
const DR7_WRITABLE = 0xffff27ff;
const DR7_FIXED = 0x400;
export const DR7_GD = 1 << 13;
export const DR6_BD = 1 << 13;

/** The register that number 4 or 5 stands for: 6 or 7, or #UD under CR4.DE. */
export function debugRegister(cpu: Processor, number: number): number {
  if (number !== 4 && number !== 5) return number;
  if ((cpu.state.cr(4) & CR4.DE) !== 0) cpu.fault(VECTOR.UD);
  return number + 2;
}

/** Commits a debug register from debugRegister(). */
export function setDebugRegister(cpu: Processor, register: number, value: number): void {
  const { state } = cpu;
  if (register === 6) state.setDr(6, ((value & DR6_WRITABLE) | DR6_FIXED) >>> 0);
  else if (register === 7) state.setDr(7, ((value & DR7_WRITABLE) | DR7_FIXED) >>> 0);
  else state.setDr(register, value);
  cpu.modeChanged();
}
