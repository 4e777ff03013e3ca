/**
 * System control ports of the PC (IBM PS/2 technical reference, "System control port A and B"; 82371SB
 * data sheet 290550, NMISC and port 92 registers).
 *
 *   61h  0 timer-2 gate, 1 speaker, 2 parity off, 3 channel check off (read/write);
 *        4 refresh toggle, 5 timer-2 OUT, 6 channel check, 7 parity error (read only)
 *   92h  0 fast reset on 0 -> 1, 1 A20 (other bits read as written)
 *
 * The refresh toggle changes every 15.085 µs (18 timer pulses) whatever counter 1 is set to; no parity
 * or channel-check errors ever happen.
 */
import type { Clock, DeviceState, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { PIT_HERTZ } from './intel-8254.ts';
import { Oscillator } from './oscillator.ts';

const STATE_VERSION = 1;
const PORT_A = 0x92;
const PORT_B_WRITABLE = 0x0f;
const TIMER2_GATE = 0x01;
const REFRESH_TOGGLE = 0x10;
const TIMER2_OUT = 0x20;
const FAST_RESET = 0x01;
const A20 = 0x02;
/** Refresh request period of the PC/AT in timer pulses. */
const REFRESH_PULSES = 18;

export interface SystemControlWiring {
  readonly clock: Clock;
  /** Counter 2 of the 8254. */
  readonly timer2: { setGate2(level: boolean): void; out2(): boolean };
  readonly a20Changed: (enabled: boolean) => void;
  readonly reset: () => void;
}

function powerOn() {
  return { portA: 0, portB: 0 };
}

export class SystemControlPort implements PortDevice {
  readonly #wiring: SystemControlWiring;
  readonly #crystal = new Oscillator(PIT_HERTZ);
  #r = powerOn();

  constructor(wiring: SystemControlWiring) {
    this.#wiring = wiring;
  }

  /** This port's half of the A20 gate; the 8042 has the other. */
  get a20(): boolean {
    return (this.#r.portA & A20) !== 0;
  }

  readPort(port: number, _size: number): number {
    if (port === PORT_A) return this.#r.portA;
    const pulse = this.#crystal.ticksAt(this.#wiring.clock.now());
    const refresh = Math.floor(pulse / REFRESH_PULSES) % 2 === 1 ? REFRESH_TOGGLE : 0;
    return this.#r.portB | refresh | (this.#wiring.timer2.out2() ? TIMER2_OUT : 0);
  }

  writePort(port: number, _size: number, value: number): void {
    if (port === PORT_A) {
      const before = this.#r.portA;
      this.#r.portA = value & 0xff;
      if ((before ^ value) & A20) this.#wiring.a20Changed(this.a20);
      if (~before & value & FAST_RESET) this.#wiring.reset();
    } else {
      this.#r.portB = value & PORT_B_WRITABLE;
      this.#wiring.timer2.setGate2((value & TIMER2_GATE) !== 0);
    }
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    const hadA20 = this.a20;
    this.#r = powerOn();
    this.#wiring.timer2.setGate2(false);
    if (hadA20) this.#wiring.a20Changed(false);
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('system control port', STATE_VERSION, state, powerOn());
  }
}
