/**
 * Where the beam of a VGA is, worked out from its CRT controller's registers and virtual time (IBM PS/2
 * hardware interface technical reference, "Video subsystem", input status register 1). A frame begins at
 * every multiple of its length, whenever the registers were written.
 */
import {
  CRTC,
  SEQUENCER,
  type ReadonlyVgaRegisters,
  verticalDisplay,
  verticalRetraceStart,
  verticalTotal,
} from './vga-registers.ts';

const DISPLAY_DISABLED = 0x01;
const VERTICAL_RETRACE = 0x08;
/** Dot clocks by bits 3-2 of the miscellaneous output register, Hz; 2 and 3 are external and absent. */
const DOT_CLOCKS = [25_175_000, 28_322_000, 25_175_000, 25_175_000] as const;
const EIGHT_DOTS = 0x01;
const HALF_CLOCK = 0x08;
const NS_PER_SECOND = 1_000_000_000;
/** Retraces that registers ask for below the last line would never come; a guest must not wait forever. */
const SHORTEST_RETRACE = 2;

/** Input status register 1 at virtual time `now`, ns. */
export function inputStatus1(registers: ReadonlyVgaRegisters, now: number): number {
  const { crtc, sequencer, miscellaneousOutput } = registers;
  const clocking = sequencer[SEQUENCER.clockingMode];
  const dots = clocking & EIGHT_DOTS ? 8 : 9;
  const clock = DOT_CLOCKS[(miscellaneousOutput >> 2) & 3] / (clocking & HALF_CLOCK ? 2 : 1);
  const characters = crtc[CRTC.horizontalTotal] + 5;
  const lineTime = (characters * dots * NS_PER_SECOND) / clock;
  const lines = verticalTotal(registers);
  const inFrame = now % (lines * lineTime);
  const line = Math.floor(inFrame / lineTime);
  const character = Math.floor(((inFrame - line * lineTime) / lineTime) * characters);

  const shown = line < verticalDisplay(registers) && character <= crtc[CRTC.horizontalDisplayEnd];
  const start = Math.min(verticalRetraceStart(registers), lines - SHORTEST_RETRACE);
  // the end register has the low four bits of the line after the retrace
  const length = (crtc[CRTC.verticalRetraceEnd] - start) & 0xf || 16;
  const retrace = line >= start && line < start + length;
  return (shown ? 0 : DISPLAY_DISABLED) | (retrace ? VERTICAL_RETRACE : 0);
}
