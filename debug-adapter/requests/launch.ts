/**
 * Launching: `launch` reads the files and builds the machine, then tells the client to send its
 * breakpoints ("initialized"), and `configurationDone` lets the guest go.
 */
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';

export async function launch(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  await session.launch(request.raw, request.progress);
  request.whenAnswered(() => session.event('initialized'));
}

export function attach(): Promise<never> {
  return Promise.reject(failure('attachUnavailable', {}));
}

export function configurationDone(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<void> {
  request.whenAnswered(() => session.begin());
  return Promise.resolve();
}
