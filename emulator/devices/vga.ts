/**
 * VGA display adapter (IBM PS/2 hardware interface technical reference, "Video subsystem", 1991): its ports
 * and its window to video memory. vga-registers.ts names the registers, vga-planes.ts says what accesses to
 * memory do, vga-timing.ts when the beam returns; what is on the screen is for vga-picture.ts to say.
 *
 *   3C0h attribute controller, index and data by turns     3C1h its data (read)
 *   3C2h miscellaneous output / input status 0             3CCh miscellaneous output (read)
 *   3C3h adapter on or off                                 3C4h/3C5h sequencer
 *   3C6h pixel mask  3C7h-3C9h colours (DAC)               3CAh feature control (read)
 *   3CEh/3CFh graphics controller                          3D4h/3D5h CRT controller (3B4h/3B5h)
 *   3DAh (3BAh) input status 1 / feature control           A0000h-BFFFFh memory
 *
 * It starts in text mode 3, cleared, as firmware leaves it for a kernel that is loaded without firmware.
 * Not emulated: the vertical-retrace interrupt, a character generator of its own (plane 2 is empty until
 * firmware or guest write it), 46E8h.
 */
import type { BochsVbe } from './bochs-vbe.ts';
import type { Clock, DeviceState, MemoryDevice, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { readPlanes, writePlanes } from './vga-planes.ts';
import { CRTC, EXISTING_BITS, textMode3 } from './vga-registers.ts';
import { type ReadonlyVgaRegisters } from './vga-registers.ts';
import { inputStatus1 } from './vga-timing.ts';
import type { VideoMemory } from './video-memory.ts';

const STATE_VERSION = 1;
export const VGA_WINDOW = 0xa0000;
export const VGA_WINDOW_BYTES = 0x20000;

const MONOCHROME_CRTC = 0x3b0;
const COLOR_CRTC = 0x3d0;
/** Miscellaneous output: CRT controller at 3Dxh. */
const COLOR_ADDRESSES = 0x01;
/** Input status 0: the sense switch, closed by a monitor. */
const MONITOR_SENSED = 0x10;
const DAC_READING = 0x03;
/** Vertical retrace end register: CRTC 0-7 are protected, but for bit 4 of the overflow register. */
const CRTC_PROTECTED = 0x80;
const PROTECTED_COUNT = 8;
const OVERFLOW_LINE_COMPARE = 0x10;
/** Cells of a cleared text screen: blanks, light grey on black. */
const BLANK = 0x20;
const LIGHT_GREY = 0x07;
const TEXT_CELLS = 0x4000;

export interface VgaWiring {
  readonly clock: Clock;
  readonly memory: VideoMemory;
  /** Its modes take the picture over from the VGA's. */
  readonly vbe: BochsVbe;
}

export class Vga implements PortDevice, MemoryDevice {
  readonly #wiring: VgaWiring;
  #r = textMode3();

  constructor(wiring: VgaWiring) {
    this.#wiring = wiring;
    this.#clearText();
  }

  get registers(): ReadonlyVgaRegisters {
    return this.#r;
  }

  // ---- ports

  readPort(port: number, _size: number): number {
    const r = this.#r;
    switch (port) {
      case 0x3c0:
        return r.attributeIndex;
      case 0x3c1:
        return r.attribute[r.attributeIndex & 0x1f] ?? 0;
      case 0x3c2:
        return MONITOR_SENSED;
      case 0x3c3:
        return r.videoEnabled ? 1 : 0;
      case 0x3c4:
        return r.sequencerIndex;
      case 0x3c5:
        return r.sequencer[r.sequencerIndex] ?? 0;
      case 0x3c6:
        return r.dac.mask;
      case 0x3c7:
        return r.dac.reading ? DAC_READING : 0;
      case 0x3c8:
        return r.dac.writeIndex;
      case 0x3c9:
        return this.#readColor();
      case 0x3ca:
        return r.featureControl;
      case 0x3cc:
        return r.miscellaneousOutput;
      case 0x3ce:
        return r.graphicsIndex;
      case 0x3cf:
        return r.graphics[r.graphicsIndex] ?? 0;
      default:
        return this.#readCrtcPort(port);
    }
  }

  #readCrtcPort(port: number): number {
    const r = this.#r;
    if (!this.#answersAt(port)) return 0xff;
    switch (port & 0xf) {
      case 0x4:
        return r.crtcIndex;
      case 0x5:
        return r.crtc[r.crtcIndex] ?? 0;
      case 0xa:
        r.attributeData = false;
        return inputStatus1(r, this.#wiring.clock.now());
      default:
        return 0xff;
    }
  }

  writePort(port: number, _size: number, value: number): void {
    const byte = value & 0xff;
    this.#wiring.memory.touch();
    const r = this.#r;
    switch (port) {
      case 0x3c0:
        this.#writeAttribute(byte);
        return;
      case 0x3c2:
        r.miscellaneousOutput = byte;
        return;
      case 0x3c3:
        r.videoEnabled = (byte & 1) !== 0;
        return;
      case 0x3c4:
        r.sequencerIndex = byte;
        return;
      case 0x3c5:
        store(r.sequencer, EXISTING_BITS.sequencer, r.sequencerIndex, byte);
        return;
      case 0x3c6:
        r.dac.mask = byte;
        return;
      case 0x3c7:
        Object.assign(r.dac, { readIndex: byte, component: 0, reading: true });
        return;
      case 0x3c8:
        Object.assign(r.dac, { writeIndex: byte, component: 0, reading: false });
        return;
      case 0x3c9:
        this.#writeColor(byte);
        return;
      case 0x3ce:
        r.graphicsIndex = byte;
        return;
      case 0x3cf:
        store(r.graphics, EXISTING_BITS.graphics, r.graphicsIndex, byte);
        return;
      default:
        if (this.#answersAt(port)) this.#writeCrtcPort(port, byte);
    }
  }

  #writeCrtcPort(port: number, byte: number): void {
    const r = this.#r;
    if ((port & 0xf) === 0x4) r.crtcIndex = byte;
    else if ((port & 0xf) === 0xa) r.featureControl = byte;
    else if ((port & 0xf) === 0x5) this.#writeCrtc(byte);
  }

  /** The CRT controller has one of two places. */
  #answersAt(port: number): boolean {
    const color = (this.#r.miscellaneousOutput & COLOR_ADDRESSES) !== 0;
    return (port & ~0xf) === (color ? COLOR_CRTC : MONOCHROME_CRTC);
  }

  #writeCrtc(byte: number): void {
    const { crtc, crtcIndex: index } = this.#r;
    if (index < PROTECTED_COUNT && (crtc[CRTC.verticalRetraceEnd] & CRTC_PROTECTED) !== 0) {
      if (index !== CRTC.overflow) return;
      crtc[index] = (crtc[index] & ~OVERFLOW_LINE_COMPARE) | (byte & OVERFLOW_LINE_COMPARE);
    } else {
      store(crtc, EXISTING_BITS.crtc, index, byte);
    }
  }

  #writeAttribute(byte: number): void {
    const r = this.#r;
    if (r.attributeData) store(r.attribute, EXISTING_BITS.attribute, r.attributeIndex & 0x1f, byte);
    else r.attributeIndex = byte & 0x3f;
    r.attributeData = !r.attributeData;
  }

  #readColor(): number {
    const { dac } = this.#r;
    const value = dac.colors[3 * dac.readIndex + dac.component];
    if (++dac.component === 3) {
      dac.component = 0;
      dac.readIndex = (dac.readIndex + 1) & 0xff;
    }
    return value;
  }

  #writeColor(byte: number): void {
    const { dac } = this.#r;
    const mask = this.#wiring.vbe.mode.eightBitColors ? 0xff : 0x3f;
    dac.colors[3 * dac.writeIndex + dac.component] = byte & mask;
    if (++dac.component === 3) {
      dac.component = 0;
      dac.writeIndex = (dac.writeIndex + 1) & 0xff;
    }
  }

  // ---- memory

  readMemory(offset: number, size: number): number {
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + this.#read(offset + byte);
    return value;
  }

  writeMemory(offset: number, size: number, value: number): void {
    for (let byte = 0; byte < size; byte++)
      this.#write(offset + byte, (value >>> (8 * byte)) & 0xff);
  }

  #read(offset: number): number {
    const { memory, vbe } = this.#wiring;
    const linear = vbe.bankedAddress(offset);
    if (linear === null) return readPlanes(this.#r, memory, offset);
    return memory.bytes[linear] ?? 0xff;
  }

  #write(offset: number, byte: number): void {
    const { memory, vbe } = this.#wiring;
    const linear = vbe.bankedAddress(offset);
    if (linear === null) writePlanes(this.#r, memory, offset, byte);
    else if (linear < memory.bytes.length) memory.write(linear, byte);
  }

  // ---- the board's side

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    this.#r = textMode3();
    this.#clearText();
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, { ...this.#r, memory: this.#wiring.memory.state() });
  }

  restore(state: DeviceState): void {
    const { memory, ...registers } = state;
    this.#r = readState('VGA', STATE_VERSION, registers, textMode3());
    this.#wiring.memory.restore(memory);
  }

  #clearText(): void {
    const { memory } = this.#wiring;
    memory.clear();
    for (let cell = 0; cell < TEXT_CELLS; cell++) {
      memory.bytes[8 * cell] = BLANK;
      memory.bytes[8 * cell + 1] = LIGHT_GREY;
    }
  }
}

/** Registers keep the bits that exist; indices without a register take no data. */
function store(
  registers: number[],
  existing: readonly number[],
  index: number,
  byte: number,
): void {
  const mask = existing[index];
  if (mask !== undefined) registers[index] = byte & mask;
}
