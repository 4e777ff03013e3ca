/**
 * Intel 82093AA I/O APIC (data sheet 290566-001), at FEC00000h: 24 inputs, each with a redirection entry
 * that says who is interrupted and how.
 *
 *   window +00 IOREGSEL, +10 IOWIN; registers 00 ID, 01 version, 02 arbitration ID,
 *   10-3F redirection entries (low, high): 7-0 vector, 10-8 delivery mode, 11 logical destination,
 *   12 delivery status (0: delivery is immediate), 13 polarity, 14 remote IRR, 15 level, 16 mask, 63-56
 *   destination
 *
 * A line's level here means "asserted", so polarity is stored and has no effect. ExtINT entries deliver
 * nothing: the 8259A reaches the processor through LINT0 alone.
 */
import type { ApicBus } from './apic-bus.ts';
import type { DeviceState, Line, MemoryDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
export const IO_APIC_ADDRESS = 0xfec00000;
export const IO_APIC_BYTES = 0x1000;
export const IO_APIC_INPUTS = 24;

const VERSION = ((IO_APIC_INPUTS - 1) << 16) | 0x11;
const SELECT = 0x00;
const WINDOW = 0x10;
const REGISTER_ID = 0;
const REGISTER_VERSION = 1;
const REGISTER_ARBITRATION = 2;
const FIRST_REDIRECTION = 0x10;

const MASKED = 0x10000;
const LEVEL = 0x8000;
const REMOTE_IRR = 0x4000;
const LOGICAL = 0x800;
const LOW_WRITABLE = 0x1afff;
const HIGH_WRITABLE = 0xff000000;

function powerOn() {
  return {
    select: 0,
    id: 0,
    low: new Array<number>(IO_APIC_INPUTS).fill(MASKED),
    high: new Array<number>(IO_APIC_INPUTS).fill(0),
    /** Asserted inputs, one bit each. */
    lines: 0,
  };
}

export class IoApic implements MemoryDevice {
  /** INTIN0-23. */
  readonly inputs: readonly Line[];
  readonly #bus: ApicBus;
  #r = powerOn();

  constructor(bus: ApicBus) {
    this.#bus = bus;
    bus.onEndOfInterrupt((vector) => this.#endOfInterrupt(vector));
    this.inputs = Array.from({ length: IO_APIC_INPUTS }, (_, input) => ({
      set: (level: boolean) => this.#setInput(input, level),
    }));
  }

  readMemory(offset: number, size: number): number {
    const value = (offset & ~3) === WINDOW ? this.#readRegister() : this.#select(offset);
    const shifted = value >>> ((offset & 3) * 8);
    return size === 4 ? shifted : shifted & (size === 2 ? 0xffff : 0xff);
  }

  writeMemory(offset: number, size: number, value: number): void {
    if (offset === SELECT) this.#r.select = value & 0xff;
    else if (offset === WINDOW && size === 4) this.#writeRegister(value >>> 0);
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    this.#r = { ...powerOn(), lines: this.#r.lines };
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('I/O APIC', STATE_VERSION, state, powerOn());
  }

  #select(offset: number): number {
    return (offset & ~3) === SELECT ? this.#r.select : 0;
  }

  #readRegister(): number {
    const { select, id, low, high } = this.#r;
    if (select === REGISTER_ID || select === REGISTER_ARBITRATION) return id << 24;
    if (select === REGISTER_VERSION) return VERSION;
    const input = (select - FIRST_REDIRECTION) >> 1;
    return ((select & 1 ? high[input] : low[input]) ?? 0) >>> 0;
  }

  #writeRegister(value: number): void {
    const r = this.#r;
    if (r.select === REGISTER_ID) r.id = (value >>> 24) & 15;
    const input = (r.select - FIRST_REDIRECTION) >> 1;
    if (input < 0 || input >= IO_APIC_INPUTS) return;
    if (r.select & 1) {
      r.high[input] = (value & HIGH_WRITABLE) >>> 0;
      return;
    }
    // Remote IRR is for level inputs; changing to edge clears it.
    const remoteIrr = value & LEVEL ? this.#low(input) & REMOTE_IRR : 0;
    r.low[input] = (value & LOW_WRITABLE) | remoteIrr;
    this.#levelRequest(input);
  }

  #low(input: number): number {
    return this.#r.low[input] ?? MASKED;
  }

  #setInput(input: number, level: boolean): void {
    const bit = 1 << input;
    if (((this.#r.lines & bit) !== 0) === level) return;
    if (!level) {
      this.#r.lines &= ~bit;
      return;
    }
    this.#r.lines |= bit;
    const entry = this.#low(input);
    if (entry & LEVEL) this.#levelRequest(input);
    // "Edge-sensitive interrupts signaled on a masked interrupt pin are ignored."
    else if ((entry & MASKED) === 0) this.#deliver(input);
  }

  /** Level input: one message while remote IRR is clear and the line asserted. */
  #levelRequest(input: number): void {
    const entry = this.#low(input);
    const asserted = (this.#r.lines & (1 << input)) !== 0;
    if (!asserted || (entry & LEVEL) === 0 || entry & (MASKED | REMOTE_IRR)) return;
    if (this.#deliver(input)) this.#r.low[input] = this.#low(input) | REMOTE_IRR;
  }

  #deliver(input: number): boolean {
    const entry = this.#low(input);
    return this.#bus.send({
      destination: (this.#r.high[input] ?? 0) >>> 24,
      logical: (entry & LOGICAL) !== 0,
      deliveryMode: (entry >> 8) & 7,
      vector: entry & 0xff,
      level: (entry & LEVEL) !== 0,
    });
  }

  #endOfInterrupt(vector: number): void {
    for (let input = 0; input < IO_APIC_INPUTS; input++) {
      const entry = this.#low(input);
      if ((entry & 0xff) !== vector || (entry & LEVEL) === 0) continue;
      this.#r.low[input] = entry & ~REMOTE_IRR;
      this.#levelRequest(input);
    }
  }
}
