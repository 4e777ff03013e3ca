/**
 * Debug console of firmware for emulators (QEMU's isa-debugcon at SeaBIOS's port): not part of any PC.
 *
 *   402h  a byte of text; reads E9h, by which firmware knows that it is there
 *
 * Bytes are gathered to lines. A guest that never ends a line gets it cut.
 */
import type { DeviceState, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
const PRESENT = 0xe9;
const LONGEST_LINE = 400;

function powerOn() {
  return { line: '' };
}

export class FirmwareLog implements PortDevice {
  readonly #line: (text: string) => void;
  #r = powerOn();

  /** `line` hears of each line without its end; empty ones are left out. */
  constructor(line: (text: string) => void) {
    this.#line = line;
  }

  readPort(_port: number, _size: number): number {
    return PRESENT;
  }

  writePort(_port: number, _size: number, value: number): void {
    const byte = value & 0xff;
    if (byte >= 0x20) this.#r.line += String.fromCharCode(byte);
    if (byte !== 0x0a && this.#r.line.length < LONGEST_LINE) return;
    const { line } = this.#r;
    this.#r.line = '';
    if (line !== '') this.#line(line);
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
    this.#r = readState('firmware log', STATE_VERSION, state, powerOn());
  }
}
