/**
 * Text modes of a VGA (IBM PS/2 hardware interface technical reference, "Video subsystem"): characters in
 * plane 0, attributes in plane 1, glyphs in plane 2. Not shown: smooth scrolling within a cell, the split
 * screen, the ninth dot's column (whoever draws the glyphs may add it).
 */
import type { TextCursor, TextPicture } from '../picture.ts';
import { memoryAddress, rowPitch, startAddress } from './crtc-address.ts';
import { attributeColors, type VideoState } from './vga-colors.ts';
import {
  ATTRIBUTE,
  CRTC,
  type ReadonlyVgaRegisters,
  SEQUENCER,
  verticalDisplay,
} from './vga-registers.ts';

const BLINK_ENABLE = 0x08;
const CURSOR_OFF = 0x20;
const DOUBLE_SCAN = 0x80;
const GLYPH_BYTES = 32;
const GLYPHS = 256;

export function textPicture(video: VideoState): TextPicture {
  const { registers, bytes } = video;
  const { crtc, attribute } = registers;
  const columns = crtc[CRTC.horizontalDisplayEnd] + 1;
  const cellHeight = (crtc[CRTC.maximumScanLine] & 0x1f) + 1;
  const doubled = (crtc[CRTC.maximumScanLine] & DOUBLE_SCAN) !== 0 ? 2 : 1;
  const rows = Math.max(1, Math.floor(verticalDisplay(registers) / (cellHeight * doubled)));
  const start = startAddress(registers);
  const pitch = rowPitch(registers);
  const cells = new Uint8Array(2 * columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = 4 * memoryAddress(registers, start + row * pitch + column, 0);
      cells[2 * (row * columns + column)] = bytes[at];
      cells[2 * (row * columns + column) + 1] = bytes[at + 1];
    }
  }
  return {
    kind: 'text',
    columns,
    rows,
    cells,
    cursor: cursor(registers, columns, rows, cellHeight),
    palette: attributeColors(video),
    blinks: (attribute[ATTRIBUTE.modeControl] & BLINK_ENABLE) !== 0,
    cellHeight,
    glyphs: glyphs(video),
  };
}

function cursor(
  registers: ReadonlyVgaRegisters,
  columns: number,
  rows: number,
  cellHeight: number,
): TextCursor | null {
  const { crtc } = registers;
  const place = (crtc[CRTC.cursorHigh] << 8) | crtc[CRTC.cursorLow];
  const cell = (place - startAddress(registers)) & 0xffff;
  const pitch = rowPitch(registers) || columns;
  const row = Math.floor(cell / pitch);
  const column = cell % pitch;
  const firstLine = crtc[CRTC.cursorStart] & 0x1f;
  const lastLine = Math.min(crtc[CRTC.cursorEnd] & 0x1f, cellHeight - 1);
  const off = (crtc[CRTC.cursorStart] & CURSOR_OFF) !== 0 || firstLine > lastLine;
  return off || row >= rows || column >= columns ? null : { column, row, firstLine, lastLine };
}

/** Fonts of character map select: the second, B, for attributes with bit 3 clear, A for those with it. */
function glyphs({ registers, bytes }: VideoState): Uint8Array | null {
  const select = registers.sequencer[SEQUENCER.mapSelect];
  const mapB = (select & 3) | ((select >> 2) & 4);
  const mapA = ((select >> 2) & 3) | ((select >> 3) & 4);
  const maps = mapA === mapB ? [mapB] : [mapB, mapA];
  const font = new Uint8Array(maps.length * GLYPHS * GLYPH_BYTES);
  maps.forEach((map, index) => {
    const from = mapOffset(map);
    const to = index * GLYPHS * GLYPH_BYTES;
    for (let at = 0; at < GLYPHS * GLYPH_BYTES; at++) font[to + at] = bytes[4 * (from + at) + 2];
  });
  return font.some((line) => line !== 0) ? font : null;
}

/** Maps 0-3 lie 16 KiB apart, 4-7 eight KiB behind each. */
function mapOffset(map: number): number {
  return (map & 3) * 0x4000 + (map & 4 ? 0x2000 : 0);
}
