/** The first request: the client introduces itself and learns what the adapter can do. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { GuestscopeSession } from '../session.ts';

/** @param capabilities what to announce, from the request table. */
export const initialize =
  (capabilities: () => DebugProtocol.Capabilities) =>
  (session: GuestscopeSession): Promise<DebugProtocol.Capabilities> => {
    session.initialized();
    return Promise.resolve(capabilities());
  };
