/**
 * Running and stepping. There are no source lines yet, so every step is by instruction whatever
 * granularity is asked for.
 */
import type { ResumeMode } from '../../emulator/debug-port.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';

export async function continueGuest(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const mode = modeOf('continue', request);
  await session.resume(mode);
  return { allThreadsContinued: mode.alone !== true };
}

/** The thread that is to go on is looked at already (focus.ts); "singleThread" holds the others. */
function modeOf(kind: ResumeMode['kind'], request: IncomingRequest): ResumeMode {
  return request.boolean('singleThread', false) ? { kind, alone: true } : { kind };
}

const step =
  (kind: ResumeMode['kind']) =>
  (session: GuestscopeSession, request: IncomingRequest): Promise<void> =>
    session.resume(modeOf(kind, request));

export const next = step('stepOver');
export const stepIn = step('stepIn');
export const stepOut = step('stepOut');

/** Answered at once; the stop follows when the machine has reached the end of an instruction. */
export async function pause(session: GuestscopeSession): Promise<void> {
  await session.guest.machine.call('pause');
}
