/**
 * What the display adapter shows in each kind of mode. Modes are the BIOS's (testing/video-modes.ts);
 * where a pixel or character lies in memory is from IBM's PS/2 hardware interface technical reference
 * ("Video subsystem") and, for the modes beyond, from the Bochs VBE display API.
 * Run: node --import tsx --test emulator/devices/vga-picture.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TextPicture } from '../picture.ts';
import { adapter, MODES } from './testing/video-modes.ts';

function text(video: ReturnType<typeof adapter>): TextPicture {
  const now = video.shown();
  if (now.kind !== 'text') throw new Error(`the picture is ${now.kind}`);
  return now;
}

test('power-on is text mode 3: blank cells, a cursor at the top, the sixteen colours', () => {
  const now = text(adapter());
  assert.equal(`${now.columns} x ${now.rows}`, '80 x 25');
  assert.ok(now.cells.every((byte, at) => byte === (at % 2 ? 0x07 : 0x20)));
  assert.deepEqual(now.cursor, { column: 0, row: 0, firstLine: 13, lastLine: 14 });
  assert.equal(now.blinks, true);
  assert.equal(now.glyphs, null);
  assert.deepEqual(
    now.palette.map((color) => color.toString(16).padStart(6, '0')),
    ['000000', '0000aa', '00aa00', '00aaaa', 'aa0000', 'aa00aa', 'aa5500', 'aaaaaa',
      '555555', '5555ff', '55ff55', '55ffff', 'ff5555', 'ff55ff', 'ffff55', 'ffffff'],
  ); // prettier-ignore
});

test('text: cells, cursor, start address, forty columns, fifty rows', () => {
  const video = adapter();
  const { vga, indexed, setMode, size } = video;
  vga.writeMemory(0x18000 + 2 * (80 * 3 + 5), 2, 0x1e40);
  indexed(0x3d4, 0x0e, 0);
  indexed(0x3d4, 0x0f, 80 + 2);
  let now = text(video);
  assert.deepEqual([...now.cells.subarray(2 * (80 * 3 + 5)).slice(0, 2)], [0x40, 0x1e]);
  assert.deepEqual(now.cursor, { column: 2, row: 1, firstLine: 13, lastLine: 14 });
  indexed(0x3d4, 0x0d, 80);
  now = text(video);
  assert.equal(now.cells[2 * (80 * 2 + 5)], 0x40, 'a row higher');
  assert.equal(now.cursor?.row, 0);
  indexed(0x3d4, 0x0a, 0x20);
  assert.equal(text(video).cursor, null);
  setMode(MODES.text40);
  assert.equal(size(), 'text 40 x 25');
  indexed(0x3d4, 0x09, 0x47);
  assert.equal(size(), 'text 40 x 50');
});

test('text: glyphs in plane 2, two fonts where the map selects differ', () => {
  const video = adapter();
  const { vga, indexed } = video;
  indexed(0x3c4, 2, 4);
  indexed(0x3c4, 4, 7);
  indexed(0x3ce, 5, 0);
  indexed(0x3ce, 6, 4);
  vga.writeMemory(0x41 * 32 + 3, 1, 0x7e);
  vga.writeMemory(0x4000 + 0x42 * 32, 1, 0x18);
  indexed(0x3ce, 6, 0x0e);
  assert.equal(text(video).glyphs?.length, 256 * 32);
  assert.equal(text(video).glyphs?.[0x41 * 32 + 3], 0x7e);
  indexed(0x3c4, 3, 0x04);
  assert.equal(text(video).glyphs?.[(256 + 0x42) * 32], 0x18);
});

test('mode 12h: a bit of each plane, through palette and DAC', () => {
  const { vga, setMode, indexed, pixel, size } = adapter();
  setMode(MODES.mode12h);
  assert.equal(size(), 'graphics 640 x 480');
  indexed(0x3c4, 2, 0b1010);
  vga.writeMemory(80 * 100 + 2, 1, 0x20);
  assert.equal(pixel(18, 100), 0x55ff55, 'colour 10, light green');
  assert.equal(pixel(17, 100), 0);
});

test('mode 13h: a byte a pixel; line compare splits, panning moves by half its value', () => {
  const { vga, out, setMode, setAttribute, indexed, pixel, size } = adapter();
  setMode(MODES.mode13h);
  assert.equal(size(), 'graphics 320 x 200');
  out(0x3c8, 0x20);
  for (const value of [0x3f, 0x00, 0x15]) out(0x3c9, value);
  vga.writeMemory(320 * 10 + 7, 1, 0x20);
  assert.equal(pixel(7, 10), 0xff0055);
  setAttribute(0x13, 4);
  assert.equal(pixel(5, 10), 0xff0055);
  setAttribute(0x13, 0);
  // the lower part begins in scan line 100, line 50 of the picture
  indexed(0x3d4, 0x09, 0x01);
  indexed(0x3d4, 0x07, 0x0f);
  indexed(0x3d4, 0x18, 99);
  assert.equal(pixel(7, 10), 0xff0055);
  assert.equal(pixel(7, 60), 0xff0055);
});

test('mode X: four planes of bytes, 320 x 240', () => {
  const { vga, out, setMode, indexed, pixel, size } = adapter();
  setMode(MODES.mode13h);
  out(0x3c8, 1);
  for (const value of [0, 0x3f, 0]) out(0x3c9, value);
  // M. Abrash's register set: chain-4 off, byte mode, 480 scan lines
  indexed(0x3c4, 4, 0x06);
  indexed(0x3d4, 0x11, 0x0c);
  const crtc = { 0x06: 0x0d, 0x07: 0x3e, 0x09: 0x41, 0x10: 0xea, 0x11: 0xac, 0x12: 0xdf, 0x14: 0x00, 0x15: 0xe7, 0x16: 0x06, 0x17: 0xe3 }; // prettier-ignore
  for (const [index, value] of Object.entries(crtc)) indexed(0x3d4, Number(index), value);
  assert.equal(size(), 'graphics 320 x 240');
  indexed(0x3c4, 2, 1 << 3);
  vga.writeMemory(80 * 200 + 30, 1, 1);
  assert.equal(pixel(4 * 30 + 3, 200), 0x00ff00);
  assert.equal(pixel(4 * 30 + 2, 200), 0);
});

test('mode 4: bit pairs, odd lines 8 KiB behind even ones', () => {
  const { vga, setMode, pixel, size } = adapter();
  setMode(MODES.mode4);
  assert.equal(size(), 'graphics 320 x 200');
  vga.writeMemory(0x18000 + 80 * 3 + 1, 1, 0b00_01_10_11);
  vga.writeMemory(0x18000 + 0x2000 + 80 * 3, 1, 0b11_00_00_00);
  // palette 13h, 15h, 17h in the colours of text mode, which the BIOS would replace
  const colors = [4, 5, 6, 7].map((x) => pixel(x, 6).toString(16));
  assert.deepEqual(colors, ['0', 'ffaa', 'aa55aa', 'aaffaa']);
  assert.equal(pixel(0, 7), 0xaaffaa);
  assert.equal(pixel(4, 7), 0);
});

test('dark: screen off, sequencer in reset, CRT controller in reset', () => {
  const { indexed, size } = adapter();
  for (const [port, index, dark, light] of [
    [0x3c4, 1, 0x20, 0x00],
    [0x3c4, 0, 0x01, 0x03],
    [0x3d4, 0x17, 0x23, 0xa3],
  ] as const) {
    indexed(port, index, dark);
    assert.equal(size(), 'blank');
    indexed(port, index, light);
    assert.equal(size(), 'text 80 x 25');
  }
});

test('VBE: identity, depths in the frame buffer, offsets, the banked window', () => {
  const { vga, frameBuffer, setVbe, getVbe, pixel, size, out } = adapter();
  assert.equal(getVbe(0), 0xb0c5);
  setVbe(0, 0xb0c0);
  assert.equal(getVbe(0), 0xb0c0);
  setVbe(4, 2);
  assert.deepEqual([getVbe(1), getVbe(2), getVbe(3)], [1600, 1200, 32]);
  for (const [width, height, depth, stored, seen] of [
    [640, 480, 15, 0x7c1f, 0xff00ff],
    [800, 600, 16, 0x07e0, 0x00ff00],
    [1024, 768, 24, 0x123456, 0x123456],
    [1280, 1024, 32, 0xff654321, 0x654321],
  ] as const) {
    setVbe(4, 0);
    setVbe(1, width);
    setVbe(2, height);
    setVbe(3, depth);
    setVbe(4, 0x41);
    assert.equal(size(), `graphics ${width} x ${height}`);
    const bytes = (depth + 7) >> 3;
    frameBuffer.writeMemory((width * 11 + 13) * bytes, bytes, stored);
    assert.equal(pixel(13, 11), seen);
    setVbe(9, 4);
    assert.equal(pixel(13, 7), seen);
  }
  setVbe(4, 0);
  setVbe(3, 8);
  setVbe(4, 0x61);
  out(0x3c8, 3);
  for (const value of [0x80, 0x40, 0xff]) out(0x3c9, value);
  setVbe(5, 2);
  vga.writeMemory(0x2345, 1, 3);
  assert.equal(frameBuffer.readMemory(0x22345, 1), 3);
  assert.equal(vga.readMemory(0x2345, 1), 3);
  assert.equal(
    pixel(0x22345 % 1280, Math.floor(0x22345 / 1280)),
    0x8040ff,
    'eight bits a component',
  );
  setVbe(4, 0);
  assert.equal(size(), 'text 80 x 25');
});

test('every change of the picture is counted, a write of the same byte is not', () => {
  const { memory, vga, indexed } = adapter();
  const before = memory.changes;
  vga.writeMemory(0x18000, 2, 0x0720);
  assert.equal(memory.changes, before);
  vga.writeMemory(0x18000, 1, 0x41);
  assert.ok(memory.changes > before);
  const after = memory.changes;
  indexed(0x3d4, 0x0f, 1);
  assert.ok(memory.changes > after);
});
