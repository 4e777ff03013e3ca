/** The log of VM exits: pages of it, counts by reason, and the reasons there are. */
import { exitReasonDescriptions } from '../exits/exception-filters.ts';
import { exitRows } from '../machine/guest-output.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type {
  ExitCountsBody,
  ExitReasonsBody,
  ExitRow,
  ExitsBody,
  ExitStatisticsBody,
  ExportExitsBody,
  FindExitsBody,
} from '../protocol.ts';
import { EXIT_ROWS_PER_PAGE } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';
import { failure } from '../errors.ts';
import { exportedLog, injectEvent, statisticsOf, takeExit } from '../console/exit-commands.ts';
import { exitLogFilter } from '../exits/exit-log-filter.ts';
import { rowFilter } from '../exits/exit-row-filter.ts';
import { statisticsText } from '../exits/exit-reports.ts';
import { refusal } from '../guest.ts';
import { tellChange } from './evaluate.ts';

const DEFAULT_ROWS = 100;
/** Pages that are looked through for one answer: some milliseconds' work. */
const PAGES_SEARCHED = 16;

export async function exits(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<ExitsBody> {
  const { machine, symbols } = session.guest;
  if (request.has('follow')) await machine.call('followExits', request.boolean('follow', false));
  const asked = request.integer('limit', DEFAULT_ROWS);
  const limit = Math.min(Math.max(asked, 1), EXIT_ROWS_PER_PAGE);
  const { exits: total } = await machine.call('position');
  const { first, end } = await machine.call('exitLogRange');
  const from = Math.max(request.integer('from', end - limit), 0);
  const records = await machine.call('exitLog', from, limit);
  return { rows: exitRows(records, symbols), first, end, total };
}

export async function findExits(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<FindExitsBody> {
  const { machine, symbols } = session.guest;
  const isWanted = rowFilter(request.command, request.string('filter'));
  const { first, end } = await machine.call('exitLogRange');
  let next = Math.min(Math.max(request.integer('from', first), first), end);
  const rows: ExitRow[] = [];
  for (let page = 0; page < PAGES_SEARCHED && next < end; page++) {
    const records = await machine.call('exitLog', next, Math.min(EXIT_ROWS_PER_PAGE, end - next));
    // rows may have gone while the guest ran
    if (records.length === 0) return { rows, next: end, first, end };
    for (const row of exitRows(records, symbols)) {
      next = (row.row ?? row.ordinal) + 1;
      if (isWanted(row)) rows.push(row);
      if (rows.length === EXIT_ROWS_PER_PAGE) return { rows, next, first, end };
    }
  }
  return { rows, next, first, end };
}

export async function exitCounts(session: GuestscopeSession): Promise<ExitCountsBody> {
  const { machine } = session.guest;
  const counts = await machine.call('exitCounts');
  return { counts, total: Object.values(counts).reduce((sum, count) => sum + count, 0) };
}

export function exitStatistics(session: GuestscopeSession): Promise<ExitStatisticsBody> {
  return statisticsOf(session.guest);
}

export async function exportExits(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<ExportExitsBody> {
  const given = request.optionalString('what') ?? 'statistics';
  const what = oneOf(request, 'what', given, ['statistics', 'log']);
  const asked = request.string('format');
  const { guest } = session;
  if (what === 'log') {
    const format = oneOf(request, 'format', asked, ['json', 'csv', 'text']);
    return { text: await exportedLog(guest, format) };
  }
  const format = oneOf(request, 'format', asked, ['json', 'csv']);
  return { text: statisticsText(await statisticsOf(guest), format) };
}

function oneOf<T extends string>(
  { command }: IncomingRequest,
  argument: string,
  given: string,
  known: readonly T[],
): T {
  const found = known.find((each) => each === given);
  if (found !== undefined) return found;
  const problem = `there is no "${given}", only ${known.join(' and ')}`;
  throw failure('badArgument', { argument, command, problem });
}

export async function setExitLogFilter(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<void> {
  const { guest } = session;
  const filter = exitLogFilter(guest, {
    reasons: request.strings('reasons'),
    except: request.strings('except'),
    condition: request.optionalString('condition'),
  });
  try {
    await guest.machine.call('setExitFilter', filter);
  } catch (cause) {
    throw refusal('expressionRefused', cause);
  }
}

export async function intervene(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<void> {
  await takeExit(session.guest, request.string('action').trim().split(/\s+/));
}

export async function inject(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  await injectEvent(session.guest, request.string('event'));
  tellChange(session, request);
}

export function exitReasons(): Promise<ExitReasonsBody> {
  return Promise.resolve({ reasons: exitReasonDescriptions() });
}
