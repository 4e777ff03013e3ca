/**
 * Intel 8254 programmable interval timer (data sheet 231164-005) as the PC wires it: CLK 1.193182 MHz,
 * counter 0's OUT is IRQ 0, counter 1 was the DRAM refresh, counter 2 has its gate and OUT at port 61h.
 *
 *   40h-42h  counters 0-2
 *   43h      control word, counter latch, read-back (write only)
 *
 * At power-on no counter runs: the data sheet leaves it undefined, and there is no firmware to start one.
 */
import type { Clock, DeviceState, Line, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { Counter, counterPowerOn } from './intel-8254-counter.ts';
import { Oscillator } from './oscillator.ts';

const STATE_VERSION = 1;
export const PIT_HERTZ = 1_193_182;

const READ_BACK = 3;
/** Read-back command: these two bits are active low. */
const READ_BACK_NO_COUNT = 0x20;
const READ_BACK_NO_STATUS = 0x10;

export interface Intel8254Wiring {
  readonly clock: Clock;
  /** OUT of counter 0: IRQ 0. */
  readonly out0: Line;
}

export class Intel8254 implements PortDevice {
  readonly #wiring: Intel8254Wiring;
  readonly #crystal = new Oscillator(PIT_HERTZ);
  readonly #counters: readonly [Counter, Counter, Counter];

  constructor(wiring: Intel8254Wiring) {
    this.#wiring = wiring;
    const unconnected = (): void => {};
    this.#counters = [
      new Counter(true, (level) => wiring.out0.set(level)),
      new Counter(true, unconnected),
      new Counter(false, unconnected),
    ];
    wiring.out0.set(true);
  }

  readPort(port: number, _size: number): number {
    const counter = this.#counters[port & 3];
    return counter ? counter.read(this.#pulse()) : 0xff;
  }

  writePort(port: number, _size: number, value: number): void {
    const byte = value & 0xff;
    const counter = this.#counters[port & 3];
    if (counter) counter.write(byte, this.#pulse());
    else this.#writeControl(byte);
  }

  /** GATE 2: port 61h bit 0. */
  setGate2(level: boolean): void {
    this.#counters[2].setGate(level, this.#pulse());
  }

  /** OUT 2: port 61h bit 5. */
  out2(): boolean {
    this.#counters[2].advance(this.#pulse());
    return this.#counters[2].registers.out;
  }

  nextDeadline(): number {
    // Nobody sees the others change; they are worked out when they are read.
    return this.#crystal.timeOfTick(this.#counters[0].nextEvent());
  }

  advance(now: number): void {
    this.#counters[0].advance(this.#crystal.ticksAt(now));
  }

  reset(): void {
    this.#counters.forEach((counter, index) => {
      counter.registers = { ...counterPowerOn(), gate: index !== 2 };
    });
    this.#wiring.out0.set(true);
  }

  state(): DeviceState {
    const pulse = this.#pulse();
    for (const counter of this.#counters) counter.advance(pulse);
    return takeState(STATE_VERSION, {
      counters: this.#counters.map((counter) => counter.registers),
    });
  }

  restore(state: DeviceState): void {
    const like = { counters: this.#counters.map(() => counterPowerOn()) };
    const { counters } = readState('8254', STATE_VERSION, state, like);
    counters.forEach((registers, index) => {
      const counter = this.#counters[index];
      if (counter) counter.registers = registers;
    });
  }

  #pulse(): number {
    return this.#crystal.ticksAt(this.#wiring.clock.now());
  }

  #writeControl(byte: number): void {
    const pulse = this.#pulse();
    const select = byte >> 6;
    if (select === READ_BACK) {
      this.#counters.forEach((counter, index) => {
        if ((byte & (2 << index)) === 0) return;
        if ((byte & READ_BACK_NO_COUNT) === 0) counter.latchCount(pulse);
        if ((byte & READ_BACK_NO_STATUS) === 0) counter.latchStatus(pulse);
      });
      return;
    }
    const counter = this.#counters[select];
    if (!counter) return;
    const access = (byte >> 4) & 3;
    if (access === 0) counter.latchCount(pulse);
    else counter.writeControl((byte >> 1) & 7, access, (byte & 1) !== 0, pulse);
  }
}
