/**
 * The IDE function of the PIIX3, 1.1 (82371SB data sheet 290550, "IDE controller"): two channels at the ports
 * of the PC/AT with a bus master for each, whose registers lie at base address register 4.
 *
 *   +0 / +8  command: 0 start, 3 into memory      +2 / +A  status: 0 active, 1 error (write 1 clears),
 *   +4 / +C  descriptor table                              2 interrupt (likewise), 6:5 kept
 *
 * A descriptor is an address and a length of which 0 stands for 64 KiB; bit 31 ends the table. All data move
 * as soon as both the drive and the bus master are ready. Not emulated: timing registers, which keep what is
 * written, and the enable bits in them: the channels always answer.
 */
import type { PortBus } from '../memory/bus.ts';
import type { DeviceState, Line, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import type { IdeChannel } from './ide-channel.ts';
import type { DeviceMemory } from './intel-8237.ts';
import { PciConfiguration } from './pci-function.ts';

const STATE_VERSION = 1;
const BUS_MASTER_PORTS = 16;
const COMMAND = { START: 0x01, TO_MEMORY: 0x08 } as const;
const STATUS = { ACTIVE: 0x01, ERROR: 0x02, INTERRUPT: 0x04, KEPT: 0x60 } as const;
const END_OF_TABLE = 0x80000000;
/** More descriptors than the 64 KiB of a table have room for. */
const MOST_DESCRIPTORS = 8192;

function master() {
  return { command: 0, status: 0, table: 0 };
}
function powerOn() {
  return { masters: [master(), master()] };
}

export class Piix3Ide implements PortDevice {
  /** Its configuration space; the PCI host has its state. */
  readonly configuration: PciConfiguration;
  readonly #memory: DeviceMemory;
  readonly #channels: readonly IdeChannel[];
  #r = powerOn();

  /** `channels` builds both, given what they need of the bus masters. */
  constructor(
    ports: PortBus,
    memory: DeviceMemory,
    channels: (
      number: 0 | 1,
      hooks: { readonly interrupt: (line: Line) => Line; readonly dmaRequested: () => void },
    ) => IdeChannel,
  ) {
    this.#memory = memory;
    this.configuration = new PciConfiguration('PIIX3 IDE', {
      identity: {
        device: 1, function: 1, vendorId: 0x8086, deviceId: 0x7010, revision: 0, classCode: 0x010180,
      }, // prettier-ignore
      values: [[0x04, [0x00, 0x00, 0x80, 0x02]]],
      windows: [
        {
          register: 0x20,
          kind: 'io',
          bytes: BUS_MASTER_PORTS,
          window: ports.movable('PIIX3 bus master', BUS_MASTER_PORTS, this, true),
        },
      ],
      writable: [
        [0x0d, [0xf0]],
        [0x40, [0xff, 0xff, 0xff, 0xff, 0xff]],
      ],
    });
    this.#channels = ([0, 1] as const).map((number) =>
      channels(number, {
        interrupt: (line) => {
          let before = false;
          return {
            set: (level) => {
              if (level && !before) this.#r.masters[number].status |= STATUS.INTERRUPT;
              before = level;
              line.set(level);
            },
          };
        },
        dmaRequested: () => {
          this.#move(number);
        },
      }),
    );
  }

  get channels(): readonly IdeChannel[] {
    return this.#channels;
  }

  readPort(port: number, size: number): number {
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + this.#readByte(port + byte);
    return value;
  }

  writePort(port: number, size: number, value: number): void {
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
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('PIIX3 bus master', STATE_VERSION, state, powerOn());
  }

  // The window is aligned to its size.

  #readByte(port: number): number {
    const { command, status, table } = this.#r.masters[(port >> 3) & 1];
    const register = port & 7;
    if (register === 0) return command;
    if (register === 2) return status;
    return register >= 4 ? (table >>> (8 * (register - 4))) & 0xff : 0;
  }

  #writeByte(port: number, value: number): void {
    const number = (port >> 3) & 1;
    const r = this.#r.masters[number];
    const register = port & 7;
    if (register === 0) {
      const started = (~r.command & value & COMMAND.START) !== 0;
      r.command = value & (COMMAND.START | COMMAND.TO_MEMORY);
      if ((value & COMMAND.START) === 0) r.status &= ~STATUS.ACTIVE;
      if (!started) return;
      r.status |= STATUS.ACTIVE;
      this.#move(number);
    } else if (register === 2) {
      const cleared = value & (STATUS.ERROR | STATUS.INTERRUPT);
      r.status = (r.status & ~cleared & ~STATUS.KEPT) | (value & STATUS.KEPT);
    } else if (register >= 4) {
      const shift = 8 * (register - 4);
      r.table = ((r.table & ~(0xff << shift)) | (value << shift)) >>> 0;
      r.table = (r.table & ~3) >>> 0;
    }
  }

  /** Moves what the selected drive has, if the bus master is started the same way. */
  #move(number: number): void {
    const r = this.#r.masters[number];
    const drive = this.#channels[number]?.selected ?? null;
    if ((r.status & STATUS.ACTIVE) === 0 || drive === null || !this.configuration.isMaster) return;
    const direction = (r.command & COMMAND.TO_MEMORY) !== 0 ? 'in' : 'out';
    if (drive.dmaDirection !== direction) return;
    let entry = r.table;
    for (let count = 0; count < MOST_DESCRIPTORS && drive.dmaLength > 0; count++) {
      const descriptor = this.#descriptor(entry);
      if (descriptor === null) {
        r.status |= STATUS.ERROR;
        return;
      }
      const length = Math.min(descriptor.length, drive.dmaLength);
      const more = drive.dmaLength > length;
      const moved = this.#piece(direction, descriptor.address, drive.dmaBytes(length));
      if (!moved) {
        r.status |= STATUS.ERROR;
        return;
      }
      // the table's end leaves the bus master idle, data that are left wait for it
      if (descriptor.last && (more || length === descriptor.length)) r.status &= ~STATUS.ACTIVE;
      drive.dmaMoved(length);
      if (descriptor.last) return;
      entry += 8;
    }
  }
  #piece(direction: 'in' | 'out', address: number, bytes: Uint8Array): boolean {
    if (direction === 'in') return this.#memory.write(address, bytes);
    const source = this.#memory.read(address, bytes.length);
    if (source === null) return false;
    bytes.set(source);
    return true;
  }
  #descriptor(
    entry: number,
  ): { readonly address: number; readonly length: number; readonly last: boolean } | null {
    const bytes = this.#memory.read(entry, 8);
    if (bytes === null) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const control = view.getUint32(4, true);
    const length = control & 0xfffe || 0x10000;
    return { address: (view.getUint32(0, true) & ~1) >>> 0, length, last: control >= END_OF_TABLE };
  }
}
