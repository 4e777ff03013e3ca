/** Where the machine is, and where a linear address lies in guest-physical memory. */
import type { IncomingRequest } from '../incoming-request.ts';
import { formatReference } from '../display/memory-reference.ts';
import type { PositionBody, TranslateBody } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';

export function position(session: GuestscopeSession): Promise<PositionBody> {
  return session.position();
}

export async function translate(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<TranslateBody> {
  const { guest } = session;
  const linear = (await addressArgument(session, request)) >>> 0;
  const physical = await guest.machine.call('translate', linear);
  const memoryReference =
    physical === null ? undefined : formatReference({ space: 'physical', address: physical });
  return { linear, physical, ...(memoryReference !== undefined && { memoryReference }) };
}

function addressArgument(session: GuestscopeSession, request: IncomingRequest): Promise<number> {
  return request.isNumber('address')
    ? Promise.resolve(request.integer('address'))
    : session.guest.evaluateNumber(request.string('address'));
}
