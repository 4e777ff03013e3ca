/**
 * A crystal: converts virtual nanoseconds to the ticks of a fixed frequency and back, in whole numbers
 * and without drift. Every intermediate product stays below 2^53 for frequencies up to 9 MHz.
 */

const NS_PER_SECOND = 1_000_000_000;

export class Oscillator {
  readonly hertz: number;

  /** `hertz`: whole, at most 9,000,000. */
  constructor(hertz: number) {
    this.hertz = hertz;
  }

  /** Whole ticks that have passed at `ns`: floor(ns × hertz / 10^9). */
  ticksAt(ns: number): number {
    const seconds = Math.floor(ns / NS_PER_SECOND);
    const rest = ns - seconds * NS_PER_SECOND;
    return seconds * this.hertz + Math.floor((rest * this.hertz) / NS_PER_SECOND);
  }

  /** First nanosecond at which `ticks` ticks have passed; Infinity stays Infinity. */
  timeOfTick(ticks: number): number {
    if (ticks === Infinity) return Infinity;
    const seconds = Math.floor(ticks / this.hertz);
    const rest = ticks - seconds * this.hertz;
    return seconds * NS_PER_SECOND + Math.ceil((rest * NS_PER_SECOND) / this.hertz);
  }
}
