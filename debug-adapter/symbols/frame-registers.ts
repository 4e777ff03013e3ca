/**
 * What expressions need to know of call frames: where a variable lies hangs on the frame's registers and
 * on its canonical frame address (DWARF 5, 6.4). Registers go by DWARF's numbers (System V ABI for i386,
 * table 2.14): 0 to 8 are eax, ecx, edx, ebx, esp, ebp, esi, edi and eip.
 */
import type { CfaRule } from '../../emulator/formats/dwarf/frame-program.ts';

/** One frame of a stopped guest: a caller's as the unwinder has found them. */
export interface FrameRegisters {
  /** Unsigned 32 bits; null where nobody knows what the register held in this frame. */
  register(number: number): number | null;
  /** Linear; null where call frame information is missing. */
  readonly cfa: number | null;
}

/** What the unwinder tells. */
export interface FrameInformation {
  /** At a linear address of the running guest; null where no call frame information covers it. */
  cfaRuleAt(address: number): CfaRule | null;
}
