/**
 * Ports for guests that are programs under test, as QEMU and Bochs have them: not part of any PC.
 *
 *   E9h       a byte to the debug console; reads E9h, by which a guest knows that it is there
 *   F4h-F7h   switches the machine off, with the value as the result: 0 when all is well
 *
 * QEMU's isa-debug-exit, the same port, makes its own process end with 2 × value + 1, so that a guest
 * cannot imitate a QEMU that ends well. Here nobody can mistake the one for the other.
 */
import type { DeviceState, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
const DEBUG_CONSOLE = 0xe9;

export interface DebugExitWiring {
  readonly output: (byte: number) => void;
  /** `code` as the guest wrote it, unsigned. */
  readonly powerOff: (code: number) => void;
}

export class DebugExit implements PortDevice {
  readonly #wiring: DebugExitWiring;

  constructor(wiring: DebugExitWiring) {
    this.#wiring = wiring;
  }

  readPort(port: number, _size: number): number {
    return port === DEBUG_CONSOLE ? DEBUG_CONSOLE : 0;
  }

  writePort(port: number, _size: number, value: number): void {
    if (port === DEBUG_CONSOLE) this.#wiring.output(value & 0xff);
    else this.#wiring.powerOff(value);
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {}

  state(): DeviceState {
    return takeState(STATE_VERSION, {});
  }

  restore(state: DeviceState): void {
    readState('debug exit', STATE_VERSION, state, {});
  }
}
