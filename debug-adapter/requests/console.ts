/** The guest's serial console: what is typed goes in here, what it printed can be asked for again. */
import { encodeText } from '../../emulator/formats/text.ts';
import { decodeBase64 } from '../host/encoding.ts';
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { ConsoleHistoryBody, ConsoleInputBody } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';

/** Bytes of one request: what a person may paste. */
const MOST_BYTES = 64 * 1024;

export async function consoleInput(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<ConsoleInputBody> {
  const bytes = request.has('base64')
    ? decodeBase64(request.string('base64'))
    : encodeText(request.string('text'));
  const { command } = request;
  if (bytes === null)
    throw failure('badArgument', { argument: 'base64', command, problem: 'it is no base64' });
  if (bytes.length > MOST_BYTES)
    throw failure('tooLarge', {
      command,
      asked: `${bytes.length} bytes`,
      limit: `${MOST_BYTES} bytes`,
    });
  if (bytes.length > 0) await session.guest.machine.call('sendSerialInput', bytes);
  return { bytes: bytes.length };
}

export function consoleHistory(session: GuestscopeSession): Promise<ConsoleHistoryBody> {
  return Promise.resolve({ text: session.consoleHistory });
}
