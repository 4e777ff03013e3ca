/**
 * Running and stepping: by source line where the code has lines and the client does not ask for
 * instructions, else by instruction. Out of a function, a step ends right behind the call.
 */
import type { ResumeMode } from '../../emulator/debug-port.ts';
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { InlineOut } from '../source-level/inline-steps.ts';
import { LineStep } from '../source-level/line-step.ts';
import type { SteppingBody } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';
import { checkStepTarget } from './targets.ts';

export async function continueGuest(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const mode = modeOf('continue', request);
  await session.resume(mode);
  return { allThreadsContinued: mode.alone !== true };
}

/** The thread that is to go on is looked at already (focus.ts); "singleThread" holds the others. */
function modeOf(
  kind: ResumeMode['kind'],
  request: IncomingRequest,
  maskInterrupts = false,
): ResumeMode {
  const alone = request.boolean('singleThread', false);
  return { kind, ...(alone && { alone }), ...(maskInterrupts && { maskInterrupts }) };
}

/** Says how steps treat interrupts, after changing it where that is asked for. */
export function stepping(
  { guest }: GuestscopeSession,
  request: IncomingRequest,
): Promise<SteppingBody> {
  const asked = request.optionalString('interrupts');
  if (asked !== undefined && asked !== 'deliver' && asked !== 'mask') {
    const problem = 'it is "deliver" or "mask"';
    throw failure('badArgument', { argument: 'interrupts', command: request.command, problem });
  }
  guest.stepInterrupts = asked ?? guest.stepInterrupts;
  return Promise.resolve({ interrupts: guest.stepInterrupts });
}

const step =
  (kind: 'stepOver' | 'stepIn') =>
  async (session: GuestscopeSession, request: IncomingRequest): Promise<void> => {
    const masked = session.guest.stepInterrupts === 'mask';
    const mode = modeOf(kind, request, masked);
    const { files, machine, sources } = session.guest;
    const target = request.has('targetId') ? request.integer('targetId') : null;
    if (target !== null) await checkStepTarget(session.guest, target);
    const byInstruction =
      target !== null || request.optionalString('granularity') === 'instruction';
    const lineStep = byInstruction
      ? null
      : LineStep.from({ lines: sources.lines, information: files.information }, mode, (await machine.call('position')).linearEip); // prettier-ignore
    await session.resume(lineStep?.resumeMode ?? mode, lineStep);
  };

export const next = step('stepOver');
export const stepIn = step('stepIn');

/** Of an inlined function: to the end of its code. */
export async function stepOut(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  const { files, machine } = session.guest;
  const mode = modeOf('stepOut', request);
  const isByInstruction = request.optionalString('granularity') === 'instruction';
  const { linearEip } = await machine.call('position');
  const plan = isByInstruction ? null : InlineOut.from(files.information, mode, linearEip);
  await session.resume(plan?.resumeMode ?? mode, plan);
}

/** Answered at once; the stop follows when the machine has reached the end of an instruction. */
export const pause = (session: GuestscopeSession): Promise<void> => session.pause();
