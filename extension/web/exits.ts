/**
 * Page of the VM exit log: a table of which only the rows in sight exist. Rows are kept by number in a
 * bounded cache and asked for when scrolling meets a gap; while the end is in sight the page follows.
 */
import type { ExitRow } from '../../debug-adapter/protocol.ts';
import type { FromExitsPage, ToExitsPage } from '../views/exits-messages.ts';
import { connectHost, element } from './host.ts';

const ROW_HEIGHT = 22;
/** Rows beyond this many are forgotten, the farthest from sight first; they can be asked for again. */
const CACHE_LIMIT = 8192;
/** Rows asked for at once around a gap. */
const FETCH = 200;
/** Browsers clip taller elements; the machine's ring is far smaller. */
const MAXIMUM_ROWS = 500_000;

const COLUMNS = [
  { key: 'ordinal', title: 'Exit', hint: 'Ordinal of the exit since power-on' },
  { key: 'position', title: 'Position', hint: 'Retired instructions' },
  { key: 'reason', title: 'Reason', hint: 'VMX basic exit reason' },
  { key: 'detail', title: 'Qualification', hint: 'Decoded exit qualification' },
  { key: 'outcome', title: 'Outcome', hint: 'What the hypervisor did, and what the guest got' },
  { key: 'rip', title: 'Guest RIP', hint: 'Linear address of the instruction, and its symbol' },
] as const;

const host = connectHost<ToExitsPage, FromExitsPage>();
const cache = new Map<number, ExitRow>();
let first = 0;
let total = 0;
let following = true;
let asked = -1;
let selected = -1;

const message = element('p', 'message', '');
const header = element('div', 'row header', COLUMNS.map(headerCell));
header.setAttribute('role', 'row');
const spacer = element('div', 'spacer');
const rows = element('div', 'rows');
const scroller = element('div', 'scroller', [spacer, rows]);
scroller.tabIndex = 0;
scroller.setAttribute('role', 'rowgroup');
const table = element('div', 'table', [header, scroller]);
table.setAttribute('role', 'table');
table.setAttribute('aria-label', 'VM exits');
document.body.append(message, table);

function headerCell({ key, title, hint }: (typeof COLUMNS)[number]): HTMLElement {
  const cell = element('span', key, title);
  cell.title = hint;
  cell.setAttribute('role', 'columnheader');
  return cell;
}

function hex(value: number, digits = 8): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

function cellText(row: ExitRow, key: (typeof COLUMNS)[number]['key']): string {
  switch (key) {
    case 'ordinal':
      return row.ordinal.toLocaleString('en-US');
    case 'position':
      return row.position.toLocaleString('en-US');
    case 'reason':
      return row.name;
    case 'detail':
      return row.detail;
    case 'outcome':
      return row.outcome?.text ?? '';
    case 'rip':
      return row.symbol === undefined ? hex(row.linearRip) : `${hex(row.linearRip)} ${row.symbol}`;
  }
}

function rowTitle(row: ExitRow): string {
  const fields = Object.entries(row.fields).map(([name, value]) => `${name} = ${hex(value, 1)}`);
  return [
    `${row.name} (reason ${String(row.reason)}), qualification ${hex(row.qualification)}`,
    `CPL ${String(row.cpl)}, instruction length ${String(row.instructionLength)}`,
    ...fields,
    ...(row.outcome === undefined
      ? []
      : [`${row.outcome.text}; cost: ${String(row.outcome.steps)}`]),
  ].join('\n');
}

function drawRow(ordinal: number): HTMLElement {
  const row = cache.get(ordinal);
  const drawn = element('div', ordinal === selected ? 'row selected' : 'row');
  drawn.setAttribute('role', 'row');
  drawn.setAttribute('aria-rowindex', String(ordinal + 1));
  drawn.dataset['ordinal'] = String(ordinal);
  if (row === undefined) {
    drawn.append(
      element('span', 'ordinal', ordinal.toLocaleString('en-US')),
      element('span', 'position', '…'),
    );
    return drawn;
  }
  drawn.title = rowTitle(row);
  for (const { key } of COLUMNS) {
    const cell = element('span', key, cellText(row, key));
    cell.setAttribute('role', 'cell');
    drawn.append(cell);
  }
  return drawn;
}

/** Ordinals in sight: from (inclusive) to (exclusive). */
function visible(): { from: number; to: number } {
  const from = first + Math.floor(scroller.scrollTop / ROW_HEIGHT);
  const to = Math.min(from + Math.ceil(scroller.clientHeight / ROW_HEIGHT) + 1, total);
  return { from: Math.min(from, total), to };
}

function draw(): void {
  const count = total - first;
  spacer.style.height = `${String(count * ROW_HEIGHT)}px`;
  if (following) scroller.scrollTop = count * ROW_HEIGHT;
  const { from, to } = visible();
  const drawn: Node[] = [];
  for (let ordinal = from; ordinal < to; ordinal++) drawn.push(drawRow(ordinal));
  rows.style.top = `${String((from - first) * ROW_HEIGHT)}px`;
  rows.replaceChildren(...drawn);
  table.setAttribute('aria-rowcount', String(total));
  askForGaps(from, to);
}

function askForGaps(from: number, to: number): void {
  for (let ordinal = from; ordinal < to; ordinal++) {
    if (cache.has(ordinal)) continue;
    const start = Math.max(first, ordinal - FETCH / 4);
    if (start === asked) return;
    asked = start;
    host.send({ kind: 'need', from: start, count: FETCH });
    return;
  }
}

function forgetFarRows(): void {
  if (cache.size <= CACHE_LIMIT) return;
  const { from } = visible();
  const far = [...cache.keys()].sort((a, b) => Math.abs(b - from) - Math.abs(a - from));
  for (const ordinal of far.slice(0, cache.size - CACHE_LIMIT / 2)) cache.delete(ordinal);
}

let drawing = false;
function drawSoon(): void {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function say(text: string): void {
  message.textContent = text;
  message.hidden = text === '';
}

host.onMessage((received) => {
  switch (received.kind) {
    case 'session':
      cache.clear();
      first = total = 0;
      following = true;
      asked = selected = -1;
      say(
        received.name === null
          ? 'No guest is running. Start one with F5 to see its VM exits here.'
          : '',
      );
      break;
    case 'rows':
      for (const row of received.rows) cache.set(row.row ?? row.ordinal, row);
      // a page that comes late must not shorten the log
      total = Math.max(total, received.total);
      first = Math.max(first, received.first, total - MAXIMUM_ROWS);
      asked = -1;
      forgetFarRows();
      break;
    case 'ended':
      say('The guest has ended.');
      break;
  }
  drawSoon();
});

scroller.addEventListener('scroll', () => {
  following = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - ROW_HEIGHT;
  drawSoon();
});
new ResizeObserver(drawSoon).observe(scroller);

function ordinalOf(event: Event): number {
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('.row') : null;
  return Number(row?.dataset['ordinal'] ?? -1);
}
scroller.addEventListener('click', (event) => {
  selected = ordinalOf(event);
  drawSoon();
});
scroller.addEventListener('dblclick', (event) => {
  const row = cache.get(ordinalOf(event));
  if (row !== undefined) host.send({ kind: 'openMemory', address: row.linearRip });
});

say('No guest is running. Start one with F5 to see its VM exits here.');
host.send({ kind: 'ready' });
