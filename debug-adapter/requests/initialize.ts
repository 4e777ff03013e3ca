/** The first request: the client introduces itself and learns what the adapter can do. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { clientAbilities } from '../client-abilities.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';

/** @param capabilities what to announce, from the request table; with a lot, where guests can wait. */
export const initialize =
  (capabilities: (hasLot: boolean) => DebugProtocol.Capabilities) =>
  (session: GuestscopeSession, request: IncomingRequest): Promise<DebugProtocol.Capabilities> => {
    session.initialized(clientAbilities(request));
    return Promise.resolve(capabilities(session.hasLot));
  };
