/**
 * PCI configuration mechanism #1 (PCI Local Bus specification 2.1, 3.7.4.1) with one device, and the reset
 * control register of the PIIX (82371SB data sheet 290550, "RC").
 *
 *   CF8h  CONFIG_ADDRESS (32 bits only)      CFCh-CFFh  CONFIG_DATA
 *   CF9h  reset control: bit 1 full reset, bit 2 resets on 0 -> 1
 *
 * Bus 0, device 0, function 0 is a host bridge with the identity of an Intel 82441FX, so that a kernel's
 * check of the mechanism succeeds; its header is read only and what lies behind it (40h-FFh) is kept but
 * has no effect: RAM is not shadowed here. Every other device reads as absent, all ones.
 */
import type { DeviceState, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
export const RESET_CONTROL_PORT = 0xcf9;
/** Value that makes a hard reset in one write. */
export const RESET_CONTROL_HARD = 0x06;

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const ENABLE = 0x80000000;
const RESET_CPU = 0x04;
const HEADER_BYTES = 0x40;
const CONFIG_BYTES = 256;

/** Vendor 8086h, device 1237h, memory and bus master on, revision 2, class 06.00.00 host bridge. */
// prettier-ignore
const HOST_BRIDGE = [0x86, 0x80, 0x37, 0x12, 0x06, 0x00, 0x80, 0x02, 0x02, 0x00, 0x00, 0x06] as const;

function powerOn() {
  const config = new Array<number>(CONFIG_BYTES).fill(0);
  HOST_BRIDGE.forEach((byte, index) => {
    config[index] = byte;
  });
  return { address: 0, resetControl: 0, config };
}

export class PciHost implements PortDevice {
  readonly #reset: () => void;
  #r = powerOn();

  /** `reset`: the guest asks for a reset through CF9h. */
  constructor(reset: () => void) {
    this.#reset = reset;
  }

  readPort(port: number, size: number): number {
    if (port === CONFIG_ADDRESS && size === 4) return this.#r.address;
    if (port === RESET_CONTROL_PORT && size === 1) return this.#r.resetControl;
    if (port < CONFIG_DATA) return 0xffffffff;
    const register = this.#selected(port);
    if (register < 0) return 0xffffffff;
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) {
      value = value * 256 + (this.#r.config[register + byte] ?? 0xff);
    }
    return value;
  }

  writePort(port: number, size: number, value: number): void {
    if (port === CONFIG_ADDRESS && size === 4) this.#r.address = (value & 0x80fffffc) >>> 0;
    else if (port === RESET_CONTROL_PORT && size === 1) this.#writeReset(value);
    else if (port >= CONFIG_DATA) this.#writeConfig(this.#selected(port), size, value);
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
    this.#r = readState('PCI host', STATE_VERSION, state, powerOn());
  }

  /** Configuration byte that CONFIG_DATA's `port` reaches, or -1 when no device is there. */
  #selected(port: number): number {
    const { address } = this.#r;
    const deviceAndBus = (address >>> 8) & 0xffff;
    if ((address & ENABLE) === 0 || deviceAndBus !== 0) return -1;
    return (address & 0xfc) + (port & 3);
  }

  #writeConfig(register: number, size: number, value: number): void {
    for (let byte = 0; byte < size; byte++) {
      const index = register + byte;
      if (index >= HEADER_BYTES && index < CONFIG_BYTES) {
        this.#r.config[index] = (value >>> (8 * byte)) & 0xff;
      }
    }
  }

  #writeReset(value: number): void {
    const before = this.#r.resetControl;
    this.#r.resetControl = value & 0x06;
    if (~before & value & RESET_CPU) this.#reset();
  }
}
