/**
 * High precision event timers (IA-PC HPET specification 1.0a), at FED00000h: a main counter of 32 bits that
 * counts 10 ns each, and three comparators, the first of which can be periodic.
 *
 *   000 capabilities, 004 period in fs    010 configuration    020 interrupt status    0F0 main counter
 *   100 + 20n configuration of timer n, 104 + 20n its routes, 108 + 20n its comparator
 *
 * Timers interrupt through I/O APIC inputs 20 to 23. Not emulated: replacement of the 8254 and of the
 * real-time clock (LEG_RT_CAP is 0), messages to the processor bus, 64 bits. ACPI does not tell of the
 * chip; a guest finds it only by its address.
 */
import type { Clock, DeviceState, Line, MemoryDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
export const HPET_ADDRESS = 0xfed00000;
export const HPET_BYTES = 0x400;
/** I/O APIC inputs that a timer may be routed to. */
export const HPET_FIRST_INPUT = 20;
const INPUTS = 4;

const NS_PER_TICK = 10;
const PERIOD_FS = 10_000_000;
const TIMERS = 3;
const WRAP = 2 ** 32;
/** Vendor 8086h, three timers, revision 1; neither legacy replacement nor 64 bits. */
const CAPABILITIES = 0x80860201;

const ENABLE = 1;
const LEVEL = 1 << 1;
const INTERRUPT_ENABLE = 1 << 2;
const PERIODIC = 1 << 3;
const PERIODIC_CAPABLE = 1 << 4;
/** The next write to the comparator sets the value, too, not the period alone. */
const SET_VALUE = 1 << 6;
const ROUTE_SHIFT = 9;
const TIMER_WRITABLE = LEVEL | INTERRUPT_ENABLE | PERIODIC | 0x100 | (0x1f << ROUTE_SHIFT);

const TIMER_REGISTERS = 0x100;
const TIMER_STRIDE = 0x20;

function timerPowerOn() {
  return { configuration: 0, comparator: 0xffffffff, period: 0, setsValue: false };
}
type Timer = ReturnType<typeof timerPowerOn>;

function powerOn() {
  return {
    configuration: 0,
    status: 0,
    /** The counter at virtual time `since`; it stands still unless ENABLE is set. */
    counter: 0,
    since: 0,
    timers: Array.from({ length: TIMERS }, timerPowerOn),
  };
}

export interface HpetWiring {
  readonly clock: Clock;
  /** I/O APIC inputs from HPET_FIRST_INPUT up. */
  readonly inputs: readonly Line[];
}

export class Hpet implements MemoryDevice {
  readonly #wiring: HpetWiring;
  #r = powerOn();

  constructor(wiring: HpetWiring) {
    this.#wiring = wiring;
  }

  /** Aligned dwords; narrower accesses, which the specification does not allow, see their part of one. */
  readMemory(offset: number, size: number): number {
    this.advance(this.#wiring.clock.now());
    const value = this.#read(offset & ~3) >>> (8 * (offset & 3));
    return size === 4 ? value >>> 0 : value & (size === 2 ? 0xffff : 0xff);
  }

  writeMemory(offset: number, size: number, value: number): void {
    if (size !== 4 || (offset & 3) !== 0) return;
    this.advance(this.#wiring.clock.now());
    this.#write(offset, value >>> 0);
  }

  nextDeadline(): number {
    if (!this.#isEnabled()) return Infinity;
    let ticks = Infinity;
    for (const timer of this.#r.timers) {
      if ((timer.configuration & INTERRUPT_ENABLE) === 0) continue;
      ticks = Math.min(ticks, this.#ticksUntil(timer));
    }
    return this.#r.since + ticks * NS_PER_TICK;
  }

  advance(now: number): void {
    if (!this.#isEnabled()) {
      this.#r.since = now;
      return;
    }
    const ticks = Math.floor((now - this.#r.since) / NS_PER_TICK);
    if (ticks === 0) return;
    const matched = this.#r.timers.filter((timer) => this.#passes(timer, ticks));
    this.#r.counter = (this.#r.counter + ticks) % WRAP;
    this.#r.since += ticks * NS_PER_TICK;
    for (const timer of matched) this.#interrupt(timer, this.#r.timers.indexOf(timer));
  }

  reset(): void {
    for (const line of this.#wiring.inputs) line.set(false);
    this.#r = { ...powerOn(), since: this.#wiring.clock.now() };
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('HPET', STATE_VERSION, state, powerOn());
  }

  #isEnabled(): boolean {
    return (this.#r.configuration & ENABLE) !== 0;
  }

  /** 1 to 2^32. */
  #ticksUntil({ comparator }: Timer): number {
    const ticks = (comparator - this.#r.counter + WRAP) % WRAP;
    return ticks === 0 ? WRAP : ticks;
  }

  /** Whether the timer matches in so many ticks; a periodic one goes on behind them. */
  #passes(timer: Timer, ticks: number): boolean {
    const until = this.#ticksUntil(timer);
    if (ticks < until) return false;
    const { configuration, period, comparator } = timer;
    if ((configuration & PERIODIC) !== 0 && period !== 0) {
      const periods = Math.floor((ticks - until) / period) + 1;
      timer.comparator = (comparator + periods * period) % WRAP;
    }
    return true;
  }

  /** Several matches that nobody has looked at are one interrupt. */
  #interrupt(timer: Timer, index: number): void {
    const { configuration } = timer;
    if ((configuration & INTERRUPT_ENABLE) === 0) return;
    const line = this.#line(timer);
    if ((configuration & LEVEL) === 0) {
      line?.set(true);
      line?.set(false);
      return;
    }
    this.#r.status |= 1 << index;
    line?.set(true);
  }

  #line({ configuration }: Timer): Line | undefined {
    return this.#wiring.inputs[((configuration >> ROUTE_SHIFT) & 0x1f) - HPET_FIRST_INPUT];
  }

  #read(register: number): number {
    switch (register) {
      case 0x000:
        return CAPABILITIES;
      case 0x004:
        return PERIOD_FS;
      case 0x010:
        return this.#r.configuration;
      case 0x020:
        return this.#r.status;
      case 0x0f0:
        return this.#r.counter;
    }
    const index = Math.floor((register - TIMER_REGISTERS) / TIMER_STRIDE);
    const timer = this.#r.timers[index];
    if (timer === undefined) return 0;
    switch (register % TIMER_STRIDE) {
      case 0:
        return timer.configuration | (index === 0 ? PERIODIC_CAPABLE : 0);
      case 4:
        return (((1 << INPUTS) - 1) << HPET_FIRST_INPUT) >>> 0;
      case 8:
        return timer.comparator;
      default:
        return 0;
    }
  }

  #write(register: number, value: number): void {
    const r = this.#r;
    if (register === 0x010) r.configuration = value & ENABLE;
    else if (register === 0x020) this.#clearStatus(value);
    else if (register === 0x0f0) {
      if (!this.#isEnabled()) r.counter = value;
    } else {
      const index = Math.floor((register - TIMER_REGISTERS) / TIMER_STRIDE);
      const timer = r.timers[index];
      if (timer === undefined) return;
      if (register % TIMER_STRIDE === 0) this.#configure(timer, index, value);
      else if (register % TIMER_STRIDE === 8) setComparator(timer, value);
    }
  }

  #configure(timer: Timer, index: number, value: number): void {
    this.#lower(timer, index);
    const writable = index === 0 ? TIMER_WRITABLE : TIMER_WRITABLE & ~PERIODIC;
    timer.configuration = value & writable;
    timer.setsValue = (value & SET_VALUE) !== 0;
  }

  #clearStatus(bits: number): void {
    this.#r.timers.forEach((timer, index) => {
      if ((bits & (1 << index)) !== 0) this.#lower(timer, index);
    });
  }
  #lower(timer: Timer, index: number): void {
    if ((this.#r.status & (1 << index)) === 0) return;
    this.#r.status &= ~(1 << index);
    this.#line(timer)?.set(false);
  }
}

/** A periodic timer takes its period, and with SET_VALUE before it the first value as well (2.3.9.2.2). */
function setComparator(timer: Timer, value: number): void {
  if ((timer.configuration & PERIODIC) === 0) {
    timer.comparator = value;
    return;
  }
  if (timer.setsValue) timer.comparator = value;
  timer.period = value;
  timer.setsValue = false;
}
