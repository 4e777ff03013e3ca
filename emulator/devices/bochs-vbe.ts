/**
 * The Bochs display interface ("DISPI", as the Bochs VBE display API documents it and QEMU's standard VGA
 * has it): resolutions beyond the VGA's with a linear frame buffer, through one pair of 16-bit ports.
 *
 *   1CEh  index        1CFh (1D0h)  data
 *   0 identity   1 width   2 height   3 bits a pixel   4 enable   5 bank of the window at A0000h
 *   6 virtual width   7 virtual height (read)   8, 9 x and y offset   0Ah memory in units of 64 KiB
 *
 * Enable: bit 0 on, 1 reads of 1-3 give the largest values, 5 colours of eight bits, 6 linear frame
 * buffer (there always), 7 memory is not cleared. Depths are 4 (planar), 8, 15, 16, 24 and 32 bits.
 */
import type { DeviceState, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { VIDEO_MEMORY_BYTES, type VideoMemory } from './video-memory.ts';

const STATE_VERSION = 1;
const INDEX_PORT = 0x1ce;
const NEWEST_ID = 0xb0c5;
const OLDEST_ID = 0xb0c0;
const BANK_BYTES = 0x10000;

// prettier-ignore
const INDEX = {
  id: 0, width: 1, height: 2, depth: 3, enable: 4, bank: 5,
  virtualWidth: 6, virtualHeight: 7, xOffset: 8, yOffset: 9, memory: 10,
} as const;

const ENABLED = 0x01;
const GET_CAPABILITIES = 0x02;
const EIGHT_BIT_COLORS = 0x20;
const NO_CLEAR = 0x80;
const LARGEST = { width: 1600, height: 1200, depth: 32 } as const;
const DEPTHS: readonly number[] = [4, 8, 15, 16, 24, 32];

/** What it shows; the VGA's registers decide while it is not enabled. */
export interface VbeMode {
  readonly enabled: boolean;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Bits of a pixel. */
  readonly depth: number;
  /** Bytes from one line to the next; of each plane with 4 bits a pixel. */
  readonly pitch: number;
  readonly xOffset: number;
  readonly yOffset: number;
  /** The DAC's colours have eight bits a component. */
  readonly eightBitColors: boolean;
}

function powerOn() {
  return {
    index: 0,
    id: NEWEST_ID,
    width: 640,
    height: 480,
    depth: 8,
    enable: 0,
    bank: 0,
    virtualWidth: 640,
    xOffset: 0,
    yOffset: 0,
  };
}

export class BochsVbe implements PortDevice {
  readonly #memory: VideoMemory;
  #r = powerOn();

  constructor(memory: VideoMemory) {
    this.#memory = memory;
  }

  get mode(): VbeMode {
    const { enable, width, height, depth, xOffset, yOffset } = this.#r;
    const pitch = this.#pitch();
    const eightBitColors = (enable & EIGHT_BIT_COLORS) !== 0;
    const enabled = (enable & ENABLED) !== 0;
    return { enabled, width, height, depth, pitch, xOffset, yOffset, eightBitColors };
  }

  /**
   * Address in video memory of a byte `offset` from A0000h, at or beyond its end where there is none; null
   * where the VGA's own way to memory holds.
   */
  bankedAddress(offset: number): number | null {
    const { enable, depth, bank } = this.#r;
    if ((enable & ENABLED) === 0 || depth === 4) return null;
    return offset < BANK_BYTES ? bank * BANK_BYTES + offset : VIDEO_MEMORY_BYTES;
  }

  readPort(port: number, _size: number): number {
    const r = this.#r;
    if (port === INDEX_PORT) return r.index;
    const largest = (r.enable & GET_CAPABILITIES) !== 0;
    switch (r.index) {
      case INDEX.id:
        return r.id;
      case INDEX.width:
        return largest ? LARGEST.width : r.width;
      case INDEX.height:
        return largest ? LARGEST.height : r.height;
      case INDEX.depth:
        return largest ? LARGEST.depth : r.depth;
      case INDEX.enable:
        return r.enable;
      case INDEX.bank:
        return r.bank;
      case INDEX.virtualWidth:
        return r.virtualWidth;
      case INDEX.virtualHeight:
        return Math.min(Math.floor(this.#planeBytes() / this.#pitch()), 0xffff);
      case INDEX.xOffset:
        return r.xOffset;
      case INDEX.yOffset:
        return r.yOffset;
      case INDEX.memory:
        return VIDEO_MEMORY_BYTES / BANK_BYTES;
      default:
        return 0;
    }
  }

  writePort(port: number, _size: number, value: number): void {
    const r = this.#r;
    if (port === INDEX_PORT) {
      r.index = value;
      return;
    }
    this.#memory.touch();
    switch (r.index) {
      case INDEX.id:
        if (value >= OLDEST_ID && value <= NEWEST_ID) r.id = value;
        return;
      case INDEX.width:
        if (value > 0 && value <= LARGEST.width && value % 8 === 0) r.width = value;
        return;
      case INDEX.height:
        if (value > 0 && value <= LARGEST.height) r.height = value;
        return;
      case INDEX.depth:
        if (DEPTHS.includes(value || 8)) r.depth = value || 8;
        return;
      case INDEX.enable:
        this.#enable(value);
        return;
      case INDEX.bank:
        if (value < VIDEO_MEMORY_BYTES / BANK_BYTES) r.bank = value;
        return;
      case INDEX.virtualWidth:
        this.#setVirtualWidth(value);
        return;
      case INDEX.xOffset:
        if (value + r.width <= r.virtualWidth) r.xOffset = value;
        return;
      case INDEX.yOffset:
        if ((value + r.height) * this.#pitch() <= this.#planeBytes()) r.yOffset = value;
        return;
      default: // read only, or absent
    }
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    this.#r = powerOn();
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('Bochs VBE', STATE_VERSION, state, powerOn());
  }

  /** A mode begins with the line as long as the screen is wide, at the start of memory. */
  #enable(value: number): void {
    const r = this.#r;
    const starts = (value & ENABLED) !== 0 && (r.enable & ENABLED) === 0;
    r.enable = value & 0xff;
    if (!starts) return;
    Object.assign(r, { virtualWidth: r.width, xOffset: 0, yOffset: 0, bank: 0 });
    if ((value & NO_CLEAR) === 0) this.#memory.clear();
  }

  #setVirtualWidth(pixels: number): void {
    const before = this.#r.virtualWidth;
    this.#r.virtualWidth = Math.max(pixels & ~7, this.#r.width);
    if (this.#pitch() * this.#r.height > this.#planeBytes()) this.#r.virtualWidth = before;
  }

  #pitch(): number {
    const { virtualWidth, depth } = this.#r;
    return depth === 4 ? virtualWidth >> 3 : virtualWidth * ((depth + 7) >> 3);
  }

  #planeBytes(): number {
    return this.#r.depth === 4 ? VIDEO_MEMORY_BYTES / 4 : VIDEO_MEMORY_BYTES;
  }
}
