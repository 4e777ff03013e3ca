/**
 * Running and stepping: by source line where the code has lines and the client does not ask for
 * instructions, else by instruction. Out of a function, a step ends right behind the call.
 */
import type { ResumeMode } from '../../emulator/debug-port.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { LineStep } from '../line-step.ts';
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
  (kind: 'stepOver' | 'stepIn') =>
  async (session: GuestscopeSession, request: IncomingRequest): Promise<void> => {
    const mode = modeOf(kind, request);
    const { machine, sources } = session.guest;
    const byInstruction = request.optionalString('granularity') === 'instruction';
    const lineStep = byInstruction
      ? null
      : LineStep.from(sources.lines, mode, (await machine.call('position')).linearEip);
    await session.resume(lineStep?.resumeMode ?? mode, lineStep);
  };

export const next = step('stepOver');
export const stepIn = step('stepIn');

export const stepOut = (session: GuestscopeSession, request: IncomingRequest): Promise<void> =>
  session.resume(modeOf('stepOut', request));

/** Answered at once; the stop follows when the machine has reached the end of an instruction. */
export async function pause(session: GuestscopeSession): Promise<void> {
  await session.guest.machine.call('pause');
}
