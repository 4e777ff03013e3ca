/**
 * Addresses that a VGA's CRT controller puts on the memory's address lines (IBM PS/2 hardware interface
 * technical reference, "Video subsystem", CRTC mode control and underline location registers): the
 * memory address counter in byte, word or doubleword mode, and row scan bits in place of two of them.
 * Doubleword addresses end in two zeros, as those of chain-4 accesses do here (vga-planes.ts).
 */
import { CRTC, type ReadonlyVgaRegisters } from './vga-registers.ts';

const DOUBLEWORD = 0x40;
const BYTE_MODE = 0x40;
const WRAP_AT_BIT_15 = 0x20;
/** 0: row scan bit 0 in place of address bit 13, bit 1 in place of 14 (CGA, Hercules). */
const KEEP_BIT_13 = 0x01;
const KEEP_BIT_14 = 0x02;

/** Offset in a plane for a value of the address counter in line `rowScan` of its character row. */
export function memoryAddress(
  { crtc }: ReadonlyVgaRegisters,
  counter: number,
  rowScan: number,
): number {
  const control = crtc[CRTC.modeControl];
  let address = counter & 0xffff;
  if ((crtc[CRTC.underlineLocation] & DOUBLEWORD) !== 0) {
    address <<= 2;
  } else if ((control & BYTE_MODE) === 0) {
    const wrapped = control & WRAP_AT_BIT_15 ? address >> 15 : address >> 13;
    address = (address << 1) | (wrapped & 1);
  }
  if ((control & KEEP_BIT_13) === 0) address = (address & ~0x2000) | ((rowScan & 1) << 13);
  if ((control & KEEP_BIT_14) === 0) address = (address & ~0x4000) | ((rowScan & 2) << 13);
  return address & 0xffff;
}

/** Start address register: the counter at the top of the screen. */
export function startAddress({ crtc }: ReadonlyVgaRegisters): number {
  return (crtc[CRTC.startAddressHigh] << 8) | crtc[CRTC.startAddressLow];
}

/** What the counter grows by from one character row to the next. */
export function rowPitch({ crtc }: ReadonlyVgaRegisters): number {
  return 2 * crtc[CRTC.offset];
}
