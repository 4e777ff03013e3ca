/**
 * Commands of the debug console about VM exits: the log, what exits add up to, and what to do with the
 * one at hand. The last ones change the guest, as their words say.
 */
import { exitLine } from '../exits/exit-text.ts';
import { placeText } from '../stops.ts';
import type { CommandResult, CommandRow } from './console-commands.ts';
import { failure } from '../errors.ts';
import { eventNames, parseEvent, parseExitAction } from '../exits/exit-actions.ts';
import {
  type ExportFormat,
  type LogFormat,
  hypercallsText,
  logText,
  rateText,
  statisticsText,
  TOP_KINDS,
  type TopKind,
  topText,
  withFunctions,
} from '../exits/exit-reports.ts';
import type { Guest } from '../guest.ts';
import { refusal } from '../guest.ts';
import type { ExitStatisticsBody } from '../protocol.ts';

const EXITS_USAGE =
  'exits [COUNT] | exits top [COUNT] [by reason|detail|address|function|interrupt] | exits rate | exits json|csv [log]';

export const EXIT_USAGE =
  'exit [skip [REGISTER=VALUE, …] | return REGISTER=VALUE, … | inject EVENT | handle]';

const INJECT_USAGE = 'inject #GP(0) | #PF ADDRESS [ERROR] | interrupt VECTOR | nmi';

// prettier-ignore
export const EXIT_COMMANDS: readonly CommandRow[] = [
  { name: 'exits',      usage: EXITS_USAGE,                    help: 'shows the last VM exits, what all of them add up to, or everything for a file', run: exits, next: exitsNext },
  { name: 'hypercalls', usage: 'hypercalls [COUNT]',           help: 'shows how often the guest has made which hypercall',  run: hypercalls },
  { name: 'inject',     usage: INJECT_USAGE, help: 'gives the guest an event here', run: inject, next: (words) => words.length === 0 ? eventNames() : [] },
];

const EXITS = 10;
const EXITS_LIMIT = 500;
const TOP = 10;
/** Rows of an exported log. */
const EXPORTED_ROWS = 100_000;

async function exits(guest: Guest, words: readonly string[]): Promise<string | CommandResult> {
  const [verb = '', ...rest] = words;
  switch (verb) {
    case 'top':
      return top(guest, rest);
    case 'rate':
      return rateText(await guest.machine.call('exitStatistics'));
    case 'json':
    case 'csv':
      return { text: await exported(guest, verb, rest), isData: true };
    default:
      return lastExits(guest, words);
  }
}

/** Words that may follow those of `exits`. */
function exitsNext(words: readonly string[]): readonly string[] {
  const [verb] = words;
  if (verb === undefined) return ['top', 'rate', 'json', 'csv'];
  if (verb === 'json' || verb === 'csv') return ['log'];
  if (verb !== 'top') return [];
  return words.at(-1) === 'by' ? TOP_KINDS : ['by'];
}

/** Words that may follow those of `exit`. */
export function exitNext(words: readonly string[]): readonly string[] {
  if (words.length === 0) return ['skip', 'return', 'inject', 'handle'];
  return words.length === 1 && words[0] === 'inject' ? eventNames() : [];
}

async function lastExits(guest: Guest, words: readonly string[]): Promise<string> {
  const asked = words.length === 0 ? EXITS : await guest.evaluateNumber(words.join(' '));
  const count = Math.min(asked, EXITS_LIMIT);
  const { end } = await guest.machine.call('exitLogRange');
  const rows = await guest.machine.call('exitLog', Math.max(end - count, 0), count);
  if (rows.length === 0) return 'There were no VM exits yet.';
  return rows.map((exit) => exitLine(exit, placeText(exit.linearRip, guest.symbols))).join('\n');
}

/** "top 20 by function". */
async function top(guest: Guest, words: readonly string[]): Promise<string> {
  const by = words.indexOf('by');
  const kind = by < 0 ? 'reason' : words.slice(by + 1).join(' ');
  if (!isKind(kind)) {
    const problem = `Exits are not counted by '${kind}'; there are ${TOP_KINDS.join(', ')}.`;
    throw failure('commandUsage', { problem, usage: EXITS_USAGE });
  }
  const count = by < 0 ? words : words.slice(0, by);
  const most = count.length === 0 ? TOP : await guest.evaluateNumber(count.join(' '));
  return topText(await statisticsOf(guest), kind, most);
}
const isKind = (text: string): text is TopKind => TOP_KINDS.some((kind) => kind === text);

async function exported(
  guest: Guest,
  format: ExportFormat,
  words: readonly string[],
): Promise<string> {
  const [what = 'statistics', ...more] = words;
  if (more.length > 0 || !(what === 'log' || what === 'statistics')) {
    throw failure('commandUsage', {
      problem: `There is no '${words.join(' ')}' to write: it is the statistics, or the log.`,
      usage: EXITS_USAGE,
    });
  }
  if (what === 'statistics') return statisticsText(await statisticsOf(guest), format);
  return exportedLog(guest, format);
}

/** The newest rows of the log. */
export async function exportedLog(guest: Guest, format: LogFormat): Promise<string> {
  const { end } = await guest.machine.call('exitLogRange');
  const from = Math.max(0, end - EXPORTED_ROWS);
  return logText(await guest.machine.call('exitLog', from, EXPORTED_ROWS), guest.symbols, format);
}

export async function statisticsOf(guest: Guest): Promise<ExitStatisticsBody> {
  return withFunctions(await guest.machine.call('exitStatistics'), guest.symbols);
}

async function hypercalls(guest: Guest, words: readonly string[]): Promise<string> {
  const count = words.filter((word) => word !== 'top').join(' ');
  const most = count === '' ? TOP : await guest.evaluateNumber(count);
  return hypercallsText(await statisticsOf(guest), most);
}

/** `exit skip`: what happens with the exit at hand when the guest goes on. */
export async function takeExit(guest: Guest, words: readonly string[]): Promise<string> {
  const text = words.join(' ');
  const action = text === 'handle' ? null : parseExitAction(text, (each) => guest.parse(each));
  try {
    await guest.machine.call('intervene', action);
  } catch (cause) {
    throw refusal('machineRefused', cause);
  }
  return action === null
    ? 'The hypervisor will handle the exit.'
    : `When the guest goes on: ${text}, in the hypervisor’s place.`;
}

async function inject(guest: Guest, words: readonly string[]): Promise<CommandResult> {
  const text = words.join(' ');
  if (text === '') {
    const problem = 'The event is missing that the guest is to get.';
    throw failure('commandUsage', { problem, usage: INJECT_USAGE });
  }
  await injectEvent(guest, text);
  return { text: `The guest gets ${text}.`, changed: true };
}

/** "#GP(0)", "nmi": at once, or in the handler's place at an exit. */
export async function injectEvent(guest: Guest, text: string): Promise<void> {
  const event = parseEvent(text, (each) => guest.parse(each));
  try {
    await guest.machine.call('inject', event);
  } catch (cause) {
    throw refusal('machineRefused', cause);
  }
}
