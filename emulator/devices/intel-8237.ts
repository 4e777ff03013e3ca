/**
 * The two DMA controllers Intel 8237A of a PC/AT with their page registers (8237A data sheet 231466; IBM PC/AT
 * technical reference, "DMA"). Channels 0-3 move bytes, 5-7 words; 4 cascades the first chip.
 *
 *   00h-07h  address and count of channels 0-3, low byte first by the flip-flop    C0h-CEh  of channels 4-7
 *   08h status / command   09h request   0Ah single mask   0Bh mode   0Ch clear flip-flop
 *   0Dh temporary / master clear   0Eh clear mask   0Fh all masks                   D0h-DEh  likewise
 *   81h-83h, 87h, 89h-8Bh, 8Fh  address bits 23:16 of channels 2, 3, 1, 0, 6, 7, 5 and of refresh
 *
 * A device asks for what it moves (transfer()), and all of it moves at once. Not emulated: memory to memory,
 * verify beyond counting, rotating priority, software requests, block and demand mode: all end the same.
 */
import type { DeviceState, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
const SECOND_CHIP = 0xc0;
const PAGES = 0x80;
/** Page register of each channel; refresh has that of channel 4. */
const PAGE_OF_CHANNEL = [0x87, 0x83, 0x81, 0x82, 0x8f, 0x8b, 0x89, 0x8a] as const;

const REGISTER = {
  COMMAND: 8, REQUEST: 9, SINGLE_MASK: 10, MODE: 11, CLEAR_FLIP_FLOP: 12, MASTER_CLEAR: 13, CLEAR_MASK: 14, ALL_MASKS: 15,
} as const; // prettier-ignore
const CONTROLLER_DISABLE = 0x04;
const MASK_BIT = 0x04;
const MODE = {
  DIRECTION: 0x0c,
  TO_MEMORY: 0x04,
  FROM_MEMORY: 0x08,
  AUTOINITIALIZE: 0x10,
  DOWN: 0x20,
} as const;

/** Guest memory as devices reach it, without paging. */
export interface DeviceMemory {
  /** A copy, or null where not all of it is RAM. */
  read(address: number, length: number): Uint8Array | null;
  /** All of the bytes or, where not all of it is RAM, none: false. */
  write(address: number, bytes: Uint8Array): boolean;
}

function channel() {
  return { baseAddress: 0, baseCount: 0, address: 0, count: 0, mode: 0 };
}
function chip() {
  return {
    channels: [channel(), channel(), channel(), channel()],
    command: 0,
    mask: 0x0f,
    /** Channels that have reached terminal count since the last look. */
    reached: 0,
    highByte: false,
  };
}
type Chip = ReturnType<typeof chip>;

function powerOn() {
  return { chips: [chip(), chip()], pages: new Array<number>(16).fill(0) };
}

export class Intel8237 implements PortDevice {
  readonly #memory: DeviceMemory;
  #r = powerOn();

  constructor(memory: DeviceMemory) {
    this.#memory = memory;
  }

  /**
   * DREQ of a byte channel, 0-3, held until everything has moved. Device to memory: moves as many of `bytes`
   * as the channel still counts. Returns how many, and whether terminal count was reached; 0 where the
   * channel is masked, off or set the other way.
   */
  write(number: number, bytes: Uint8Array): { readonly moved: number; readonly ended: boolean } {
    const run = this.#begin(number, MODE.TO_MEMORY, bytes.length);
    if (run === null) return { moved: 0, ended: false };
    const { address, length, down } = run;
    const piece = bytes.slice(0, length);
    this.#memory.write(down ? address - length + 1 : address, down ? piece.reverse() : piece);
    return { moved: length, ended: this.#end(number, length, down) };
  }

  /** Memory to device: at most `length` bytes. */
  read(number: number, length: number): { readonly bytes: Uint8Array; readonly ended: boolean } {
    const run = this.#begin(number, MODE.FROM_MEMORY, length);
    if (run === null) return { bytes: new Uint8Array(0), ended: false };
    const from = run.down ? run.address - run.length + 1 : run.address;
    // a bus without memory floats high
    const bytes = this.#memory.read(from, run.length) ?? new Uint8Array(run.length).fill(0xff);
    return {
      bytes: run.down ? bytes.reverse() : bytes,
      ended: this.#end(number, run.length, run.down),
    };
  }

  readPort(port: number, _size: number): number {
    if (port >= PAGES && port < SECOND_CHIP) return this.#r.pages[port & 0x0f] ?? 0xff;
    const [chip, register] = this.#decode(port);
    if (register < 8) return this.#readWord(chip, register);
    if (register === REGISTER.COMMAND) {
      const status = chip.reached;
      chip.reached = 0;
      return status;
    }
    return register === REGISTER.ALL_MASKS ? 0xf0 | chip.mask : 0;
  }

  writePort(port: number, _size: number, value: number): void {
    const byte = value & 0xff;
    if (port >= PAGES && port < SECOND_CHIP) {
      this.#r.pages[port & 0x0f] = byte;
      return;
    }
    const [chip, register] = this.#decode(port);
    if (register < 8) this.#writeWord(chip, register, byte);
    else this.#control(chip, register, byte);
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  /** Page registers keep their values: they are no part of the chips. */
  reset(): void {
    this.#r = { ...powerOn(), pages: this.#r.pages };
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('8237', STATE_VERSION, state, powerOn());
  }

  // Registers

  /** Registers of the second chip are two ports apart. */
  #decode(port: number): [Chip, number] {
    const second = port >= SECOND_CHIP;
    return [
      this.#r.chips[second ? 1 : 0],
      second ? ((port - SECOND_CHIP) >> 1) & 0x0f : port & 0x0f,
    ];
  }
  #readWord(chip: Chip, register: number): number {
    const { address, count } = chip.channels[register >> 1];
    const word = (register & 1) === 0 ? address : count;
    const byte = chip.highByte ? word >> 8 : word;
    chip.highByte = !chip.highByte;
    return byte & 0xff;
  }
  #writeWord(chip: Chip, register: number, byte: number): void {
    const channel = chip.channels[register >> 1];
    const merge = (word: number): number =>
      chip.highByte ? (word & 0x00ff) | (byte << 8) : (word & 0xff00) | byte;
    if ((register & 1) === 0) channel.baseAddress = channel.address = merge(channel.baseAddress);
    else channel.baseCount = channel.count = merge(channel.baseCount);
    chip.highByte = !chip.highByte;
  }
  #control(chip: Chip, register: number, byte: number): void {
    switch (register) {
      case REGISTER.COMMAND:
        chip.command = byte;
        return;
      case REGISTER.SINGLE_MASK:
        if ((byte & MASK_BIT) !== 0) chip.mask |= 1 << (byte & 3);
        else chip.mask &= ~(1 << (byte & 3));
        return;
      case REGISTER.MODE:
        chip.channels[byte & 3].mode = byte & 0xfc;
        return;
      case REGISTER.CLEAR_FLIP_FLOP:
        chip.highByte = false;
        return;
      case REGISTER.MASTER_CLEAR:
        Object.assign(chip, { command: 0, mask: 0x0f, reached: 0, highByte: false });
        return;
      case REGISTER.CLEAR_MASK:
        chip.mask = 0;
        return;
      case REGISTER.ALL_MASKS:
        chip.mask = byte & 0x0f;
        return;
      default:
    }
  }

  // Transfers

  #begin(
    number: number,
    direction: number,
    wanted: number,
  ): { readonly address: number; readonly length: number; readonly down: boolean } | null {
    const [chip] = this.#r.chips;
    const channel = chip.channels[number];
    const off = (chip.command & CONTROLLER_DISABLE) !== 0 || ((chip.mask >> number) & 1) !== 0;
    if (off || (channel.mode & MODE.DIRECTION) !== direction || wanted <= 0) return null;
    const page = this.#r.pages[PAGE_OF_CHANNEL[number] & 0x0f] ?? 0;
    const down = (channel.mode & MODE.DOWN) !== 0;
    // the address counter has 16 bits and does not carry into the page
    const toEnd = down ? channel.address + 1 : 0x10000 - channel.address;
    return {
      address: page * 0x10000 + channel.address,
      length: Math.min(wanted, channel.count + 1, toEnd),
      down,
    };
  }
  /** Terminal count: the counter went below zero; the channel masks itself or starts anew. */
  #end(number: number, length: number, down: boolean): boolean {
    const [chip] = this.#r.chips;
    const channel = chip.channels[number];
    channel.address = (channel.address + (down ? -length : length)) & 0xffff;
    const ended = length > channel.count;
    channel.count = (channel.count - length) & 0xffff;
    if (!ended) return false;
    chip.reached |= 1 << number;
    if ((channel.mode & MODE.AUTOINITIALIZE) === 0) chip.mask |= 1 << number;
    else Object.assign(channel, { address: channel.baseAddress, count: channel.baseCount });
    return true;
  }
}
