/**
 * Launching: `launch` reads the files and builds the machine, `attach` takes over one that waits at the
 * server; then the client is told to send its breakpoints ("initialized"), and `configurationDone` lets
 * the guest go.
 */
import type { IncomingRequest } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';

export async function launch(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  await session.launch(request.raw, request.progress);
  request.whenAnswered(() => session.event('initialized'));
}

export async function attach(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  await session.attach(request.raw ?? {}, request.progress);
  request.whenAnswered(() => session.event('initialized'));
}

export function configurationDone(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<void> {
  request.whenAnswered(() => session.begin());
  return Promise.resolve();
}
