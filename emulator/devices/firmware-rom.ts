/**
 * The ROM with the machine's firmware (82371SB data sheet 290550, "BIOSCS#"): it ends at 4 GiB, where the
 * processor fetches its first instruction after RESET, and its last 128 KiB appear below 1 MiB too, as long
 * as the chipset does not put RAM there (i440fx.ts). A chip smaller than its window appears in it again and
 * again. Writes are dropped: it is no flash memory.
 */
import type { DeviceState, MemoryDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
const PAGE = 4096;
export const ROM_WINDOW_BYTES = 0x100000;
export const ROM_WINDOW_ADDRESS = 0x100000000 - ROM_WINDOW_BYTES;
/** Where the end of the ROM appears below 1 MiB. */
export const ROM_LOW_ADDRESS = 0xe0000;
const ROM_LOW_END = 0x100000;
const SMALLEST = 0x10000;

/** Firmware of this many bytes fits into the board: a power of two from 64 KiB to 1 MiB. */
export function isRomSize(bytes: number): boolean {
  return bytes >= SMALLEST && bytes <= ROM_WINDOW_BYTES && Number.isInteger(Math.log2(bytes));
}

export class FirmwareRom implements MemoryDevice {
  readonly #bytes: Uint8Array;

  /** Throws RangeError unless isRomSize(). */
  constructor(bytes: Uint8Array) {
    if (!isRomSize(bytes.length)) throw new RangeError(`a ROM of ${bytes.length} bytes`);
    this.#bytes = bytes;
  }

  /** The 4 KiB around an address in the window, or in the 128 KiB below 1 MiB. */
  page(address: number): Uint8Array {
    const start = this.#offset(address - (address % PAGE));
    return this.#bytes.subarray(start, start + PAGE);
  }

  readMemory(offset: number, size: number): number {
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) {
      value = value * 256 + this.#bytes[this.#offset(ROM_WINDOW_ADDRESS + offset + byte)];
    }
    return value;
  }

  writeMemory(_offset: number, _size: number, _value: number): void {}

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {}

  state(): DeviceState {
    return takeState(STATE_VERSION, {});
  }

  restore(state: DeviceState): void {
    readState('firmware ROM', STATE_VERSION, state, {});
  }

  #offset(address: number): number {
    const end = address >= ROM_WINDOW_ADDRESS ? 0x100000000 : ROM_LOW_END;
    const fromEnd = (end - address) % this.#bytes.length;
    return fromEnd === 0 ? 0 : this.#bytes.length - fromEnd;
  }
}
