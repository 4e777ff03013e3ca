/**
 * Memory of the display adapter, as bytes in the order of the linear frame buffer. The VGA's four planes
 * of 64 KiB lie interleaved at its start: byte `offset` of plane p is at 4 * offset + p. It counts its
 * changes, so that whoever shows the picture knows when to look again.
 */
import type { JsonValue } from './device.ts';

/** Enough for 1600 x 1200 pixels of 32 bits. */
export const VIDEO_MEMORY_BYTES = 8 << 20;
const PAGE = 4096;

export class VideoMemory {
  readonly bytes = new Uint8Array(VIDEO_MEMORY_BYTES);
  /** Grows with whatever changes the picture: memory here, registers by way of touch(). */
  #changes = 0;

  get changes(): number {
    return this.#changes;
  }

  touch(): void {
    this.#changes++;
  }

  write(address: number, value: number): void {
    if (this.bytes[address] === value) return;
    this.bytes[address] = value;
    this.#changes++;
  }

  clear(): void {
    this.bytes.fill(0);
    this.#changes++;
  }

  /** Pages that are not all zero, each "number:hexadecimal bytes". */
  state(): readonly string[] {
    const pages: string[] = [];
    for (let at = 0; at < this.bytes.length; at += PAGE) {
      const page = this.bytes.subarray(at, at + PAGE);
      if (page.every((byte) => byte === 0)) continue;
      const text = Array.from(page, (byte) => byte.toString(16).padStart(2, '0')).join('');
      pages.push(`${at / PAGE}:${text}`);
    }
    return pages;
  }

  /** Throws RangeError for what state() has not made. */
  restore(state: JsonValue | undefined): void {
    if (!Array.isArray(state)) throw new RangeError('video memory: not a list of pages');
    this.clear();
    for (const entry of state as readonly JsonValue[]) {
      const page = typeof entry === 'string' ? entry : '';
      const [, number, text] = /^(\d{1,4}):([0-9a-f]+)$/.exec(page) ?? [];
      const at = Number(number) * PAGE;
      if (text?.length !== 2 * PAGE || !(at < this.bytes.length)) {
        throw new RangeError('video memory: not a page of it');
      }
      for (let byte = 0; byte < PAGE; byte++) {
        this.bytes[at + byte] = parseInt(text.slice(2 * byte, 2 * byte + 2), 16);
      }
    }
  }
}
