/**
 * The picture that a display adapter shows: a Bochs VBE mode where one is enabled, else what the VGA's
 * registers make of its memory, else nothing (IBM PS/2 hardware interface technical reference, "Video subsystem").
 */
import type { Picture } from '../picture.ts';
import { vbePicture } from './vbe-picture.ts';
import type { VideoState } from './vga-colors.ts';
import { graphicsPicture } from './vga-graphics.ts';
import type { ReadonlyVgaRegisters } from './vga-registers.ts';
import { CRTC, GRAPHICS, SEQUENCER } from './vga-registers.ts';
import { textPicture } from './vga-text.ts';

const SCREEN_OFF = 0x20;
const PALETTE_SOURCE = 0x20;
const TIMING_RUNS = 0x80;
const GRAPHICS_MODE = 0x01;

export function picture(video: VideoState): Picture {
  const { registers, vbe } = video;
  if (isDark(registers)) return { kind: 'blank' };
  if (vbe.enabled) return vbePicture(video);
  const isGraphics = (registers.graphics[GRAPHICS.miscellaneous] & GRAPHICS_MODE) !== 0;
  return isGraphics ? graphicsPicture(video) : textPicture(video);
}

function isDark({ sequencer, attributeIndex, crtc }: ReadonlyVgaRegisters): boolean {
  return (
    (sequencer[SEQUENCER.clockingMode] & SCREEN_OFF) !== 0 ||
    (sequencer[SEQUENCER.reset] & 3) !== 3 ||
    (attributeIndex & PALETTE_SOURCE) === 0 ||
    (crtc[CRTC.modeControl] & TIMING_RUNS) === 0
  );
}
