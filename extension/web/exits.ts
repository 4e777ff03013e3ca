/**
 * Page of the VM exit log: a table of which only the rows in sight exist, a box for a filter, counts by
 * reason on demand, and what the selected row means beside it. While the end is in sight the page
 * follows; "Pause" keeps what is shown.
 */
import type { ExitReasonDescription, ExitRow } from '../../debug-adapter/protocol.ts';
import type { FromExitsPage, ToExitsPage } from '../views/exits-messages.ts';
import { LogRows, MatchedRows, type RowSource } from './exit-rows.ts';
import { cellText, COLUMNS, contextOf, explanation } from './exit-texts.ts';
import { connectHost, element } from './host.ts';

const ROW_HEIGHT = 22;
const NO_GUEST = 'No guest is running. Start one with F5 to see its VM exits here.';

const host = connectHost<ToExitsPage, FromExitsPage>();
const log = new LogRows();
const matches = new MatchedRows();
const reasons = new Map<string, ExitReasonDescription>();
let filter = '';
let following = true;
let paused = false;
/** The row that is explained. */
let selected: ExitRow | null = null;

const input = element('input', 'filter');
input.type = 'search';
input.placeholder = 'Filter: words, -word, port==0x3f8, reason=CPUID';
input.setAttribute('aria-label', 'Filter of VM exits');
input.setAttribute('list', 'filters');
const filters = element('datalist', '');
filters.id = 'filters';
const count = element('span', 'count', '');
count.setAttribute('role', 'status');
const pause = toggle('Pause', 'Keep what is shown while the guest runs on');
const group = toggle('By reason', 'Count the exits by reason; click one to see only these');
const toolbar = element('div', 'toolbar', [input, filters, pause, group, count]);
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
const groups = element('ul', 'groups');
groups.hidden = true;
const explained = element('dl', 'explained');
explained.hidden = true;
explained.setAttribute('aria-label', 'The selected VM exit');
document.body.append(toolbar, message, element('div', 'content', [groups, table, explained]));

function headerCell({ key, title, hint }: (typeof COLUMNS)[number]): HTMLElement {
  const cell = element('span', key, title);
  cell.title = hint;
  cell.setAttribute('role', 'columnheader');
  return cell;
}

function toggle(text: string, hint: string): HTMLButtonElement {
  const button = element('button', 'toggle', text);
  button.title = hint;
  button.setAttribute('aria-pressed', 'false');
  return button;
}

/** The state after a click on it. */
function flip(button: HTMLButtonElement): boolean {
  const pressed = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', String(pressed));
  return pressed;
}

const source = (): RowSource => (filter === '' ? log : matches);

function drawRow(number: number): HTMLElement {
  const row = source().row(number);
  const isSelected = row !== null && row.ordinal === selected?.ordinal;
  const drawn = element('div', isSelected ? 'row selected' : 'row');
  drawn.setAttribute('role', 'row');
  drawn.setAttribute('aria-rowindex', String(number + 1));
  drawn.dataset['number'] = String(number);
  if (row === null) {
    drawn.append(
      element('span', 'ordinal', number.toLocaleString('en-US')),
      element('span', 'position', '…'),
    );
    return drawn;
  }
  drawn.dataset['vscodeContext'] = JSON.stringify({
    ...contextOf(row),
    preventDefaultContextMenuItems: true,
  });
  for (const { key } of COLUMNS) {
    const cell = element('span', key, cellText(row, key));
    cell.setAttribute('role', 'cell');
    drawn.append(cell);
  }
  return drawn;
}

/** Numbers of the rows in sight: from (inclusive) to (exclusive). */
function visible(): { from: number; to: number } {
  const { first, end } = source();
  const from = first + Math.floor(scroller.scrollTop / ROW_HEIGHT);
  const to = Math.min(from + Math.ceil(scroller.clientHeight / ROW_HEIGHT) + 1, end);
  return { from: Math.min(from, end), to };
}

function draw(): void {
  const { first, end } = source();
  spacer.style.height = `${String((end - first) * ROW_HEIGHT)}px`;
  if (following && !paused) scroller.scrollTop = (end - first) * ROW_HEIGHT;
  const { from, to } = visible();
  const drawn: Node[] = [];
  for (let number = from; number < to; number++) drawn.push(drawRow(number));
  rows.style.top = `${String((from - first) * ROW_HEIGHT)}px`;
  rows.replaceChildren(...drawn);
  table.setAttribute('aria-rowcount', String(end));
  const all = log.end.toLocaleString('en-US');
  count.textContent = filter === '' ? all : `${matches.end.toLocaleString('en-US')} of ${all}`;
  const gap = filter === '' ? log.gap(from, to) : null;
  if (gap !== null) host.send({ kind: 'need', ...gap });
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

function explain(row: ExitRow | null): void {
  selected = row;
  explained.hidden = row === null;
  if (row !== null) {
    const terms = explanation(row, reasons.get(row.name));
    explained.replaceChildren(
      ...terms.flatMap(([term, text]) => [element('dt', '', term), element('dd', '', text)]),
    );
  }
  drawSoon();
}

function setFilter(text: string): void {
  input.value = text;
  filter = text.trim();
  matches.clear();
  following = true;
  host.send({ kind: 'filter', text: filter });
  drawSoon();
}

function drawGroups(counts: Readonly<Record<string, number>>): void {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  groups.replaceChildren(
    ...sorted.map(([name, number]) => {
      const button = element('button', '', `${name}  ${number.toLocaleString('en-US')}`);
      button.title = reasons.get(name)?.description ?? '';
      button.addEventListener('click', () => setFilter(`reason=${name}`));
      return element('li', '', [button]);
    }),
  );
}

/** Completion of the filter: reasons, and the fields that they have. */
function offer(given: readonly ExitReasonDescription[]): void {
  for (const reason of given) reasons.set(reason.name, reason);
  const occurring = given.filter(({ occurs }) => occurs);
  const fields = new Set(occurring.flatMap((reason) => reason.fields.map(({ name }) => name)));
  const words = [
    ...occurring.map(({ name }) => `reason=${name}`),
    ...[...fields].map((name) => `${name}==`),
  ];
  filters.replaceChildren(
    ...words.map((word) => {
      const option = element('option', '');
      option.value = word;
      return option;
    }),
  );
}

host.onMessage((received) => {
  switch (received.kind) {
    case 'session':
      log.clear();
      matches.clear();
      following = true;
      explain(null);
      groups.replaceChildren();
      say(received.name === null ? NO_GUEST : '');
      break;
    case 'reasons':
      offer(received.reasons);
      break;
    case 'rows':
      if (paused && received.total > log.end && log.end > 0) return;
      log.add(received.rows, received.first, received.total, visible().from);
      break;
    case 'matches':
      if (received.filter === filter) matches.add(received.rows);
      break;
    case 'filterProblem':
      say(received.text);
      input.setAttribute('aria-invalid', String(received.text !== ''));
      break;
    case 'counts':
      drawGroups(received.counts);
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

function rowOf(event: Event): ExitRow | null {
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('.row') : null;
  return source().row(Number(row?.dataset['number'] ?? -1));
}
scroller.addEventListener('click', (event) => explain(rowOf(event)));
scroller.addEventListener('dblclick', (event) => {
  const row = rowOf(event);
  if (row !== null) host.send({ kind: 'show', address: row.linearRip });
});
scroller.addEventListener('keydown', (event) => {
  if (selected === null || event.ctrlKey) return;
  if (event.key === 'Enter') host.send({ kind: 'show', address: selected.linearRip });
  else if (event.key === 'Escape') explain(null);
});
let typing: ReturnType<typeof setTimeout> | undefined;
input.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => setFilter(input.value), 200);
});
pause.addEventListener('click', () => {
  paused = flip(pause);
  drawSoon();
});
group.addEventListener('click', () => {
  const shown = flip(group);
  groups.hidden = !shown;
  host.send({ kind: 'groups', shown });
});

say(NO_GUEST);
host.send({ kind: 'ready' });
