/**
 * Diagnostic port of the PC/AT (80h, power-on self-test codes) and the one kernels use instead of it for
 * I/O delays (EDh). Both keep the byte; firmware and test programs show their progress here.
 */
import type { DeviceState, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
const POST = 0x80;

function powerOn() {
  return { post: 0, delay: 0 };
}

export class PostPort implements PortDevice {
  #r = powerOn();

  /** Last POST code, 0-255. */
  get code(): number {
    return this.#r.post;
  }

  readPort(port: number, _size: number): number {
    return port === POST ? this.#r.post : this.#r.delay;
  }

  writePort(port: number, _size: number, value: number): void {
    if (port === POST) this.#r.post = value & 0xff;
    else this.#r.delay = value & 0xff;
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
    this.#r = readState('POST port', STATE_VERSION, state, powerOn());
  }
}
