/**
 * PAUSE-loop exiting (SDM vol. 3, 25.6.13 and 26.1.3): a processor that spins at CPL 0 is left, since
 * whoever it waits for may not be running. Two PAUSEs further apart than PLE_Gap belong to different
 * loops; a loop that lasts longer than PLE_Window leaves. Times are ticks of the time-stamp counter.
 */
import type { ExecutionControls } from './execution-controls.ts';

export class PauseLoop {
  /** When the first and the last PAUSE of the present loop were executed. */
  #first = -Infinity;
  #last = -Infinity;

  /** PAUSE is executed at CPL 0 at `now`: true if it leaves. */
  leaves({ pauseLoopGap, pauseLoopWindow }: ExecutionControls, now: number): boolean {
    const sameLoop = now - this.#last <= pauseLoopGap;
    this.#last = now;
    if (!sameLoop) this.#first = now;
    if (now - this.#first <= pauseLoopWindow) return false;
    // the loop begins anew after the exit
    this.#last = -Infinity;
    return true;
  }
}
