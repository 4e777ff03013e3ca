/**
 * Launching: `launch` reads the files and builds the machine, `attach` takes over one that waits at the
 * server; then the client is told to send its breakpoints ("initialized"), and `configurationDone` lets
 * the guest go.
 */
import { threadOf } from '../focus.ts';
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
  request.whenAnswered(() => {
    introduce(session);
    return session.begin();
  });
  return Promise.resolve();
}

/** The guest as a process and its processors as threads, which are there from now to the end. */
function introduce(session: GuestscopeSession): void {
  const { guest, machine } = session.guest.configuration;
  session.event('process', {
    name: guest.kernel ?? guest.image ?? '',
    isLocalProcess: false,
    startMethod: session.isAttached ? 'attach' : 'launch',
    pointerSize: 32,
  });
  for (let vcpu = 0; vcpu < machine.vcpus; vcpu++)
    session.event('thread', { reason: 'started', threadId: threadOf(vcpu) });
}
