/**
 * One channel of an IDE controller: the cable with up to two drives (ATA/ATAPI-6, T13/1410D, chapter 7).
 *
 *   base +0 data (16 or 32 bits)   +1 to +6 of both drives, read from the selected one
 *        +7 status, which ends the interrupt / command of the selected drive
 *   control: alternate status / bit 1 nIEN, bit 2 SRST, bit 7 HOB (read the older bytes)
 *
 * Device 0 answers for a device 1 that is not there, with status 0. Without drives the bus reads as its
 * pull-down leaves it. Not emulated: drive address register, overlapped commands.
 */
import type { DeviceState, JsonValue, Line, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { type IdeDrive, STATUS } from './ide-drive.ts';

const STATE_VERSION = 1;
/** DD7 is pulled down, so that an empty channel is not busy. */
const FLOATING = 0x7f7f7f7f;
const SECOND_DRIVE = 0x10;
const CONTROL = { NIEN: 0x02, SRST: 0x04, HOB: 0x80 } as const;
const EXECUTE_DEVICE_DIAGNOSTIC = 0x90;

export interface IdeChannelWiring {
  /** First of the eight ports, and the control port. */
  readonly base: number;
  readonly control: number;
  readonly interrupt: Line;
  /** Master and slave. */
  readonly drives: readonly [IdeDrive | null, IdeDrive | null];
  /** A drive waits for the bus master. */
  readonly dmaRequested: () => void;
}

function powerOn() {
  return { second: false, control: 0 };
}

export class IdeChannel implements PortDevice {
  readonly #wiring: IdeChannelWiring;
  readonly #drives: readonly IdeDrive[];
  #r = powerOn();

  constructor(wiring: IdeChannelWiring) {
    this.#wiring = wiring;
    this.#drives = wiring.drives.filter((drive) => drive !== null);
    for (const drive of this.#drives) {
      drive.attach({
        interruptChanged: () => this.#update(),
        dmaRequested: () => {
          if (drive === this.selected) this.#wiring.dmaRequested();
        },
      });
    }
  }

  /** The drive that commands go to, if it is there. */
  get selected(): IdeDrive | null {
    return this.#wiring.drives[this.#r.second ? 1 : 0];
  }

  readPort(port: number, size: number): number {
    if (this.#drives.length === 0) return FLOATING;
    const register = port - this.#wiring.base;
    if (register === 0) return this.selected?.readData(size) ?? 0xffffffff;
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + this.#readByte(port + byte);
    return value;
  }

  writePort(port: number, size: number, value: number): void {
    if (port === this.#wiring.base) {
      this.selected?.writeData(size, value);
      return;
    }
    for (let byte = 0; byte < size; byte++) {
      this.#writeByte(port + byte, (value >>> (8 * byte)) & 0xff);
    }
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    this.#r = powerOn();
    for (const drive of this.#drives) drive.reset();
    this.#update();
  }

  state(): DeviceState {
    const drives: JsonValue[] = this.#drives.map((drive) => drive.state());
    return { ...takeState(STATE_VERSION, this.#r), drives };
  }

  restore(state: DeviceState): void {
    const { drives, ...own } = state;
    this.#r = readState('IDE channel', STATE_VERSION, own, powerOn());
    if (!Array.isArray(drives) || drives.length !== this.#drives.length) {
      throw new RangeError('IDE channel: the snapshot has other drives');
    }
    this.#drives.forEach((drive, index) => {
      drive.restore((drives as readonly JsonValue[])[index] as DeviceState);
    });
  }

  #readByte(port: number): number {
    if (port === this.#wiring.control) return this.#status();
    const register = port - this.#wiring.base;
    if (register === 7) {
      this.selected?.acknowledge();
      return this.#status();
    }
    const drive = this.selected ?? this.#drives[0];
    const byte = drive.readRegister(register, (this.#r.control & CONTROL.HOB) !== 0);
    // bit 4 tells which drive is selected, whoever answers
    if (register !== 6) return byte;
    return (byte & ~SECOND_DRIVE) | (this.#r.second ? SECOND_DRIVE : 0);
  }
  #status(): number {
    if ((this.#r.control & CONTROL.SRST) !== 0) return STATUS.BSY;
    return this.selected?.status ?? 0;
  }

  #writeByte(port: number, value: number): void {
    if (port === this.#wiring.control) {
      this.#writeControl(value);
      return;
    }
    const register = port - this.#wiring.base;
    // a write to a register ends the look at the older bytes
    this.#r.control &= ~CONTROL.HOB;
    if (register === 7) {
      this.#command(value);
      return;
    }
    for (const drive of this.#drives) drive.writeRegister(register, value);
    if (register !== 6) return;
    this.#r.second = (value & SECOND_DRIVE) !== 0;
    this.#update();
  }
  #command(command: number): void {
    if (command !== EXECUTE_DEVICE_DIAGNOSTIC) {
      this.selected?.command(command);
      return;
    }
    for (const drive of this.#drives) drive.reset();
    this.#r.second = false;
  }
  #writeControl(value: number): void {
    const before = this.#r.control;
    this.#r.control = value;
    if ((before & ~value & CONTROL.SRST) !== 0) {
      for (const drive of this.#drives) drive.reset();
      this.#r.second = false;
    }
    this.#update();
  }

  #update(): void {
    const enabled = (this.#r.control & (CONTROL.NIEN | CONTROL.SRST)) === 0;
    this.#wiring.interrupt.set(enabled && this.selected?.interrupt === true);
  }
}
