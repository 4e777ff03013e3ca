/**
 * Firmware configuration device of QEMU's PC (QEMU, docs/specs/fw_cfg): through two ports firmware for
 * emulators reads what it cannot find out by itself. SeaBIOS, which this board's users bring along, expects
 * it. What the entries say is in firmware-files.ts.
 *
 *   510h  selector (16 bits, written)      511h  data: the next byte of the selected entry, zero after its end
 *
 * Not emulated: the DMA interface, whose feature bit is clear, and writing to entries.
 */
import type { DeviceState, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
const SELECTOR = 0x510;

function powerOn() {
  return { selector: 0, position: 0 };
}

export class FirmwareConfig implements PortDevice {
  readonly #entries: ReadonlyMap<number, Uint8Array>;
  #r = powerOn();

  constructor(entries: ReadonlyMap<number, Uint8Array>) {
    this.#entries = entries;
  }

  /** Wider reads of the data port give its next byte, then ones. */
  readPort(port: number, _size: number): number {
    if (port === SELECTOR) return 0;
    const byte = this.#entries.get(this.#r.selector)?.[this.#r.position] ?? 0;
    this.#r.position++;
    return (byte | 0xffffff00) >>> 0;
  }

  writePort(port: number, size: number, value: number): void {
    if (port !== SELECTOR || size === 1) return;
    this.#r = { selector: value & 0xffff, position: 0 };
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
    this.#r = readState('firmware configuration', STATE_VERSION, state, powerOn());
  }
}
