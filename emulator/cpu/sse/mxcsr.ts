/**
 * MXCSR, the control and status register of the SSE unit (SDM vol. 1, 10.2.3), and what becomes of the
 * exceptions that the lanes of one instruction raise (11.5.2, 11.5.3 and vol. 3, 13.3).
 *
 *   0 IE | 1 DE | 2 ZE | 3 OE | 4 UE | 5 PE | 6 DAZ | 12..7 masks in the flags' order | 14..13 RC | 15 FTZ
 */

/** Exception flags: invalid operation, denormal operand, divide by zero, overflow, underflow, precision. */
export const FLAG = { IE: 1, DE: 2, ZE: 4, OE: 8, UE: 16, PE: 32 } as const;
/** Denormals are zeros, flush to zero. */
export const DAZ = 1 << 6;
export const FTZ = 1 << 15;
/** Rounding control. */
export const ROUND = { NEAREST: 0, DOWN: 1, UP: 2, ZERO: 3 } as const;

/** From a flag to its mask. */
export const MASK_SHIFT = 7;
/** RC. */
export const ROUNDING_MASK = 3 << 13;
const EXCEPTIONS = 0x3f;
/** Found before anything is computed; unmasked in one lane, they keep every lane from being computed. */
const BEFORE = FLAG.IE | FLAG.DE | FLAG.ZE;

/** The value of RC: one of ROUND. */
export function roundingOf(mxcsr: number): number {
  return (mxcsr >> 13) & 3;
}

export function isMasked(mxcsr: number, flag: number): boolean {
  return ((mxcsr >> MASK_SHIFT) & flag) !== 0;
}

/** Which of `flags` are unmasked: not 0, the instruction ends in #XM and writes nothing. */
export function unmasked(mxcsr: number, flags: number): number {
  return flags & ~(mxcsr >> MASK_SHIFT) & EXCEPTIONS;
}

/** MXCSR after an instruction whose lanes raised `flags`, whether or not it ends in an exception. */
export function withFlags(mxcsr: number, flags: number): number {
  return mxcsr | ((unmasked(mxcsr, flags) & BEFORE) !== 0 ? flags & BEFORE : flags);
}
