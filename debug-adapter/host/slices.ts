/** Long work of the adapter in slices, so short that what comes in is heard in between. */
import type { Scheduler } from './scheduler.ts';

/** Milliseconds of work between two looks at what has come in. */
const SLICE = 4;

/**
 * Runs work to its end and gives what it returns.
 * @param goesOn asked after each slice, with the step that was made last; null is given once it says no
 */
export async function inSlices<Step, Result>(
  scheduler: Scheduler,
  work: Generator<Step, Result, undefined>,
  goesOn: (step: Step) => boolean = () => true,
): Promise<Result | null> {
  for (;;) {
    const end = scheduler.now() + SLICE;
    let step = work.next();
    while (step.done !== true && scheduler.now() < end) step = work.next();
    if (step.done === true) return step.value;
    await new Promise<void>((resolve) => {
      scheduler.yield(resolve);
    });
    if (!goesOn(step.value)) return null;
  }
}
