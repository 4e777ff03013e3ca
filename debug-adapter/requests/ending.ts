/** Ending a session and beginning it again. None of this asks the machine, so nothing can hang. */
import type { IncomingRequest } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';

export async function restart(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  const configuration = request.has('arguments') ? request.object('arguments').raw : undefined;
  await session.restart(configuration, request.progress);
  request.whenAnswered(() => session.begin());
}

export function terminate(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  request.whenAnswered(() => session.end());
  return Promise.resolve();
}

/**
 * The machine is ours, so it ends with the session. The adapter announces neither supportTerminateDebuggee
 * nor supportSuspendDebuggee; by the protocol these arguments then have no effect, and a client that sends
 * them all the same must still be let go.
 */
export function disconnect(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  request.whenAnswered(() => session.disconnect());
  return Promise.resolve();
}

/** Takes back a request that waits, and what takes long; everything else is answered in no time. */
export function cancel(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  if (request.has('requestId')) session.cancel(request.integer('requestId'));
  if (request.has('progressId')) session.cancelProgress(request.string('progressId'));
  return Promise.resolve();
}
