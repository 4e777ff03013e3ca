/**
 * The picture of a Bochs VBE mode (bochs-vbe.ts): pixels of 4 bits in planes, 8 bits through the DAC, and
 * 15, 16, 24 or 32 bits with blue lowest. What lies beyond video memory is black.
 */
import type { GraphicsPicture } from '../picture.ts';
import { attributeColors, dacColors, type VideoState } from './vga-colors.ts';
import { putPixel } from './vga-graphics.ts';

/** 0xRRGGBB of the pixel `x` pixels behind `line`, an address in video memory. */
type PixelAt = (line: number, x: number) => number;

export function vbePicture(video: VideoState): GraphicsPicture {
  const { width, height, pitch, xOffset, yOffset } = video.vbe;
  const pixels = new Uint8Array(4 * width * height);
  const pixelAt = pixelReader(video);
  for (let y = 0; y < height; y++) {
    const line = (y + yOffset) * pitch;
    for (let x = 0; x < width; x++) putPixel(pixels, y * width + x, pixelAt(line, x + xOffset));
  }
  return { kind: 'graphics', width, height, pixels };
}

function pixelReader(video: VideoState): PixelAt {
  const { bytes } = video;
  const byte = (at: number): number => bytes[at] ?? 0;
  const word = (at: number): number => byte(at) | (byte(at + 1) << 8);
  switch (video.vbe.depth) {
    case 4: {
      const colors = attributeColors(video);
      return (line, x) => {
        const at = 4 * (line + (x >> 3));
        let color = 0;
        for (let plane = 0; plane < 4; plane++) {
          color |= ((byte(at + plane) >> (7 - (x & 7))) & 1) << plane;
        }
        return colors[color];
      };
    }
    case 8: {
      const colors = dacColors(video);
      return (line, x) => colors[byte(line + x)];
    }
    case 15:
      return (line, x) => {
        const pixel = word(line + 2 * x);
        return (wide(pixel >> 10, 5) << 16) | (wide(pixel >> 5, 5) << 8) | wide(pixel, 5);
      };
    case 16:
      return (line, x) => {
        const pixel = word(line + 2 * x);
        return (wide(pixel >> 11, 5) << 16) | (wide(pixel >> 5, 6) << 8) | wide(pixel, 5);
      };
    default: {
      const size = video.vbe.depth >> 3;
      return (line, x) => {
        const at = line + size * x;
        return word(at) | (byte(at + 2) << 16);
      };
    }
  }
}

/** The lowest `bits` bits as eight. */
function wide(value: number, bits: number): number {
  const part = value & ((1 << bits) - 1);
  return (part << (8 - bits)) | (part >> (2 * bits - 8));
}
