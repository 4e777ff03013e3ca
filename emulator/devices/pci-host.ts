/**
 * PCI configuration mechanism #1 (PCI Local Bus specification 2.1, 3.7.4.1) for the functions on bus 0, and
 * the reset control register of the PIIX (82371SB data sheet 290550, "RC").
 *
 *   CF8h  CONFIG_ADDRESS (32 bits only)      CFCh-CFFh  CONFIG_DATA
 *   CF9h  reset control: bit 1 full reset, bit 2 resets on 0 -> 1
 *
 * A board without other functions has a host bridge with the identity of an Intel 82441FX alone, so that a
 * kernel's check of the mechanism succeeds; its header is read only and what lies behind it (40h-FFh) is
 * kept but has no effect: RAM is not shadowed there (i440fx.ts does that). Functions that are not there
 * read as absent, all ones.
 */
import type { DeviceState, JsonValue, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { PciConfiguration, type PciFunction, type PciIdentity } from './pci-function.ts';

const STATE_VERSION = 2;
export const RESET_CONTROL_PORT = 0xcf9;
/** Value that makes a hard reset in one write. */
export const RESET_CONTROL_HARD = 0x06;

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const ENABLE = 0x80000000;
const RESET_CPU = 0x04;
const HEADER_BYTES = 0x40;
const CONFIG_BYTES = 256;

/** Intel 82441FX, revision 2, host bridge. */
export const HOST_BRIDGE = {
  device: 0,
  function: 0,
  vendorId: 0x8086,
  deviceId: 0x1237,
  revision: 2,
  classCode: 0x060000,
} as const satisfies PciIdentity;

/** Memory and bus master on and not to be switched off; the status of the 82441FX. */
export const HOST_BRIDGE_COMMAND = [0x04, [0x06, 0x00, 0x80, 0x02]] as const;
export const HOST_BRIDGE_READ_ONLY = [
  [0x04, [0]],
  [0x3c, [0]],
] as const;

/** One that keeps what is written to it. */
function plainHostBridge(): PciFunction {
  const rest = new Array<number>(CONFIG_BYTES - HEADER_BYTES).fill(0xff);
  return new PciConfiguration('PCI host bridge', {
    identity: HOST_BRIDGE,
    values: [HOST_BRIDGE_COMMAND],
    writable: [...HOST_BRIDGE_READ_ONLY, [HEADER_BYTES, rest]],
  });
}

function powerOn() {
  return { address: 0, resetControl: 0 };
}

export class PciHost implements PortDevice {
  readonly #reset: () => void;
  /** By device and function as CONFIG_ADDRESS has them. */
  readonly #functions = new Map<number, PciFunction>();
  #r = powerOn();

  /**
   * `reset`: the guest asks for a reset through CF9h. Throws RangeError when two of the functions have one
   * number.
   */
  constructor(reset: () => void, functions: readonly PciFunction[] = [plainHostBridge()]) {
    this.#reset = reset;
    for (const each of functions) {
      const number = (each.device << 3) | each.function;
      if (this.#functions.has(number)) {
        throw new RangeError(`PCI function ${each.device}.${each.function} is there twice`);
      }
      this.#functions.set(number, each);
    }
  }

  readPort(port: number, size: number): number {
    if (port === CONFIG_ADDRESS && size === 4) return this.#r.address;
    if (port === RESET_CONTROL_PORT && size === 1) return this.#r.resetControl;
    if (port < CONFIG_DATA) return 0xffffffff;
    const selected = this.#selected();
    if (selected === undefined) return 0xffffffff;
    const register = this.#register(port);
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) {
      value = value * 256 + (selected.readConfig((register + byte) & 0xff) & 0xff);
    }
    return value;
  }

  writePort(port: number, size: number, value: number): void {
    if (port === CONFIG_ADDRESS && size === 4) this.#r.address = (value & 0x80fffffc) >>> 0;
    else if (port === RESET_CONTROL_PORT && size === 1) this.#writeReset(value);
    else if (port >= CONFIG_DATA) {
      this.#selected()?.writeConfig(this.#register(port), size, value);
    }
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    this.#r = powerOn();
    for (const each of this.#functions.values()) each.reset();
  }

  state(): DeviceState {
    const functions: { [number: string]: JsonValue } = {};
    for (const [number, each] of this.#functions) functions[number] = each.state();
    return { ...takeState(STATE_VERSION, this.#r), functions };
  }

  restore(state: DeviceState): void {
    const { functions, ...registers } = state;
    this.#r = readState('PCI host', STATE_VERSION, registers, powerOn());
    if (typeof functions !== 'object' || functions === null) {
      throw new RangeError('PCI host: the snapshot has no functions');
    }
    const states = functions as { readonly [number: string]: DeviceState | undefined };
    for (const [number, each] of this.#functions) {
      const own = states[String(number)];
      if (own === undefined)
        throw new RangeError(`PCI host: the snapshot lacks function ${number}`);
      each.restore(own);
    }
  }

  /** What CONFIG_ADDRESS selects, if it is there. */
  #selected(): PciFunction | undefined {
    const { address } = this.#r;
    const bus = (address >>> 16) & 0xff;
    if ((address & ENABLE) === 0 || bus !== 0) return undefined;
    return this.#functions.get((address >>> 8) & 0xff);
  }

  /** Register that CONFIG_DATA's `port` reaches. */
  #register(port: number): number {
    return (this.#r.address & 0xfc) + (port & 3);
  }

  #writeReset(value: number): void {
    const before = this.#r.resetControl;
    this.#r.resetControl = value & 0x06;
    if (~before & value & RESET_CPU) this.#reset();
  }
}
