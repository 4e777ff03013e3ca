/**
 * Video modes as the BIOS's video parameter table has them (IBM PS/2 BIOS interface technical reference),
 * for the display adapter's tests, and an adapter with the ways in that a program has. Used by tests only.
 */
import type { Picture } from '../../picture.ts';
import { BochsVbe } from '../bochs-vbe.ts';
import { FrameBuffer } from '../frame-buffer.ts';
import { ManualClock } from '../test-bench.ts';
import { Vga } from '../vga.ts';
import { picture } from '../vga-picture.ts';
import { VideoMemory } from '../video-memory.ts';

export interface ModeRow {
  readonly miscellaneous: number;
  readonly sequencer: string;
  readonly crtc: string;
  readonly graphics: string;
  readonly attribute: string;
}

// prettier-ignore
export const MODES = {
  text40:  { miscellaneous: 0x67, sequencer: '03 08 03 00 02', graphics: '00 00 00 00 00 10 0e 00 ff',
             crtc: '2d 27 28 90 2b a0 bf 1f 00 4f 0d 0e 00 00 00 00 9c 8e 8f 14 1f 96 b9 a3 ff',
             attribute: '00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f 0c 00 0f 08 00' },
  mode4:   { miscellaneous: 0x63, sequencer: '03 09 03 00 02', graphics: '00 00 00 00 00 30 0f 00 ff',
             crtc: '2d 27 28 90 2b 80 bf 1f 00 c1 00 00 00 00 00 00 9c 8e 8f 14 00 96 b9 a2 ff',
             attribute: '00 13 15 17 02 04 06 07 10 11 12 13 14 15 16 17 01 00 03 00 00' },
  mode12h: { miscellaneous: 0xe3, sequencer: '03 01 0f 00 06', graphics: '00 00 00 00 00 00 05 0f ff',
             crtc: '5f 4f 50 82 54 80 0b 3e 00 40 00 00 00 00 00 00 ea 8c df 28 00 e7 04 e3 ff',
             attribute: '00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f 01 00 0f 00 00' },
  mode13h: { miscellaneous: 0x63, sequencer: '03 01 0f 00 0e', graphics: '00 00 00 00 00 40 05 0f ff',
             crtc: '5f 4f 50 82 54 80 bf 1f 00 41 00 00 00 00 00 00 9c 8e 8f 28 40 96 b9 a3 ff',
             attribute: '00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 41 00 0f 00 00' },
} as const satisfies { readonly [name: string]: ModeRow };

const bytes = (text: string): number[] => text.split(' ').map((byte) => parseInt(byte, 16));

export function adapter() {
  const clock = new ManualClock();
  const memory = new VideoMemory();
  const vbe = new BochsVbe(memory);
  const vga = new Vga({ clock, memory, vbe });
  const frameBuffer = new FrameBuffer(memory);
  const out = (port: number, value: number): void => vga.writePort(port, 1, value);
  const into = (port: number): number => vga.readPort(port, 1);
  const indexed = (port: number, index: number, value: number): void => {
    out(port, index);
    out(port + 1, value);
  };
  const setAttribute = (index: number, value: number): void => {
    into(0x3da);
    out(0x3c0, index | 0x20);
    out(0x3c0, value);
  };
  /** With memory cleared, as the BIOS does. */
  const setMode = (mode: ModeRow): void => {
    memory.clear();
    out(0x3c2, mode.miscellaneous);
    bytes(mode.sequencer).forEach((value, index) => indexed(0x3c4, index, value));
    indexed(0x3d4, 0x11, 0);
    bytes(mode.crtc).forEach((value, index) => indexed(0x3d4, index, value));
    bytes(mode.graphics).forEach((value, index) => indexed(0x3ce, index, value));
    bytes(mode.attribute).forEach((value, index) => setAttribute(index, value));
  };
  const setVbe = (index: number, value: number): void => {
    vbe.writePort(0x1ce, 2, index);
    vbe.writePort(0x1cf, 2, value);
  };
  const getVbe = (index: number): number => {
    vbe.writePort(0x1ce, 2, index);
    return vbe.readPort(0x1cf, 2);
  };
  const shown = (): Picture =>
    picture({ registers: vga.registers, vbe: vbe.mode, bytes: memory.bytes });
  /** 0xRRGGBB at a place of a graphics picture. */
  const pixel = (x: number, y: number): number => {
    const now = shown();
    if (now.kind !== 'graphics') throw new Error(`a ${now.kind} picture has no pixels`);
    const at = 4 * (y * now.width + x);
    return (now.pixels[at] << 16) | (now.pixels[at + 1] << 8) | now.pixels[at + 2];
  };
  const size = (): string => {
    const now = shown();
    if (now.kind === 'blank') return 'blank';
    return now.kind === 'text'
      ? `text ${now.columns} x ${now.rows}`
      : `graphics ${now.width} x ${now.height}`;
  };
  return { clock, memory, vbe, vga, frameBuffer, out, into, indexed, setAttribute, setMode, setVbe, getVbe, shown, pixel, size }; // prettier-ignore
}
