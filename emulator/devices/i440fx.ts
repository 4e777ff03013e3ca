/**
 * Host bridge and memory controller Intel 82441FX (data sheet 290549), as far as firmware needs it: the
 * programmable attribute map, by which RAM takes the place of ROM between C0000h and FFFFFh.
 *
 *   59h PAM0  7:4 F0000-FFFFF
 *   5Ah PAM1  3:0 C0000-C3FFF  7:4 C4000-C7FFF     5Bh PAM2  C8000, CC000     5Ch PAM3  D0000, D4000
 *   5Dh PAM4  3:0 D8000-DBFFF  7:4 DC000-DFFFF     5Eh PAM5  E0000, E4000     5Fh PAM6  E8000, EC000
 *   72h SMRAM
 *
 * In each field bit 0 sends reads to RAM and bit 1 writes; what does not go to RAM goes to the ISA bus,
 * where ROM answers from E0000h on and nothing below. The subsystem identity is the one by which firmware
 * for emulators knows that it is on one. Not emulated: SMRAM (there is no system management mode, and A0000h
 * to BFFFFh are always the display's), DRAM timing and error checks; their registers keep what is written.
 */
import type { DeviceState, MemoryDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import type { FirmwareRom } from './firmware-rom.ts';
import { ROM_LOW_ADDRESS } from './firmware-rom.ts';
import { HOST_BRIDGE, HOST_BRIDGE_COMMAND, HOST_BRIDGE_READ_ONLY } from './pci-host.ts';
import { PciConfiguration } from './pci-function.ts';

const STATE_VERSION = 1;
export const SHADOW_ADDRESS = 0xc0000;
export const SHADOW_BYTES = 0x40000;

const PAM0 = 0x59;
const PAM6 = 0x5f;
const READ_ENABLE = 1;
const WRITE_ENABLE = 2;
const QUMRANET = 0x1af4;
const QEMU_MACHINE = 0x1100;

/** Address, bytes, PAM register and shift of each field. */
const FIELDS: readonly (readonly [number, number, number, number])[] = [
  ...[...Array(12).keys()].map(
    (n) => [0xc0000 + n * 0x4000, 0x4000, PAM0 + 1 + (n >> 1), 4 * (n & 1)] as const,
  ),
  [0xf0000, 0x10000, PAM0, 4],
];

/** Who answers reads and writes of a piece of guest-physical memory. */
export interface MemoryAttributes {
  readonly readRam: boolean;
  readonly writeRam: boolean;
}

export interface I440fxWiring {
  readonly rom: FirmwareRom;
  /** Whole pages. What is neither read from nor written to RAM comes here, to the shadow window. */
  readonly setAttributes: (address: number, bytes: number, attributes: MemoryAttributes) => void;
  /** RAM itself, whatever its attributes. */
  readonly writeRam: (address: number, size: number, value: number) => void;
}

export class I440fx implements MemoryDevice {
  /** Its configuration space, with its part of the state. */
  readonly bridge: PciConfiguration;
  readonly #wiring: I440fxWiring;
  /** Bits 1:0 of each of FIELDS as last told. */
  #told: number[] = FIELDS.map(() => -1);

  constructor(wiring: I440fxWiring) {
    this.#wiring = wiring;
    this.bridge = new PciConfiguration('82441FX', {
      identity: { ...HOST_BRIDGE, subsystemVendorId: QUMRANET, subsystemId: QEMU_MACHINE },
      values: [HOST_BRIDGE_COMMAND, [0x72, [0x02]]],
      writable: [...HOST_BRIDGE_READ_ONLY, [0x40, new Array<number>(0xc0).fill(0xff)]],
      written: (first, last) => {
        if (first <= PAM6 && last >= PAM0) this.#tell();
      },
    });
  }

  /** ROM that a read of this address below 1 MiB finds, or null: RAM or nothing. */
  romPage(address: number): Uint8Array | null {
    const shadowed = (this.#attributes(address) & READ_ENABLE) !== 0;
    return shadowed || address < ROM_LOW_ADDRESS ? null : this.#wiring.rom.page(address);
  }

  readMemory(offset: number, size: number): number {
    const page = this.romPage(SHADOW_ADDRESS + offset);
    if (page === null) return 0xffffffff;
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) {
      value = value * 256 + page[(offset + byte) & 0xfff];
    }
    return value;
  }

  writeMemory(offset: number, size: number, value: number): void {
    const address = SHADOW_ADDRESS + offset;
    if ((this.#attributes(address) & WRITE_ENABLE) === 0) return;
    this.#wiring.writeRam(address, size, value);
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  /** The attributes follow the bridge, which the PCI host resets. */
  reset(): void {}

  state(): DeviceState {
    return takeState(STATE_VERSION, {});
  }

  restore(state: DeviceState): void {
    readState('82441FX shadow', STATE_VERSION, state, {});
  }

  /** Says what the registers say now, where that has changed. */
  #tell(): void {
    FIELDS.forEach(([address, bytes, register, shift], index) => {
      const bits = (this.bridge.byte(register) >> shift) & 3;
      if (bits === this.#told[index]) return;
      this.#told[index] = bits;
      this.#wiring.setAttributes(address, bytes, {
        readRam: (bits & READ_ENABLE) !== 0,
        writeRam: (bits & WRITE_ENABLE) !== 0,
      });
    });
  }

  #attributes(address: number): number {
    const field = FIELDS.find(([start, bytes]) => address >= start && address < start + bytes);
    if (field === undefined) return 0;
    return (this.bridge.byte(field[2]) >> field[3]) & 3;
  }
}
