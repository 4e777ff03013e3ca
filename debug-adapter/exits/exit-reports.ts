/**
 * What exits add up to, for people and programs: tables of the debug console, and the whole as JSON or
 * CSV. The machine counts addresses; functions are found here, where the symbols are.
 */
import type { ExitStatistics } from '../../emulator/hypervisor/exit-statistics.ts';
import { exitRows } from '../machine/guest-output.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type { ExitRow, ExitStatisticsBody } from '../protocol.ts';
import { placeText } from '../stops.ts';
import { exitLine } from './exit-text.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';
import type { ExitRecord } from '../../emulator/stop-reason.ts';

/** By what a table of the most frequent exits can be. */
export const TOP_KINDS = ['reason', 'detail', 'address', 'function', 'interrupt'] as const;
export type TopKind = (typeof TOP_KINDS)[number];

interface Ranked {
  readonly what: string;
  readonly count: number;
}

/** The machine's counts with the functions that the addresses belong to. */
export function withFunctions(
  statistics: ExitStatistics,
  symbols: SymbolTable,
): ExitStatisticsBody {
  const addresses = statistics.addresses.map((row) => {
    const symbol = symbols.describe(row.address);
    return symbol === null ? row : { ...row, symbol };
  });
  const functions = new Map<string, number>();
  for (const { address, count } of statistics.addresses) {
    const name = functionAt(address, symbols);
    if (name !== null) functions.set(name, (functions.get(name) ?? 0) + count);
  }
  return {
    ...statistics,
    addresses,
    functions: [...functions]
      .map(([name, count]) => ({ name, count }))
      .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)),
  };
}

/** "native_cpuid" of "native_cpuid+0x13". */
const functionAt = (address: number, symbols: SymbolTable): string | null =>
  symbols.describe(address)?.replace(/\+0x[0-9a-f]+$/, '') ?? null;

/** The most frequent, as lines of the console. */
export function topText(statistics: ExitStatisticsBody, kind: TopKind, most: number): string {
  const { rows, others } = ranked(statistics, kind);
  if (rows.length === 0) return `There is nothing to count by ${kind} yet.`;
  const shown = rows.slice(0, most);
  const rest = rows.slice(most).reduce((sum, { count }) => sum + count, 0) + others;
  const all = shown.reduce((sum, { count }) => sum + count, rest);
  const lines = [...shown, ...(rest > 0 ? [{ what: '(others)', count: rest }] : [])];
  const width = String(Math.max(...lines.map(({ count }) => count))).length;
  return lines
    .map(({ what, count }) => {
      const share = ((count / all) * 100).toFixed(1).padStart(5);
      return `${String(count).padStart(width)}  ${share} %  ${what}`;
    })
    .join('\n');
}

function ranked(
  statistics: ExitStatisticsBody,
  kind: TopKind,
): { readonly rows: readonly Ranked[]; readonly others: number } {
  const { reasons, details, addresses, functions, interrupts, others } = statistics;
  switch (kind) {
    case 'reason':
      return {
        rows: byCount(reasons.map(({ reason, count }) => ({ what: reason, count }))),
        others: 0,
      };
    case 'detail':
      return {
        rows: details.map(({ reason, what, detail, count }) => ({
          what: `${reason} ${what} ${detail}`, count,
        })), // prettier-ignore
        others: others.details,
      };
    case 'address':
      return {
        rows: addresses.map(({ address, symbol, reason, count }) => ({
          what: `${formatAddress(address)}${symbol === undefined ? '' : ` <${symbol}>`} ${reason}`,
          count,
        })),
        others: others.addresses,
      };
    case 'function': {
      const named = functions.reduce((sum, { count }) => sum + count, 0);
      const kept = addresses.reduce((sum, { count }) => sum + count, 0);
      const rows = functions.map(({ name, count }) => ({ what: name, count }));
      return { rows, others: kept - named + others.addresses };
    }
    case 'interrupt':
      return {
        rows: interrupts.map(({ vector, count }) => ({
          what: `vector 0x${vector.toString(16)}`,
          count,
        })),
        others: 0,
      };
  }
}

const byCount = (rows: readonly Ranked[]): readonly Ranked[] =>
  [...rows].sort((a, b) => b.count - a.count);

/** Lines of a chart at most; stretches are put together. */
const CHART_LINES = 24;
const CHART_WIDTH = 40;

/** Exits over time as a chart of the console: one line a stretch of instructions. */
export function rateText({ rate }: ExitStatistics): string {
  const totals = rate.stretches.map((row) => Object.values(row).reduce((sum, n) => sum + n, 0));
  if (totals.length === 0) return 'There were no VM exits yet.';
  const together = Math.max(1, Math.ceil(totals.length / CHART_LINES));
  const lines: { readonly from: number; readonly count: number }[] = [];
  for (let at = 0; at < totals.length; at += together) {
    const count = totals.slice(at, at + together).reduce((sum, n) => sum + n, 0);
    lines.push({ from: at * rate.width, count });
  }
  const most = Math.max(...lines.map(({ count }) => count));
  const width = String(lines.at(-1)?.from ?? 0).length;
  const digits = String(most).length;
  return [
    `exits of each ${String(rate.width * together)} instructions, from:`,
    ...lines.map(({ from, count }) => {
      const bar = '#'.repeat(Math.ceil((count / Math.max(most, 1)) * CHART_WIDTH));
      return `${String(from).padStart(width)}  ${String(count).padStart(digits)}  ${bar}`.trimEnd();
    }),
  ].join('\n');
}

/** The hypercalls among the details. */
export function hypercallsText(statistics: ExitStatisticsBody, most: number): string {
  const calls = statistics.details.filter(({ what }) => what === 'hypercall');
  if (calls.length === 0) return 'The guest has made no hypercalls yet.';
  const details = calls.map((call) => ({ ...call, reason: '', what: '' }));
  return topText(
    { ...statistics, details, others: { details: 0, addresses: 0 } },
    'detail',
    most,
  ).replace(/ {4}(?=\S+$)/gm, '  ');
}

export type ExportFormat = 'json' | 'csv';
/** The log can be written as `exits` prints it, too. */
export type LogFormat = ExportFormat | 'text';

export function statisticsText(statistics: ExitStatisticsBody, format: ExportFormat): string {
  if (format === 'json') return `${JSON.stringify(statistics, null, 2)}\n`;
  const { rate } = statistics;
  const rows: Cell[][] = [['kind', 'reason', 'name', 'value', 'count']];
  for (const { reason, number, count } of statistics.reasons)
    rows.push(['reason', reason, '', number, count]);
  for (const { reason, what, detail, count } of statistics.details)
    rows.push(['detail', reason, what, detail, count]);
  for (const { address, symbol, reason, count } of statistics.addresses)
    rows.push(['address', reason, symbol ?? '', formatAddress(address), count]);
  for (const { name, count } of statistics.functions) rows.push(['function', '', name, '', count]);
  for (const { vector, count } of statistics.interrupts)
    rows.push(['interrupt', '', 'vector', vector, count]);
  for (const [at, stretch] of rate.stretches.entries())
    for (const [reason, count] of Object.entries(stretch))
      rows.push(['rate', reason, 'from instruction', at * rate.width, count]);
  return csv(rows);
}

const LOG_COLUMNS = [
  'ordinal', 'position', 'vcpu', 'reason', 'name', 'qualification', 'detail', 'rip', 'symbol', 'outcome', 'steps',
] as const; // prettier-ignore

export function logText(
  records: readonly ExitRecord[],
  symbols: SymbolTable,
  format: LogFormat,
): string {
  if (format === 'text')
    return records
      .map((record) => `${exitLine(record, placeText(record.linearRip, symbols))}\n`)
      .join('');
  const rows = exitRows(records, symbols);
  if (format === 'json') return `${JSON.stringify(rows, null, 2)}\n`;
  return csv([[...LOG_COLUMNS], ...rows.map(logRow)]);
}

function logRow(row: ExitRow): Cell[] {
  return [
    row.ordinal,
    row.position,
    row.vcpu ?? 0,
    row.reason,
    row.name,
    `0x${row.qualification.toString(16)}`,
    row.detail,
    formatAddress(row.linearRip),
    row.symbol ?? '',
    row.outcome?.text ?? '',
    row.outcome?.steps ?? '',
  ];
}

type Cell = string | number;

/** RFC 4180, with line feeds. */
export function csv(rows: readonly (readonly Cell[])[]): string {
  const cell = (value: Cell): string => {
    const text = String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('');
}
