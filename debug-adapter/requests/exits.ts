/** The log of VM exits: pages of it, counts by reason, and the reasons there are. */
import { exitReasonDescriptions } from '../exception-filters.ts';
import { exitRows } from '../guest-output.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { ExitCountsBody, ExitReasonsBody, ExitsBody } from '../protocol.ts';
import { EXIT_ROWS_PER_PAGE } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';

const DEFAULT_ROWS = 100;

export async function exits(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<ExitsBody> {
  const { machine, symbols } = session.guest;
  if (request.has('follow')) await machine.call('followExits', request.boolean('follow', false));
  const asked = request.integer('limit', DEFAULT_ROWS);
  const limit = Math.min(Math.max(asked, 1), EXIT_ROWS_PER_PAGE);
  const { exits: total } = await machine.call('position');
  const from = Math.max(request.integer('from', total - limit), 0);
  const records = await machine.call('exitLog', from, limit);
  const oldest = await machine.call('exitLog', 0, 1);
  return { rows: exitRows(records, symbols), first: oldest[0]?.ordinal ?? total, total };
}

export async function exitCounts(session: GuestscopeSession): Promise<ExitCountsBody> {
  const { machine } = session.guest;
  const counts = await machine.call('exitCounts');
  return { counts, total: Object.values(counts).reduce((sum, count) => sum + count, 0) };
}

export function exitReasons(): Promise<ExitReasonsBody> {
  return Promise.resolve({ reasons: exitReasonDescriptions() });
}
