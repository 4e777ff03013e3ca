/** Breakpoints that stand in launch.json: "exitBreakpoints" and "breakOn". */
import type { EventSource, WantedEvent } from '../breakpoints.ts';
import { AdapterError, failure } from '../errors.ts';
import { wantedEvent } from '../exits/event-tree.ts';
import { wantedExit } from '../exits/exit-wish.ts';
import type { Guest } from '../guest.ts';

/** Sets both lists; throws the numbered error that names the bad one. */
export async function setBreakpointsOfLaunch(guest: Guest): Promise<void> {
  const { exitBreakpoints, breakOn } = guest.configuration;
  await setOfLaunch(guest, 'exitBreakpoints', 'launch', exitBreakpoints, (given) =>
    wantedExit(guest, given),
  );
  await setOfLaunch(guest, 'breakOn', 'breakOn', breakOn, (given) =>
    wantedEvent(guest, given.event, given),
  );
}

/** Sets the breakpoints of a list of launch.json; throws the numbered error that names the bad one. */
async function setOfLaunch<Given>(
  guest: Guest,
  list: string,
  source: EventSource,
  given: readonly Given[],
  wanted: (given: Given) => WantedEvent,
): Promise<void> {
  const refused = (index: number, problem: string): AdapterError =>
    failure('configurationRefused', { attribute: `${list}[${index}]`, problem });
  const wishes = given.map((each, index) => {
    try {
      return wanted(each);
    } catch (cause) {
      throw cause instanceof AdapterError ? refused(index, cause.message) : cause;
    }
  });
  const set = await guest.breakpoints.setEvents(guest.machine, source, wishes);
  for (const [index, { problem }] of set.entries())
    if (problem !== null) throw refused(index, problem);
}
