/**
 * The registers of a VGA (IBM PS/2 hardware interface technical reference, "Video subsystem", 1991): their
 * indices, which of their bits exist, and the values that the BIOS gives them for text mode 3 (80 x 25,
 * 16 colours), in which the adapter starts as firmware would leave it. The chip behind the ports is vga.ts.
 *
 * Not emulated: the monochrome adapter's mode 7 at power-on, the diagnostic bits of input status 1.
 */

/** Sequencer, 3C4h/3C5h. */
export const SEQUENCER = {
  reset: 0,
  clockingMode: 1,
  mapMask: 2,
  mapSelect: 3,
  memoryMode: 4,
} as const;

/** Graphics controller, 3CEh/3CFh. */
// prettier-ignore
export const GRAPHICS = {
  setReset: 0, enableSetReset: 1, colorCompare: 2, dataRotate: 3, readMapSelect: 4,
  mode: 5, miscellaneous: 6, colorDontCare: 7, bitMask: 8,
} as const;

/** CRT controller, 3D4h/3D5h (3B4h/3B5h monochrome). */
// prettier-ignore
export const CRTC = {
  horizontalTotal: 0x00, horizontalDisplayEnd: 0x01, verticalTotal: 0x06, overflow: 0x07,
  presetRowScan: 0x08, maximumScanLine: 0x09, cursorStart: 0x0a, cursorEnd: 0x0b,
  startAddressHigh: 0x0c, startAddressLow: 0x0d, cursorHigh: 0x0e, cursorLow: 0x0f,
  verticalRetraceStart: 0x10, verticalRetraceEnd: 0x11, verticalDisplayEnd: 0x12, offset: 0x13,
  underlineLocation: 0x14, modeControl: 0x17, lineCompare: 0x18,
} as const;

/** Attribute controller, 3C0h/3C1h; 0-15 are the palette. */
export const ATTRIBUTE = {
  modeControl: 0x10,
  overscanColor: 0x11,
  colorPlaneEnable: 0x12,
  horizontalPanning: 0x13,
  colorSelect: 0x14,
} as const;

/** Bits that exist, by index; registers beyond the lists do not exist and read as 0. */
// prettier-ignore
export const EXISTING_BITS = {
  sequencer: [0x03, 0x3d, 0x0f, 0x3f, 0x0e],
  graphics:  [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff],
  crtc:      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0x3f, 0x7f, 0xff, 0xff, 0xff, 0xff,
              0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xef, 0xff],
  attribute: [0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
              0xef, 0xff, 0x3f, 0x0f, 0x0f],
} as const;

/** Registers of text mode 3 with 9 x 16 dots a character (the BIOS's video parameter table). */
// prettier-ignore
const MODE_3 = {
  miscellaneousOutput: 0x67,
  sequencer: [0x03, 0x00, 0x03, 0x00, 0x02],
  crtc:      [0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00,
              0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff],
  graphics:  [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff],
  attribute: [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
              0x0c, 0x00, 0x0f, 0x08, 0x00],
} as const;

const DAC_COLORS = 256;
const TEXT_COLORS = 64;

/** Text mode's colours: bits 2-0 red, green, blue with 2/3 of full light each, bits 5-3 with 1/3. */
function textColors(): number[] {
  const colors = new Array<number>(3 * DAC_COLORS).fill(0);
  for (let color = 0; color < TEXT_COLORS; color++) {
    for (let component = 0; component < 3; component++) {
      const strong = (color >> (2 - component)) & 1 ? 0x2a : 0;
      const weak = (color >> (5 - component)) & 1 ? 0x15 : 0;
      colors[3 * color + component] = strong + weak;
    }
  }
  return colors;
}

/** All registers in text mode 3. */
export function textMode3() {
  return {
    miscellaneousOutput: MODE_3.miscellaneousOutput as number,
    featureControl: 0,
    videoEnabled: true,
    sequencerIndex: 0,
    sequencer: [...MODE_3.sequencer] as number[],
    graphicsIndex: 0,
    graphics: [...MODE_3.graphics] as number[],
    crtcIndex: 0,
    crtc: [...MODE_3.crtc] as number[],
    /** With bit 5, the palette address source: 0 leaves the screen dark. */
    attributeIndex: 0x20,
    /** The next write to 3C0h is data. */
    attributeData: false,
    attribute: [...MODE_3.attribute] as number[],
    dac: {
      mask: 0xff,
      /** Red, green, blue of each colour, as written (six bits, eight where VBE says so). */
      colors: textColors(),
      readIndex: 0,
      writeIndex: 0,
      /** Component that comes next, 0-2. */
      component: 0,
      reading: false,
    },
    /** What the last read took from the four planes. */
    latches: [0, 0, 0, 0],
  };
}
export type VgaRegisters = ReturnType<typeof textMode3>;

export type ReadonlyVgaRegisters = Readonly<VgaRegisters>;

/** CRTC values of ten bits: low byte in a register, bits 8 and 9 in the overflow register. */
export function verticalTotal({ crtc }: ReadonlyVgaRegisters): number {
  return tenBits(crtc, CRTC.verticalTotal, 0, 5) + 2;
}
/** Scan lines that are shown. */
export function verticalDisplay({ crtc }: ReadonlyVgaRegisters): number {
  return tenBits(crtc, CRTC.verticalDisplayEnd, 1, 6) + 1;
}
export function verticalRetraceStart({ crtc }: ReadonlyVgaRegisters): number {
  return tenBits(crtc, CRTC.verticalRetraceStart, 2, 7);
}
/** Scan line after which the picture starts again from address 0. */
export function lineCompare({ crtc }: ReadonlyVgaRegisters): number {
  const bit9 = (crtc[CRTC.maximumScanLine] & 0x40) << 3;
  return crtc[CRTC.lineCompare] | ((crtc[CRTC.overflow] & 0x10) << 4) | bit9;
}

function tenBits(crtc: readonly number[], low: number, bit8: number, bit9: number): number {
  const overflow = crtc[CRTC.overflow];
  return crtc[low] | (((overflow >> bit8) & 1) << 8) | (((overflow >> bit9) & 1) << 9);
}
