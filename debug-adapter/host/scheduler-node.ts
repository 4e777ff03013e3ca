/** The scheduler (scheduler.ts) over Node's timers. */
import type { Scheduler } from './scheduler.ts';

/** Node's timers fire at once for longer delays. */
const LONGEST = 2 ** 31 - 1;

export const nodeScheduler: Scheduler = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, Math.min(milliseconds, LONGEST));
    return () => clearTimeout(timer);
  },
  // Messages of a port are handled before the next immediate.
  yield: (callback) => void setImmediate(callback),
};
