/**
 * What differs between our processor and QEMU's between two instructions: EIP, EFLAGS, general registers,
 * selectors, control registers, x87 and XMM registers. RF is not compared: GDB's single steps clear it.
 */
import * as L from '../../../emulator/cpu/layout.ts';
import type { BareCpu } from '../../../emulator/cpu/testing/bare-cpu.ts';
import { FLAG } from '../../../emulator/cpu/state.ts';
import { GDB, type GdbRegisters } from './gdb-client.ts';
import { GDB_SEGMENTS } from './same-start.ts';

export const GPRS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const SELECTORS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'];
const CONTROLS = [['cr0', 0, GDB.CR0], ['cr2', 2, GDB.CR2], ['cr3', 3, GDB.CR3], ['cr4', 4, GDB.CR4]] as const; // prettier-ignore
const STATUS_TOP = 0x3800;

/** One register that differs. */
export interface Difference {
  readonly register: string;
  readonly ours: string;
  readonly theirs: string;
}

export function differences({ cpu: { state } }: BareCpu, theirs: GdbRegisters): Difference[] {
  const found: Difference[] = [];
  const word = (register: string, a: number, b: number): void => {
    if (a >>> 0 !== b >>> 0) found.push({ register, ours: (a >>> 0).toString(16), theirs: (b >>> 0).toString(16) }); // prettier-ignore
  };
  const bytes = (register: string, at: number, length: number, b: string): void => {
    const a = Buffer.from(state.u8.slice(at, at + length)).toString('hex');
    if (a !== b) found.push({ register, ours: a, theirs: b });
  };
  word('eip', state.eip, theirs.word(GDB.EIP));
  word('eflags', state.eflags & ~FLAG.RF, theirs.word(GDB.EFLAGS) & ~FLAG.RF);
  GPRS.forEach((name, n) => { word(name, state.gpr(n, 4), theirs.word(GDB.GPR + n)); }); // prettier-ignore
  SELECTORS.forEach((name, n) => { word(name, state.selector(GDB_SEGMENTS[n] ?? 0), theirs.word(GDB.CS + n) & 0xffff); }); // prettier-ignore
  for (const [name, n, number] of CONTROLS) word(name, state.cr(n), theirs.word(number));
  for (let n = 0; n < 8; n++) {
    bytes(`r${String(n)}`, L.FPU_REGISTERS + 16 * n, 10, theirs.hex(GDB.ST + n));
    bytes(`xmm${String(n)}`, L.XMM + 16 * n, 16, theirs.hex(GDB.XMM + n));
  }
  word('fcw', state.view.getUint16(L.FPU_CONTROL, true), theirs.word(GDB.FCTRL) & 0xffff);
  const status = state.view.getUint16(L.FPU_STATUS, true);
  word('fsw', status & ~STATUS_TOP, theirs.word(GDB.FSTAT) & 0xffff & ~STATUS_TOP);
  word('top', (status & STATUS_TOP) >> 11, (theirs.word(GDB.FSTAT) & STATUS_TOP) >> 11);
  word('mxcsr', state.get(L.MXCSR), theirs.word(GDB.MXCSR));
  return found;
}

export function text(list: readonly Difference[]): string {
  return list.slice(0, 8).map(({ register, ours, theirs }) => `${register} ${ours}, QEMU ${theirs}`).join('; '); // prettier-ignore
}
