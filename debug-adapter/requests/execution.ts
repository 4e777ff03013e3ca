/**
 * Running and stepping. There are no source lines yet, so every step is by instruction whatever
 * granularity is asked for.
 */
import type { ResumeMode } from '../../emulator/debug-port.ts';
import type { GuestscopeSession } from '../session.ts';

export async function continueGuest(session: GuestscopeSession): Promise<unknown> {
  await session.resume({ kind: 'continue' });
  return { allThreadsContinued: true };
}

const step =
  (mode: ResumeMode) =>
  (session: GuestscopeSession): Promise<void> =>
    session.resume(mode);

export const next = step({ kind: 'stepOver' });
export const stepIn = step({ kind: 'stepIn' });
export const stepOut = step({ kind: 'stepOut' });

/** Answered at once; the stop follows when the machine has reached the end of an instruction. */
export async function pause(session: GuestscopeSession): Promise<void> {
  await session.guest.machine.call('pause');
}
