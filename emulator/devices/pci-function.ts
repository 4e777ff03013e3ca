/**
 * One function of a PCI device as the bus sees it: 256 bytes of configuration space with a header of type
 * 0 (PCI Local Bus specification 2.1, chapter 6).
 *
 *   00 vendor   02 device   04 command (0 I/O, 1 memory, 2 master)   06 status   08 revision   09 class
 *   0E header type   10-24 base address registers   2C subsystem   30 expansion ROM   3C interrupt line, pin
 *
 * Each base address register stands for a window of a size that is a power of two; its low bits are read
 * only, so that software finds the size by writing ones. The window is told where the guest has put it
 * whenever that changes. Not emulated: parity, error status, retries, the cache line and latency registers
 * have no effect.
 */
import type { MovableWindow } from '../memory/bus.ts';
import type { Device, DeviceState } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
export const PCI_CONFIG_BYTES = 256;

const COMMAND = 0x04;
const COMMAND_IO = 0x01;
const COMMAND_MEMORY = 0x02;
const COMMAND_MASTER = 0x04;
const ROM_ENABLE = 0x01;
const INTERRUPT_LINE = 0x3c;

/** What the bus asks of a function. */
export interface PciFunction extends Device {
  /** 0-31 and 0-7, on bus 0. */
  readonly device: number;
  readonly function: number;
  /** One byte; `register` 0-255. */
  readConfig(register: number): number;
  /** `size` 1, 2 or 4, within four aligned bytes. */
  writeConfig(register: number, size: number, value: number): void;
}

export interface PciIdentity {
  readonly device: number;
  readonly function: number;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision: number;
  /** Class, subclass and programming interface: 0x010180 is an IDE controller. */
  readonly classCode: number;
  /** Other functions of the device exist; in function 0. */
  readonly multifunction?: boolean;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  /** 1-4 for INTA# to INTD#. */
  readonly interruptPin?: number;
}

export interface PciWindow {
  /** 0x10 to 0x24, or 0x30 for an expansion ROM. */
  readonly register: number;
  readonly kind: 'io' | 'memory' | 'rom';
  /** A power of two, 4 at least for ports and 16 for memory. */
  readonly bytes: number;
  readonly window: MovableWindow;
}

export interface PciConfigurationOptions {
  readonly identity: PciIdentity;
  readonly windows?: readonly PciWindow[];
  /** First register, writable bits of the bytes from there on: what the function adds to the header. */
  readonly writable?: readonly (readonly [number, readonly number[]])[];
  /** First register, bytes after reset. */
  readonly values?: readonly (readonly [number, readonly number[]])[];
  /** After a write to `first` to `last`. */
  readonly written?: (first: number, last: number) => void;
}

export class PciConfiguration implements PciFunction {
  readonly device: number;
  readonly function: number;
  readonly #name: string;
  readonly #windows: readonly PciWindow[];
  readonly #written: (first: number, last: number) => void;
  readonly #mask = new Uint8Array(PCI_CONFIG_BYTES);
  readonly #initial = new Uint8Array(PCI_CONFIG_BYTES);
  #bytes: number[];

  constructor(name: string, options: PciConfigurationOptions) {
    const { identity, windows = [], writable = [], values = [] } = options;
    this.device = identity.device;
    this.function = identity.function;
    this.#name = name;
    this.#windows = windows;
    this.#written = options.written ?? ((): void => {});
    for (const [first, bytes] of header(identity)) this.#initial.set(bytes, first);
    for (const [first, bytes] of values) this.#initial.set(bytes, first);
    this.#mask[COMMAND] = COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER;
    this.#mask[INTERRUPT_LINE] = 0xff;
    for (const { register, kind, bytes } of windows) {
      if (kind === 'io') this.#initial[register] = 1;
      const mask = (~(bytes - 1) | (kind === 'rom' ? ROM_ENABLE : 0)) >>> 0;
      this.#mask.set(dword(mask), register);
    }
    for (const [first, bytes] of writable) this.#mask.set(bytes, first);
    this.#bytes = [...this.#initial];
  }

  /** The function may move data by itself. */
  get isMaster(): boolean {
    return (this.byte(COMMAND) & COMMAND_MASTER) !== 0;
  }

  byte(register: number): number {
    return this.#bytes[register & 0xff] ?? 0xff;
  }

  readConfig(register: number): number {
    return this.byte(register);
  }

  writeConfig(register: number, size: number, value: number): void {
    for (let at = 0; at < size; at++) {
      const mask = this.#mask[register + at] ?? 0;
      const byte = (value >>> (8 * at)) & 0xff;
      this.#bytes[register + at] = (this.byte(register + at) & ~mask) | (byte & mask);
    }
    this.#placeWindows();
    this.#written(register, register + size - 1);
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    this.#bytes = [...this.#initial];
    this.#placeWindows();
    this.#written(0, PCI_CONFIG_BYTES - 1);
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, { bytes: this.#bytes });
  }

  /** Windows, and whatever `written` does, follow. */
  restore(state: DeviceState): void {
    this.#bytes = readState(this.#name, STATE_VERSION, state, { bytes: this.#bytes }).bytes;
    this.#placeWindows();
    this.#written(0, PCI_CONFIG_BYTES - 1);
  }

  #placeWindows(): void {
    for (const { register, kind, bytes, window } of this.#windows) {
      const value = [0, 1, 2, 3].reduce((sum, at) => sum + this.byte(register + at) * 256 ** at, 0);
      const decoded = (this.byte(COMMAND) & (kind === 'io' ? COMMAND_IO : COMMAND_MEMORY)) !== 0;
      const enabled = decoded && (kind !== 'rom' || (value & ROM_ENABLE) !== 0);
      const address = value - (value % bytes);
      // a window at 0 is one that nobody has placed
      window.place(enabled && address !== 0 ? address : null);
    }
  }
}

/** First registers and their bytes. */
function header(identity: PciIdentity): readonly (readonly [number, readonly number[]])[] {
  const { classCode } = identity;
  return [
    [0x00, [...word(identity.vendorId), ...word(identity.deviceId)]],
    [0x08, [identity.revision, classCode & 0xff, (classCode >> 8) & 0xff, classCode >> 16]],
    [0x0e, [identity.multifunction === true ? 0x80 : 0]],
    [0x2c, [...word(identity.subsystemVendorId ?? 0), ...word(identity.subsystemId ?? 0)]],
    [0x3d, [identity.interruptPin ?? 0]],
  ];
}

function word(value: number): readonly number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}

function dword(value: number): readonly number[] {
  return [...word(value), ...word(value >>> 16)];
}
