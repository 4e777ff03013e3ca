/**
 * ACPI fixed hardware (ACPI specification 3.0, 4.7.3 "Fixed hardware features"), ports 600h-60Bh.
 *
 *   +0 PM1a_STS (16 bits; write 1 clears)   +4 PM1a_CNT (16 bits)
 *   +2 PM1a_EN  (16 bits)                   +8 PM_TMR (32 bits, 24 of which count 3.579545 MHz)
 *
 * The machine is in ACPI mode from power-on (SCI_EN always reads 1), so there is no SMI command port.
 * Sleep type 5 is S5, power off; 1 is S3, suspend to RAM, where the machine can do that; others are
 * ignored. The real-time clock's alarm and the power button end S3. The SCI is IRQ 9, level, active high.
 * Not emulated: general-purpose events, sleep button, bus-master reload.
 */
import type { Clock, DeviceState, Line, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { Oscillator } from './oscillator.ts';

const STATE_VERSION = 2;
export const PM1A_EVENT_PORT = 0x600;
export const PM1A_CONTROL_PORT = 0x604;
export const PM_TIMER_PORT = 0x608;
export const ACPI_PORTS = 12;
const SLEEP_TYPE_S3 = 1;
export const SLEEP_TYPE_S5 = 5;
export const PM_TIMER_HERTZ = 3_579_545;

const TIMER_BITS = 0x1000000;
/** TMR_STS is set whenever bit 23 changes. */
const TIMER_HALF = 0x800000;

const TMR = 0x0001;
const PWRBTN = 0x0100;
const RTC = 0x0400;
/** Status only: the machine has been woken. */
const WAK = 0x8000;
const ENABLE_WRITABLE = TMR | 0x0020 | PWRBTN | 0x0200 | RTC;

const SCI_EN = 0x0001;
const SLP_EN = 0x2000;
const CONTROL_WRITABLE = 0x1c02;

export interface AcpiPowerWiring {
  readonly clock: Clock;
  /** SCI. */
  readonly interrupt: Line;
  readonly powerOff: () => void;
  /** S3 begins. Without it there is no S3. */
  readonly suspend?: () => void;
}

function powerOn() {
  return {
    status: 0,
    enable: 0,
    control: SCI_EN,
    /** Timer halves that have been looked at for TMR_STS. */
    halves: 0,
    interrupt: false,
    /** In S3, and by which status bits it is to end. */
    asleep: false,
    wakes: 0,
  };
}

export class AcpiPower implements PortDevice {
  readonly #wiring: AcpiPowerWiring;
  readonly #crystal = new Oscillator(PM_TIMER_HERTZ);
  #r = powerOn();

  constructor(wiring: AcpiPowerWiring) {
    this.#wiring = wiring;
  }

  readPort(port: number, size: number): number {
    this.advance(this.#wiring.clock.now());
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) {
      value = value * 256 + this.#registerByte(port - PM1A_EVENT_PORT + byte);
    }
    return value;
  }

  writePort(port: number, size: number, value: number): void {
    this.advance(this.#wiring.clock.now());
    let sleep = false;
    for (let byte = 0; byte < size; byte++) {
      const offset = port - PM1A_EVENT_PORT + byte;
      sleep = this.#writeByte(offset, (value >>> (8 * byte)) & 0xff) || sleep;
    }
    this.#update();
    const type = (this.#r.control >> 10) & 7;
    if (sleep && type === SLEEP_TYPE_S5) this.#wiring.powerOff();
    if (sleep && type === SLEEP_TYPE_S3) this.#suspend();
  }

  #suspend(): void {
    if (this.#wiring.suspend === undefined) return;
    // an event that came before ends it at once
    this.#r.wakes = this.#r.status & this.#r.enable & RTC;
    this.#r.asleep = true;
    this.#wiring.suspend();
  }

  /** S3 is to end. */
  get wakes(): boolean {
    return this.#r.asleep && this.#r.wakes !== 0;
  }

  /** After the reset that a wake is: the cause is in the status register. */
  endSleep(): void {
    const { wakes } = this.#r;
    this.#r.asleep = false;
    this.#r.wakes = 0;
    this.#r.status |= WAK | wakes;
    this.#update();
  }

  /** The real-time clock's interrupt line has risen. */
  clockAlarm(): void {
    this.#r.status |= RTC;
    this.#update();
    this.#r.wakes |= this.#r.enable & RTC;
  }

  /** The user presses the power button: a guest with ACPI events shuts down. */
  pressPowerButton(): void {
    this.#r.status |= PWRBTN;
    this.#update();
    this.#r.wakes |= PWRBTN;
  }

  nextDeadline(): number {
    const { status, enable, halves } = this.#r;
    if ((enable & TMR) === 0 || status & TMR) return Infinity;
    return this.#crystal.timeOfTick((halves + 1) * TIMER_HALF);
  }

  advance(now: number): void {
    const halves = Math.floor(this.#crystal.ticksAt(now) / TIMER_HALF);
    if (halves <= this.#r.halves) return;
    this.#r.halves = halves;
    this.#r.status |= TMR;
    this.#update();
  }

  reset(): void {
    const { halves, interrupt, asleep, wakes } = this.#r;
    this.#r = { ...powerOn(), halves, interrupt, asleep, wakes };
    this.#update();
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('ACPI', STATE_VERSION, state, powerOn());
  }

  #registerByte(offset: number): number {
    const shift = (offset & 1) * 8;
    if (offset < 2) return (this.#r.status >> shift) & 0xff;
    if (offset < 4) return (this.#r.enable >> shift) & 0xff;
    if (offset < 6) return (this.#r.control >> shift) & 0xff;
    if (offset < 8) return 0xff;
    const timer = this.#crystal.ticksAt(this.#wiring.clock.now()) % TIMER_BITS;
    return (timer >>> ((offset & 3) * 8)) & 0xff;
  }

  /** True when the byte sets SLP_EN. */
  #writeByte(offset: number, byte: number): boolean {
    const r = this.#r;
    const shift = (offset & 1) * 8;
    const kept = ~(0xff << shift);
    const bits = byte << shift;
    if (offset < 2) r.status &= ~bits;
    else if (offset < 4) r.enable = (r.enable & kept) | (bits & ENABLE_WRITABLE);
    else if (offset < 6) {
      r.control = (r.control & kept) | (bits & CONTROL_WRITABLE) | SCI_EN;
      return (bits & SLP_EN) !== 0;
    }
    return false;
  }

  #update(): void {
    const level = (this.#r.status & this.#r.enable) !== 0;
    if (level === this.#r.interrupt) return;
    this.#r.interrupt = level;
    this.#wiring.interrupt.set(level);
  }
}
