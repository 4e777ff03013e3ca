/**
 * One counter of the Intel 8254 (data sheet 231164-005, "Mode definitions"). Time is the number of CLK
 * pulses; nothing runs between events: the counting element is an anchor (pulse, count) and is worked out
 * when somebody looks, so an hour costs as much as a pulse.
 *
 * A count of 1 is illegal in modes 2 and 3; it counts as 2 here.
 */

/** Read/write access of the control word's RW bits. */
const RW_LOW = 1;
const RW_HIGH = 2;
const RW_BOTH = 3;

const NONE = -1;

export function counterPowerOn() {
  return {
    mode: 3,
    access: RW_BOTH,
    bcd: false,
    /** CR, as written. */
    countRegister: 0,
    /** A full count has been written since the control word. */
    written: false,
    /** Status bit 6: CR has not been loaded into CE. Clear at power-on: there are guests that wait for it. */
    nullCount: false,
    /** First byte of a two-byte write, or -1. */
    firstByte: NONE,
    /** The next read of a two-byte read gives the high byte. */
    readHigh: false,
    latchedCount: NONE,
    latchedStatus: NONE,
    gate: false,
    out: true,
    /** CE holds a count. */
    loaded: false,
    /** CE at `anchorPulse` (or standing still, when not counting). */
    anchorCount: 0,
    anchorPulse: 0,
    /** Full period of modes 2 and 3, in pulses. */
    period: 0,
    /** Modes 0, 1, 4, 5: the terminal count is still to come. */
    armed: false,
    /** Pulse at which CE takes CR, or Infinity. */
    loadAt: Infinity,
    /** Pulse at which the strobe of modes 4 and 5 ends, or Infinity. */
    strobeEnd: Infinity,
  };
}

export type CounterRegisters = ReturnType<typeof counterPowerOn>;

export class Counter {
  registers: CounterRegisters;
  readonly #outChanged: (level: boolean) => void;

  constructor(gate: boolean, outChanged: (level: boolean) => void) {
    this.registers = { ...counterPowerOn(), gate };
    this.#outChanged = outChanged;
  }

  /** Processes everything up to and including `pulse`. Whole periods that have passed are skipped. */
  advance(pulse: number): void {
    for (let next = this.nextEvent(); next <= pulse; next = this.nextEvent()) {
      this.#skipPeriods(pulse);
      this.#event(this.nextEvent());
    }
  }

  /** Pulse of the next load or change of OUT, or Infinity. */
  nextEvent(): number {
    return Math.min(this.registers.loadAt, this.registers.strobeEnd, this.#expiry());
  }

  /** A control word at `pulse` stops the counter until a count is written. */
  writeControl(mode: number, access: number, bcd: boolean, pulse: number): void {
    this.advance(pulse);
    const { gate, out } = this.registers;
    this.registers = { ...counterPowerOn(), gate, out, anchorCount: this.#count(pulse) };
    this.registers.mode = mode > 5 ? mode - 4 : mode;
    this.registers.access = access;
    this.registers.bcd = bcd;
    this.registers.nullCount = true;
    this.#setOut(this.registers.mode !== 0);
  }

  /** A byte to the counter's port at `pulse`. */
  write(byte: number, pulse: number): void {
    this.advance(pulse);
    const r = this.registers;
    if (r.access === RW_LOW) this.#newCount(byte, pulse);
    else if (r.access === RW_HIGH) this.#newCount(byte << 8, pulse);
    else if (r.firstByte === NONE) {
      r.firstByte = byte;
      if (r.mode === 0) {
        // "Writing the first byte disables counting. OUT is set low immediately."
        r.anchorCount = this.#count(pulse);
        r.loaded = false;
        r.loadAt = Infinity;
        this.#setOut(false);
      }
    } else {
      const count = r.firstByte | (byte << 8);
      r.firstByte = NONE;
      this.#newCount(count, pulse);
    }
  }

  /** A byte from the counter's port: latched status, then latched count, then the live count. */
  read(pulse: number): number {
    this.advance(pulse);
    const r = this.registers;
    if (r.latchedStatus !== NONE) {
      const status = r.latchedStatus;
      r.latchedStatus = NONE;
      return status;
    }
    const count = r.latchedCount === NONE ? this.#outputLatch(pulse) : r.latchedCount;
    const high = r.access === RW_HIGH || (r.access === RW_BOTH && r.readHigh);
    if (r.access === RW_BOTH) r.readHigh = !r.readHigh;
    if (r.access !== RW_BOTH || high) r.latchedCount = NONE;
    return high ? count >> 8 : count & 0xff;
  }

  /** Counter latch command; a count latched before stays. */
  latchCount(pulse: number): void {
    this.advance(pulse);
    const r = this.registers;
    if (r.latchedCount === NONE) r.latchedCount = this.#outputLatch(pulse);
  }

  /** Status half of the read-back command. */
  latchStatus(pulse: number): void {
    this.advance(pulse);
    const r = this.registers;
    if (r.latchedStatus !== NONE) return;
    r.latchedStatus =
      (r.out ? 0x80 : 0) |
      (r.nullCount ? 0x40 : 0) |
      (r.access << 4) |
      (r.mode << 1) |
      (r.bcd ? 1 : 0);
  }

  setGate(level: boolean, pulse: number): void {
    this.advance(pulse);
    const r = this.registers;
    if (level === r.gate) return;
    const remaining = this.#count(pulse);
    const triggered = r.mode === 1 || r.mode === 5;
    const periodic = r.mode === 2 || r.mode === 3;
    r.gate = level;
    if (triggered) {
      if (level && r.written) r.loadAt = pulse + 1;
      return;
    }
    // A count of zero that has not expired yet is the full one.
    r.anchorCount = remaining === 0 && r.armed ? this.#modulus() : remaining;
    r.anchorPulse = pulse;
    if (!periodic) return;
    if (level && r.written) r.loadAt = pulse + 1;
    if (!level) this.#setOut(true);
  }

  #newCount(count: number, pulse: number): void {
    const r = this.registers;
    r.countRegister = count;
    r.written = true;
    r.nullCount = true;
    if (r.mode === 0) this.#setOut(false);
    if (r.mode === 0 || r.mode === 4) r.loadAt = pulse + 1;
    // Modes 2 and 3 take a new count at the end of the (half) period, modes 1 and 5 at a trigger.
    if ((r.mode === 2 || r.mode === 3) && !r.loaded) r.loadAt = pulse + 1;
  }

  #modulus(): number {
    return this.registers.bcd ? 10_000 : 0x10000;
  }

  #isCounting(): boolean {
    const { loaded, gate, mode } = this.registers;
    return loaded && (gate || mode === 1 || mode === 5);
  }

  /** CE at `pulse` as a number, 0 to modulus - 1. */
  #count(pulse: number): number {
    const { anchorCount, anchorPulse, mode } = this.registers;
    const elapsed = this.#isCounting() ? pulse - anchorPulse : 0;
    const modulus = this.#modulus();
    const count = (anchorCount - elapsed * (mode === 3 ? 2 : 1)) % modulus;
    return count < 0 ? count + modulus : count;
  }

  /** CE as it is read: 16 bits, four decimal digits in BCD. */
  #outputLatch(pulse: number): number {
    const count = this.#count(pulse);
    if (!this.registers.bcd) return count;
    const digit = (power: number): number => Math.floor(count / power) % 10;
    return (digit(1000) << 12) | (digit(100) << 8) | (digit(10) << 4) | digit(1);
  }

  /** Pulses that CR stands for: 1 to modulus. */
  #initialCount(): number {
    const { countRegister: cr, bcd, mode } = this.registers;
    const decimal = (cr >> 12) * 1000 + ((cr >> 8) & 15) * 100 + ((cr >> 4) & 15) * 10 + (cr & 15);
    const count = (bcd ? decimal : cr) % this.#modulus();
    if (count === 0) return this.#modulus();
    return count === 1 && (mode === 2 || mode === 3) ? 2 : count;
  }

  /** Pulse at which the running count next changes OUT, or Infinity. */
  #expiry(): number {
    const { mode, armed, out, anchorPulse, anchorCount, period } = this.registers;
    if (!this.#isCounting()) return Infinity;
    switch (mode) {
      case 2:
        return anchorPulse + (out ? period - 1 : period);
      case 3:
        return anchorPulse + (out ? Math.ceil(period / 2) : Math.floor(period / 2));
      default:
        return armed ? anchorPulse + anchorCount : Infinity;
    }
  }

  #event(pulse: number): void {
    const r = this.registers;
    if (pulse === r.strobeEnd) {
      r.strobeEnd = Infinity;
      this.#setOut(true);
    }
    if (pulse === r.loadAt) {
      this.#load(pulse);
      this.#setOut(r.mode > 1);
    } else if (pulse === this.#expiry()) {
      this.#expire(pulse);
    }
  }

  #load(pulse: number): void {
    const r = this.registers;
    r.loadAt = Infinity;
    r.loaded = true;
    r.nullCount = false;
    r.armed = true;
    r.anchorPulse = pulse;
    r.period = this.#initialCount();
    // Mode 3 counts even numbers down by two.
    r.anchorCount = r.mode === 3 ? r.period & ~1 : r.period;
  }

  #expire(pulse: number): void {
    const r = this.registers;
    switch (r.mode) {
      case 2:
        if (!r.out) this.#load(pulse);
        this.#setOut(!r.out);
        break;
      case 3:
        this.#load(pulse);
        this.#setOut(!r.out);
        break;
      case 4:
      case 5:
        r.armed = false;
        r.strobeEnd = pulse + 1;
        this.#setOut(false);
        break;
      default:
        r.armed = false;
        this.#setOut(true);
    }
  }

  /** Moves a free-running mode 2 or 3 to the last full period before `pulse`. */
  #skipPeriods(pulse: number): void {
    const r = this.registers;
    const periodic = (r.mode === 2 || r.mode === 3) && this.#isCounting();
    if (!periodic || r.nullCount || r.loadAt !== Infinity) return;
    const periods = Math.floor((pulse - r.anchorPulse) / r.period) - 1;
    if (periods > 0) r.anchorPulse += periods * r.period;
  }

  #setOut(level: boolean): void {
    if (level === this.registers.out) return;
    this.registers.out = level;
    this.#outChanged(level);
  }
}
