/** Ending a session and beginning it again. None of this asks the machine, so nothing can hang. */
import type { IncomingRequest } from '../incoming-request.ts';
import type { Fate } from '../machine/parked-guest.ts';
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
 * In a server the guest may be left behind, for an `attach`. Elsewhere it ends with the session: the
 * capabilities are not announced there, so that by the protocol the arguments have no effect. Whatever
 * they are, a client is let go.
 */
export function disconnect(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  const fate = session.hasLot ? fateOf(session, request) : null;
  request.whenAnswered(() => session.disconnect(fate));
  return Promise.resolve();
}

function fateOf({ isAttached }: GuestscopeSession, request: IncomingRequest): Fate | null {
  if (request.isTrue('terminateDebuggee')) return null;
  if (request.isTrue('suspendDebuggee')) return 'stopped';
  return isAttached || request.isFalse('terminateDebuggee') ? 'running' : null;
}

/** Takes back a request that waits, and what takes long; everything else is answered in no time. */
export function cancel(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  if (request.has('requestId')) session.cancel(request.integer('requestId'));
  if (request.has('progressId')) session.cancelProgress(request.string('progressId'));
  return Promise.resolve();
}
