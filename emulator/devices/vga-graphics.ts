/**
 * Graphics modes of a VGA (IBM PS/2 hardware interface technical reference, "Video subsystem"): sixteen
 * colours from four planes, four colours from bit pairs as in a CGA, 256 colours from bytes (mode 13h and
 * what unchained modes make of it). Lines that the CRT controller repeats are given once.
 */
import type { GraphicsPicture } from '../picture.ts';
import { memoryAddress, rowPitch, startAddress } from './crtc-address.ts';
import { attributeColors, dacColors, type VideoState } from './vga-colors.ts';
import {
  ATTRIBUTE,
  CRTC,
  GRAPHICS,
  lineCompare,
  type ReadonlyVgaRegisters,
  verticalDisplay,
} from './vga-registers.ts';

const DOUBLE_SCAN = 0x80;
/** Mode control of the CRT controller: row scan bits do not reach the memory's address. */
const NO_ROW_SCAN_BITS = 0x03;
const SHIFT_256 = 0x40;
const SHIFT_PAIRS = 0x20;
const PANNING_ENDS_AT_SPLIT = 0x20;

/** Colour numbers of the pixels that one value of the address counter gives. */
type Shift = (bytes: Uint8Array, address: number, pixels: Uint8Array) => void;

export function graphicsPicture(video: VideoState): GraphicsPicture {
  const { registers, bytes } = video;
  const mode = registers.graphics[GRAPHICS.mode];
  const wide = (mode & SHIFT_256) !== 0;
  const shift = wide ? shiftBytes : (mode & SHIFT_PAIRS) !== 0 ? shiftPairs : shiftPlanes;
  const colors = wide ? dacColors(video) : attributeColors(video);
  const perCount = wide ? 4 : 8;
  const counts = registers.crtc[CRTC.horizontalDisplayEnd] + 1;
  const width = counts * perCount;
  const lines = lineAddresses(registers);
  const pixels = new Uint8Array(4 * width * lines.length);
  // one count more than is shown, for panning
  const line = new Uint8Array((counts + 1) * perCount);
  const piece = new Uint8Array(perCount);
  lines.forEach(({ counter, rowScan, panning }, row) => {
    for (let count = 0; count <= counts; count++) {
      shift(bytes, memoryAddress(registers, counter + count, rowScan), piece);
      line.set(piece, count * perCount);
    }
    for (let x = 0; x < width; x++) putPixel(pixels, row * width + x, colors[line[x + panning]]);
  });
  return { kind: 'graphics', width, height: lines.length, pixels };
}

export function putPixel(pixels: Uint8Array, index: number, color: number): void {
  pixels[4 * index] = color >> 16;
  pixels[4 * index + 1] = (color >> 8) & 0xff;
  pixels[4 * index + 2] = color & 0xff;
  pixels[4 * index + 3] = 0xff;
}

interface Line {
  /** The address counter at its left end. */
  readonly counter: number;
  readonly rowScan: number;
  /** Pixels that are left out there. */
  readonly panning: number;
}

/** Every line of the picture that can differ from the one above it. */
function lineAddresses(registers: ReadonlyVgaRegisters): readonly Line[] {
  const { crtc } = registers;
  const repeated = (crtc[CRTC.maximumScanLine] & DOUBLE_SCAN) !== 0 ? 2 : 1;
  const rowLines = (crtc[CRTC.maximumScanLine] & 0x1f) + 1;
  const same = (crtc[CRTC.modeControl] & NO_ROW_SCAN_BITS) === NO_ROW_SCAN_BITS;
  const step = repeated * (same ? rowLines : 1);
  const height = Math.max(1, Math.floor(verticalDisplay(registers) / step));
  // the line after the one that compares equal is the first of the lower part
  const split = lineCompare(registers) + 1;
  const top = startAddress(registers) + ((crtc[CRTC.presetRowScan] >> 5) & 3);
  return Array.from({ length: height }, (_, index) => {
    const scanLine = index * step;
    const lower = scanLine >= split;
    const line = Math.floor((scanLine - (lower ? split : 0)) / repeated);
    const row = Math.floor(line / rowLines);
    return {
      counter: (lower ? 0 : top) + row * rowPitch(registers),
      rowScan: line % rowLines,
      panning: panning(registers, lower),
    };
  });
}

function panning({ attribute, graphics }: ReadonlyVgaRegisters, lower: boolean): number {
  const ends = (attribute[ATTRIBUTE.modeControl] & PANNING_ENDS_AT_SPLIT) !== 0;
  if (lower && ends) return 0;
  const shift = attribute[ATTRIBUTE.horizontalPanning] & 7;
  return (graphics[GRAPHICS.mode] & SHIFT_256) !== 0 ? shift >> 1 : shift;
}

/** A bit of each plane makes a colour. */
const shiftPlanes: Shift = (bytes, address, pixels) => {
  const at = 4 * address;
  for (let x = 0; x < 8; x++) {
    let color = 0;
    for (let plane = 0; plane < 4; plane++) color |= ((bytes[at + plane] >> (7 - x)) & 1) << plane;
    pixels[x] = color;
  }
};

/** Bit pairs of plane 0, then of plane 1; planes 2 and 3 give the two higher bits. */
const shiftPairs: Shift = (bytes, address, pixels) => {
  const at = 4 * address;
  for (let x = 0; x < 8; x++) {
    const plane = x >> 2;
    const by = 6 - 2 * (x & 3);
    const low = (bytes[at + plane] >> by) & 3;
    const high = (bytes[at + plane + 2] >> by) & 3;
    pixels[x] = low | (high << 2);
  }
};

/** A byte of each plane in turn. */
const shiftBytes: Shift = (bytes, address, pixels) => {
  for (let x = 0; x < 4; x++) pixels[x] = bytes[4 * address + x];
};
