/**
 * Colours of a display adapter: numbers in video memory go through the attribute controller's palette
 * where pixels have four bits, and through the DAC (IBM PS/2 hardware interface technical reference,
 * "Video subsystem").
 */
import type { VbeMode } from './bochs-vbe.ts';
import { ATTRIBUTE, type ReadonlyVgaRegisters } from './vga-registers.ts';

/** The adapter as it is at a moment. */
export interface VideoState {
  readonly registers: ReadonlyVgaRegisters;
  readonly vbe: VbeMode;
  /** As VideoMemory has them. */
  readonly bytes: Uint8Array;
}

/** Attribute mode control: palette bits 5-4 come from the colour select register. */
const SELECT_BITS_5_4 = 0x80;
const COLORS = 256;

/** 0xRRGGBB of each DAC index, behind the pixel mask. */
export function dacColors({ registers, vbe }: VideoState): Uint32Array {
  const { colors, mask } = registers.dac;
  const whole = (value: number): number =>
    vbe.eightBitColors ? value : ((value << 2) | (value >> 4)) & 0xff;
  return Uint32Array.from({ length: COLORS }, (_, index) => {
    const at = 3 * (index & mask);
    return (whole(colors[at]) << 16) | (whole(colors[at + 1]) << 8) | whole(colors[at + 2]);
  });
}

/** 0xRRGGBB of the sixteen colours of the attribute controller. */
export function attributeColors(video: VideoState): readonly number[] {
  const { attribute } = video.registers;
  const colors = dacColors(video);
  const select = attribute[ATTRIBUTE.colorSelect];
  const enabled = attribute[ATTRIBUTE.colorPlaneEnable];
  const from54 = (attribute[ATTRIBUTE.modeControl] & SELECT_BITS_5_4) !== 0;
  return Array.from({ length: 16 }, (_, color) => {
    const entry = attribute[color & enabled];
    const low = from54 ? (entry & 0x0f) | ((select & 3) << 4) : entry & 0x3f;
    return colors[low | ((select & 0x0c) << 4)];
  });
}
