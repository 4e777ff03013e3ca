/**
 * The PAUSE filter (AMD APM vol. 2, 15.14.4): under the PAUSE intercept a count of PAUSEs passes before one
 * leaves. Where a threshold is set, a PAUSE that comes more than so many ticks of the time-stamp counter
 * after the one before it begins the count anew. Each entry loads the count from the VMCB.
 */
import type { SvmControls } from './svm-controls.ts';

export class PauseFilter {
  #left = -1;
  #last = -Infinity;

  /** PAUSE is executed at `now`, and intercepted: true if it leaves. */
  leaves({ pauseFilterCount, pauseFilterThreshold }: SvmControls, now: number): boolean {
    const anew = pauseFilterThreshold > 0 && now - this.#last > pauseFilterThreshold;
    this.#last = now;
    if (anew || this.#left < 0) this.#left = pauseFilterCount;
    this.#left -= 1;
    return this.#left < 0;
  }
}
