/**
 * The linear frame buffer of the display adapter: all of video memory as one window, which the Bochs
 * display interface's modes use (bochs-vbe.ts). Its address is that of the adapter's PCI base address
 * register 0 as firmware leaves it.
 */
import type { DeviceState, MemoryDevice } from './device.ts';
import { takeState } from './device-state.ts';
import type { VideoMemory } from './video-memory.ts';

const STATE_VERSION = 1;
export const FRAME_BUFFER_ADDRESS = 0xe0000000;

export class FrameBuffer implements MemoryDevice {
  readonly #memory: VideoMemory;

  constructor(memory: VideoMemory) {
    this.#memory = memory;
  }

  readMemory(offset: number, size: number): number {
    const { bytes } = this.#memory;
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + bytes[offset + byte];
    return value;
  }

  writeMemory(offset: number, size: number, value: number): void {
    for (let byte = 0; byte < size; byte++) {
      this.#memory.write(offset + byte, (value >>> (8 * byte)) & 0xff);
    }
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {}

  /** The bytes are in the VGA's snapshot. */
  state(): DeviceState {
    return takeState(STATE_VERSION, {});
  }

  restore(_state: DeviceState): void {}
}
