/**
 * The local APIC's timer (SDM vol. 3, 11.5.4 "APIC timer"): one-shot, periodic and TSC-deadline. The bus
 * clock is 1 GHz, one pulse per virtual nanosecond, so a kernel that calibrates against any other clock
 * of the board finds a whole number. The current count is worked out when it is read.
 */

export const TIMER_MODE = { oneShot: 0, periodic: 1, tscDeadline: 2 } as const;

export function timerPowerOn() {
  return {
    mode: TIMER_MODE.oneShot as number,
    /** Divide configuration register, bits 3, 1, 0. */
    divide: 0,
    initialCount: 0,
    /** Virtual time at which the running count was `initialCount`. */
    startedAt: 0,
    /** Virtual time at which it reaches zero, or Infinity when stopped. */
    expiresAt: Infinity,
  };
}

export class LocalApicTimer {
  registers = timerPowerOn();

  /** Brings the timer up to `now`; true when it has expired on the way. */
  advance(now: number): boolean {
    const r = this.registers;
    if (now < r.expiresAt) return false;
    if (r.mode === TIMER_MODE.periodic) {
      const period = this.#period();
      r.startedAt += Math.floor((now - r.startedAt) / period) * period;
      r.expiresAt = r.startedAt + period;
    } else {
      r.expiresAt = Infinity;
    }
    return true;
  }

  /** LVT timer bits 18-17. Going to or from TSC-deadline disarms the timer. */
  setMode(mode: number): void {
    const r = this.registers;
    if (mode === r.mode) return;
    const disarm = mode === TIMER_MODE.tscDeadline || r.mode === TIMER_MODE.tscDeadline;
    r.mode = mode;
    if (disarm) r.expiresAt = Infinity;
  }

  /** Starts a count; 0 stops. Ignored in TSC-deadline mode. */
  setInitialCount(count: number, now: number): void {
    const r = this.registers;
    if (r.mode === TIMER_MODE.tscDeadline) return;
    r.initialCount = count;
    r.startedAt = now;
    r.expiresAt = count === 0 ? Infinity : now + this.#period();
  }

  currentCount(now: number): number {
    const { mode, startedAt, expiresAt, initialCount } = this.registers;
    if (mode === TIMER_MODE.tscDeadline || expiresAt === Infinity) return 0;
    return initialCount - Math.floor((now - startedAt) / this.#divisor());
  }

  /** Divide configuration; a running count goes on from where it is at the new rate. */
  setDivide(divide: number, now: number): void {
    const r = this.registers;
    const count = this.currentCount(now);
    r.divide = divide & 0x0b;
    if (r.mode === TIMER_MODE.tscDeadline || r.expiresAt === Infinity) return;
    r.startedAt = now - (r.initialCount - count) * this.#divisor();
    r.expiresAt = now + count * this.#divisor();
  }

  /** IA32_TSC_DEADLINE as virtual ns; 0 disarms. Ignored outside TSC-deadline mode. */
  setDeadline(time: number): void {
    if (this.registers.mode !== TIMER_MODE.tscDeadline) return;
    this.registers.expiresAt = time === 0 ? Infinity : time;
  }

  /** The armed deadline as virtual ns, or 0. */
  deadline(): number {
    const { mode, expiresAt } = this.registers;
    return mode === TIMER_MODE.tscDeadline && expiresAt !== Infinity ? expiresAt : 0;
  }

  /** 1, 2, 4 … 128: field 111b divides by 1, 000b by 2. */
  #divisor(): number {
    const { divide } = this.registers;
    const field = ((divide & 8) >> 1) | (divide & 3);
    return 1 << ((field + 1) & 7);
  }

  #period(): number {
    return this.registers.initialCount * this.#divisor();
  }
}
