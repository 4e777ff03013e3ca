/**
 * Page of the memory view: rows of sixteen bytes in hexadecimal and as characters around one address.
 * Typing two hexadecimal digits over a byte writes it into the guest. Only the bytes in sight are read.
 */
import type { AddressSpace, FromMemoryPage, ToMemoryPage } from '../views/memory-messages.ts';
import { connectHost, element } from './host.ts';

const ROW_HEIGHT = 20;
const ADDRESS_END = 2 ** 32;
/** Width of a row of sixteen bytes, in widths of a digit; narrower views have rows of eight. */
const WIDE = 84;

const host = connectHost<ToMemoryPage, FromMemoryPage>();

/** What is shown: `cursor` is the byte that typing changes, `top` the first byte in sight. */
const place = { space: 'linear' as AddressSpace, top: 0, cursor: 0 };
let rowBytes = 16;
/** Bytes by address, as last read; absent ones cannot be read. */
let known = new Map<number, number>();
/** The same at the stop before, for what changed since. */
let before: ReadonlyMap<number, number> = new Map();
let compare = false;
/** First digit of a byte being typed. */
let digit: number | null = null;

const spaceField = element('select', '', [
  new Option('linear', 'linear'),
  new Option('physical', 'physical'),
]);
spaceField.setAttribute('aria-label', 'Address space');
const addressField = element('input', '');
addressField.setAttribute('aria-label', 'Address or expression');
addressField.spellcheck = false;
const status = element('span', 'status', '');
status.setAttribute('role', 'status');
const toolbar = element('form', 'toolbar', [spaceField, addressField, status]);
const grid = element('div', 'grid');
grid.tabIndex = 0;
grid.setAttribute('role', 'grid');
/** As wide as a digit. */
const ruler = element('span', 'ruler', '0');
document.body.append(toolbar, grid, ruler);

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function rowCount(): number {
  return Math.max(1, Math.floor(grid.clientHeight / ROW_HEIGHT));
}

function character(byte: number | undefined): string {
  if (byte === undefined) return ' ';
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
}

function drawByte(address: number): HTMLElement {
  const byte = known.get(address);
  const cell = element('span', 'byte', byte === undefined ? '··' : hex(byte, 2));
  cell.dataset['address'] = String(address);
  cell.setAttribute('role', 'gridcell');
  cell.classList.toggle('unreadable', byte === undefined);
  const old = before.get(address);
  cell.classList.toggle('changed', old !== undefined && byte !== undefined && old !== byte);
  if (address === place.cursor) {
    cell.classList.add('cursor');
    cell.setAttribute('aria-selected', 'true');
    if (digit !== null) cell.textContent = `${hex(digit, 1)}_`;
  }
  return cell;
}

function drawRow(address: number): HTMLElement {
  const addresses = Array.from({ length: rowBytes }, (_, index) => address + index);
  const text = addresses.map((at) => character(known.get(at))).join('');
  const row = element('div', 'row', [
    element('span', 'address', hex(address, 8)),
    element('span', 'bytes', addresses.map(drawByte)),
    element('span', 'text', text),
  ]);
  row.setAttribute('role', 'row');
  return row;
}

function draw(): void {
  const rows: HTMLElement[] = [];
  for (let row = 0; row < rowCount(); row++) {
    const address = place.top + row * rowBytes;
    if (address < ADDRESS_END) rows.push(drawRow(address));
  }
  grid.replaceChildren(...rows);
}

function ask(): void {
  const count = Math.min(rowCount() * rowBytes, ADDRESS_END - place.top);
  host.send({ kind: 'need', space: place.space, address: place.top, count });
}

function moveTop(address: number): void {
  const aligned = address - (address % rowBytes);
  place.top = Math.min(Math.max(aligned, 0), ADDRESS_END - rowBytes);
  draw();
  ask();
}

/** Puts the cursor on a byte and scrolls so far that it is in sight. */
function moveCursor(address: number): void {
  place.cursor = Math.min(Math.max(address, 0), ADDRESS_END - 1);
  digit = null;
  const row = place.cursor - (place.cursor % rowBytes);
  const last = place.top + (rowCount() - 1) * rowBytes;
  if (row < place.top) moveTop(row);
  else if (row > last) moveTop(place.top + row - last);
  else draw();
}

function type(value: number): void {
  if (!known.has(place.cursor)) {
    status.textContent = 'This byte cannot be written: nothing is mapped here.';
    return;
  }
  if (digit === null) {
    digit = value;
    draw();
    return;
  }
  const byte = digit * 16 + value;
  host.send({
    kind: 'write',
    space: place.space,
    address: place.cursor,
    bytes: Uint8Array.of(byte),
  });
  moveCursor(place.cursor + 1);
}

const MOVES: Readonly<Record<string, () => number>> = {
  ArrowLeft: () => -1,
  ArrowRight: () => 1,
  ArrowUp: () => -rowBytes,
  ArrowDown: () => rowBytes,
  PageUp: () => -rowCount() * rowBytes,
  PageDown: () => rowCount() * rowBytes,
};

grid.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const move = MOVES[event.key];
  if (move !== undefined) moveCursor(place.cursor + move());
  else if (/^[0-9a-f]$/i.test(event.key)) type(parseInt(event.key, 16));
  else if (event.key === 'Escape') moveCursor(place.cursor);
  else return;
  event.preventDefault();
});
grid.addEventListener('wheel', (event) => {
  const rows =
    Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / ROW_HEIGHT));
  moveTop(place.top + rows * rowBytes);
});
grid.addEventListener('click', (event) => {
  const cell = event.target instanceof HTMLElement ? event.target.dataset['address'] : undefined;
  if (cell !== undefined) moveCursor(Number(cell));
});
function go(): void {
  const text = addressField.value.trim();
  if (text !== '') {
    host.send({ kind: 'go', space: spaceField.value === 'physical' ? 'physical' : 'linear', text });
  }
}
toolbar.addEventListener('submit', (event) => {
  event.preventDefault();
  go();
});
spaceField.addEventListener('change', go);
new ResizeObserver(() => {
  ruler.hidden = false;
  rowBytes = grid.clientWidth < WIDE * ruler.clientWidth ? 8 : 16;
  ruler.hidden = true;
  moveTop(place.top);
}).observe(grid);

function receiveBytes(message: Extract<ToMemoryPage, { kind: 'bytes' }>): void {
  if (message.space !== place.space || message.address !== place.top) return;
  if (compare) before = known;
  compare = false;
  known = new Map();
  for (const { address, bytes } of message.segments) {
    bytes.forEach((byte, index) => known.set(address + index, byte));
  }
  const { physical } = message;
  if (place.space === 'physical') status.textContent = '';
  else if (physical === null) status.textContent = 'not mapped';
  else status.textContent = `→ physical 0x${hex(physical, 8)}`;
  draw();
}

host.onMessage((message) => {
  switch (message.kind) {
    case 'show':
      place.space = message.space;
      place.cursor = message.address;
      spaceField.value = message.space;
      grid.setAttribute('aria-label', `Guest memory, ${message.space}`);
      addressField.value = message.text;
      known = new Map();
      before = new Map();
      digit = null;
      moveTop(message.address);
      grid.focus();
      break;
    case 'bytes':
      receiveBytes(message);
      break;
    case 'stale':
      compare ||= message.stopped;
      ask();
      break;
    case 'problem':
      status.textContent = message.text;
      break;
    case 'ended':
      status.textContent = 'The guest has ended; this is what its memory held.';
      document.body.classList.add('ended');
      break;
  }
});
host.send({ kind: 'ready' });
