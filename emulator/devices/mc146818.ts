/**
 * Motorola MC146818 real-time clock and CMOS memory (data sheet MC146818AS; 128 bytes and a century byte
 * at 32h as in a PC), running on virtual time from a configured date.
 *
 *   70h  bits 6-0 index, bit 7 NMI disable, without effect (write only)
 *   71h  data: 00-09 time and alarm, 0A-0D registers A-D, 0E-7F memory
 *
 * Interrupts (IRQ 8) and their flags are worked out when somebody looks. The clock runs with register A's
 * divider at 010 (32.768 kHz). Not emulated: daylight saving, the square-wave pin, a day of the week that
 * disagrees with the date.
 */
import type { Clock, DeviceState, Line, PortDevice } from './device.ts';
import { CMOS_BYTES } from './cmos-memory.ts';
import { readState, takeState } from './device-state.ts';
import { nextAlarm, toRegisters, toSeconds } from './mc146818-calendar.ts';
import type { RegisterFormat } from './mc146818-calendar.ts';
import { Oscillator } from './oscillator.ts';

const STATE_VERSION = 1;
const NS_PER_SECOND = 1_000_000_000;
/** "The first update cycle begins one-half second later" than the divider's release. */
const FIRST_UPDATE = 500_000_000;
/** UIP is set for t_BUC and the update cycle itself, 244 µs + 1984 µs, at 32.768 kHz. */
const UPDATE_IN_PROGRESS = 2_228_000;

// prettier-ignore
const INDEX = {
  seconds: 0x00, secondsAlarm: 0x01, minutes: 0x02, minutesAlarm: 0x03, hours: 0x04, hoursAlarm: 0x05,
  dayOfWeek: 0x06, dayOfMonth: 0x07, month: 0x08, year: 0x09,
  a: 0x0a, b: 0x0b, c: 0x0c, d: 0x0d, century: 0x32,
} as const;

const A_UIP = 0x80;
const A_DIVIDER = 0x70;
const A_DIVIDER_ON = 0x20;
const A_RATE = 0x0f;
const B_SET = 0x80;
const B_BINARY = 0x04;
const B_24_HOURS = 0x02;
/** PIE, AIE, UIE in register B; PF, AF, UF in register C. */
const PERIODIC = 0x40;
const ALARM = 0x20;
const UPDATE = 0x10;
const INTERRUPTS = PERIODIC | ALARM | UPDATE;
const B_SQUARE_WAVE = 0x08;
const C_IRQF = 0x80;
const D_VALID_RAM_AND_TIME = 0x80;

export interface Mc146818Wiring {
  readonly clock: Clock;
  /** IRQ 8, high while IRQF. */
  readonly interrupt: Line;
  /** Seconds since 1970 at virtual time 0. */
  readonly startTime: number;
  /** Initial CMOS memory, 128 bytes, of which 00-0D and 32 are the clock's own. */
  readonly memory: readonly number[];
}

function powerOn(startTime: number, memory: readonly number[]) {
  const registers = Array.from({ length: CMOS_BYTES }, (_, index) => (memory[index] ?? 0) & 0xff);
  registers[INDEX.a] = A_DIVIDER_ON | 6;
  registers[INDEX.b] = B_24_HOURS;
  return {
    index: 0,
    /** Bytes by index; the time of day in them is current only while the clock stands. */
    memory: registers,
    /** PF, AF, UF as of `flagsAt`. */
    flags: 0,
    flagsAt: 0,
    /** Virtual time at which the divider chain was at zero. */
    dividerStart: 0,
    /** Seconds since 1970 shown in the `epochSecond`-th second of the divider. */
    epoch: startTime,
    epochSecond: 0,
    interrupt: false,
  };
}

export class Mc146818 implements PortDevice {
  readonly #wiring: Mc146818Wiring;
  readonly #crystal = new Oscillator(32_768);
  #r: ReturnType<typeof powerOn>;

  constructor(wiring: Mc146818Wiring) {
    this.#wiring = wiring;
    this.#r = powerOn(wiring.startTime, wiring.memory);
  }

  readPort(port: number, _size: number): number {
    if ((port & 1) === 0) return 0xff;
    const now = this.#wiring.clock.now();
    this.advance(now);
    const index = this.#r.index & 0x7f;
    switch (index) {
      case INDEX.a:
        return this.#byte(INDEX.a) | (this.#updateInProgress(now) ? A_UIP : 0);
      case INDEX.c: {
        const flags = this.#r.flags | (this.#r.interrupt ? C_IRQF : 0);
        this.#r.flags = 0;
        this.#update();
        return flags;
      }
      case INDEX.d:
        return D_VALID_RAM_AND_TIME;
      default:
        if (isTime(index) && this.#isRunning()) this.#showTime(now);
        return this.#byte(index);
    }
  }

  writePort(port: number, _size: number, value: number): void {
    const byte = value & 0xff;
    if ((port & 1) === 0) {
      this.#r.index = byte;
      return;
    }
    const now = this.#wiring.clock.now();
    this.advance(now);
    const index = this.#r.index & 0x7f;
    if (index === INDEX.a || index === INDEX.b) this.#writeControl(index, byte, now);
    else if (isTime(index) && this.#isRunning()) this.#setTime(index, byte, now);
    else if (index !== INDEX.c && index !== INDEX.d) this.#r.memory[index] = byte;
    this.#update();
  }

  nextDeadline(): number {
    // Once the line is up nothing changes until register C is read.
    const enabled = this.#byte(INDEX.b);
    if (this.#r.interrupt || (enabled & INTERRUPTS) === 0) return Infinity;
    const { flagsAt, dividerStart } = this.#r;
    let deadline = Infinity;
    const period = this.#period();
    if (enabled & PERIODIC && period > 0) {
      const next = this.#periodsAt(flagsAt) + 1;
      deadline = dividerStart + this.#crystal.timeOfTick(next * period);
    }
    if (!this.#isRunning()) return deadline;
    if (enabled & UPDATE) deadline = Math.min(deadline, this.#timeOf(this.#secondsAt(flagsAt) + 1));
    if (enabled & ALARM) deadline = Math.min(deadline, this.#timeOf(this.#nextAlarm()));
    return deadline;
  }

  advance(now: number): void {
    const r = this.#r;
    if (now <= r.flagsAt) return;
    if (this.#period() > 0 && this.#periodsAt(now) > this.#periodsAt(r.flagsAt)) {
      r.flags |= PERIODIC;
    }
    if (this.#isRunning()) {
      const seconds = this.#secondsAt(now);
      if (seconds > this.#secondsAt(r.flagsAt)) {
        r.flags |= UPDATE;
        if (seconds >= this.#nextAlarm()) r.flags |= ALARM;
      }
    }
    r.flagsAt = now;
    this.#update();
  }

  /** RESET#: interrupts off. Time, memory and registers A and D have a battery. */
  reset(): void {
    this.#r.memory[INDEX.b] = this.#byte(INDEX.b) & ~(INTERRUPTS | B_SQUARE_WAVE);
    this.#r.flags = 0;
    this.#r.index = 0;
    this.#update();
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('MC146818', STATE_VERSION, state, powerOn(0, []));
  }

  #byte(index: number): number {
    return this.#r.memory[index] ?? 0xff;
  }

  #format(): RegisterFormat {
    const b = this.#byte(INDEX.b);
    return { binary: (b & B_BINARY) !== 0, hours24: (b & B_24_HOURS) !== 0 };
  }

  #dividerRuns(): boolean {
    return (this.#byte(INDEX.a) & A_DIVIDER) === A_DIVIDER_ON;
  }

  #isRunning(): boolean {
    return this.#dividerRuns() && (this.#byte(INDEX.b) & B_SET) === 0;
  }

  /** Periodic interrupt's period in 32.768 kHz ticks (data sheet, table 5), or 0. */
  #period(): number {
    const rate = this.#byte(INDEX.a) & A_RATE;
    if (rate === 0 || !this.#dividerRuns()) return 0;
    return 1 << (rate <= 2 ? rate + 6 : rate - 1);
  }

  #periodsAt(now: number): number {
    return Math.floor(this.#crystal.ticksAt(now - this.#r.dividerStart) / this.#period());
  }

  #dividerSecond(now: number): number {
    return Math.floor((now - this.#r.dividerStart) / NS_PER_SECOND);
  }

  /** Seconds since 1970 on a running clock. */
  #secondsAt(now: number): number {
    return this.#r.epoch + this.#dividerSecond(now) - this.#r.epochSecond;
  }

  /** Virtual time at which a running clock shows `seconds`. */
  #timeOf(seconds: number): number {
    const { epoch, epochSecond, dividerStart } = this.#r;
    return dividerStart + (seconds - epoch + epochSecond) * NS_PER_SECOND;
  }

  #nextAlarm(): number {
    const alarm = {
      seconds: this.#byte(INDEX.secondsAlarm),
      minutes: this.#byte(INDEX.minutesAlarm),
      hours: this.#byte(INDEX.hoursAlarm),
    };
    return nextAlarm(this.#secondsAt(this.#r.flagsAt), alarm, this.#format());
  }

  #updateInProgress(now: number): boolean {
    const intoSecond = (now - this.#r.dividerStart) % NS_PER_SECOND;
    return this.#isRunning() && intoSecond >= NS_PER_SECOND - UPDATE_IN_PROGRESS;
  }

  #writeControl(index: number, byte: number, now: number): void {
    const wasRunning = this.#isRunning();
    const dividerRan = this.#dividerRuns();
    if (wasRunning) this.#showTime(now);
    this.#r.memory[index] = index === INDEX.a ? byte & ~A_UIP : byte;
    // "SET = 1 … clears the UIE bit."
    if (this.#byte(INDEX.b) & B_SET) this.#r.memory[INDEX.b] = this.#byte(INDEX.b) & ~UPDATE;
    if (!dividerRan && this.#dividerRuns()) this.#r.dividerStart = now - FIRST_UPDATE;
    if (this.#isRunning()) this.#takeTime(now);
  }

  #setTime(index: number, byte: number, now: number): void {
    this.#showTime(now);
    this.#r.memory[index] = byte;
    this.#takeTime(now);
  }

  /** Brings the time bytes up to `now` on a running clock. */
  #showTime(now: number): void {
    const time = toRegisters(this.#secondsAt(now), this.#format());
    const { memory } = this.#r;
    memory[INDEX.seconds] = time.seconds;
    memory[INDEX.minutes] = time.minutes;
    memory[INDEX.hours] = time.hours;
    memory[INDEX.dayOfWeek] = time.dayOfWeek;
    memory[INDEX.dayOfMonth] = time.dayOfMonth;
    memory[INDEX.month] = time.month;
    memory[INDEX.year] = time.year;
    memory[INDEX.century] = time.century;
  }

  /** The clock goes on from the time bytes. */
  #takeTime(now: number): void {
    const time = {
      seconds: this.#byte(INDEX.seconds),
      minutes: this.#byte(INDEX.minutes),
      hours: this.#byte(INDEX.hours),
      dayOfWeek: this.#byte(INDEX.dayOfWeek),
      dayOfMonth: this.#byte(INDEX.dayOfMonth),
      month: this.#byte(INDEX.month),
      year: this.#byte(INDEX.year),
      century: this.#byte(INDEX.century),
    };
    this.#r.epoch = toSeconds(time, this.#format());
    this.#r.epochSecond = this.#dividerSecond(now);
  }

  #update(): void {
    const level = (this.#r.flags & this.#byte(INDEX.b) & INTERRUPTS) !== 0;
    if (level === this.#r.interrupt) return;
    this.#r.interrupt = level;
    this.#wiring.interrupt.set(level);
  }
}

function isTime(index: number): boolean {
  if (index === INDEX.century) return true;
  if (index > INDEX.year) return false;
  return index !== INDEX.secondsAlarm && index !== INDEX.minutesAlarm && index !== INDEX.hoursAlarm;
}
