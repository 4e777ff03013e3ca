/** A guest that nobody watches: what ends its run, and what must hold then. */
import { encodeText } from '../../emulator/formats/text.ts';
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { SetExpectationsBody, SummaryBody } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';

const MOST_TEXTS = 100;
const LONGEST_TEXT = 4096;
const MOST_EXPECTATIONS = 10_000;

export async function setRunRules(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<void> {
  const positive = (name: string): number | undefined => {
    const value = request.has(name) ? request.integer(name) : undefined;
    if (value !== undefined && value < 0) throw wrong(request, name, 'it must not be negative');
    return value;
  };
  const texts = request.strings('texts');
  if (texts.length > MOST_TEXTS)
    throw wrong(request, 'texts', `it must have at most ${MOST_TEXTS} entries`);
  if (texts.some((text) => text === '' || text.length > LONGEST_TEXT))
    throw wrong(request, 'texts', `a text has 1 to ${LONGEST_TEXT} characters`);
  const position = positive('position');
  const quiet = positive('quiet');
  await session.guest.machine.call('setRunRules', {
    texts: texts.map((text) => encodeText(text)),
    keepOutput: request.boolean('keepOutput', false),
    ...(position !== undefined && { position }),
    ...(quiet !== undefined && { quiet }),
  });
}

export function setExpectations(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<SetExpectationsBody> {
  const { guest } = session;
  const expressions = request.strings('expressions');
  if (expressions.length > MOST_EXPECTATIONS)
    throw wrong(request, 'expressions', `it must have at most ${MOST_EXPECTATIONS} entries`);
  return Promise.resolve({ problems: guest.expectations.set(guest, expressions) });
}

export function summary(session: GuestscopeSession): Promise<SummaryBody> {
  return session.summary();
}

function wrong(request: IncomingRequest, argument: string, problem: string): Error {
  return failure('badArgument', { argument, command: request.command, problem });
}
