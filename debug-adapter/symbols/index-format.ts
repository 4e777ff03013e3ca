/**
 * An index of debugging information (debug-index.ts) as bytes, to be kept on a disk. All numbers are of
 * 32 bits, little-endian:
 *
 *   magic, version, checksum of what follows the next one, length of what follows this one
 *   number of parts, length of each in bytes
 *   the parts, each on a multiple of four
 *
 * What is read back is checked as far as memory depends on it: a damaged, truncated or foreign file is no
 * index. What the numbers mean is checked by whoever looks into the file of symbols.
 */
import { encodeText, readText } from '../../emulator/formats/text.ts';
import type { DebugIndexData } from './debug-index.ts';
import { UNIT_WORDS } from './debug-index.ts';
import { RUN_WORDS } from './line-scan.ts';
import { CODE_WORDS } from './unit-code.ts';

/** "GSIX". */
const MAGIC = 0x58495347;
/** Another one for every change of what stands in an index. */
const VERSION = 3;
const HEADER_WORDS = 5;
/** Between the paths of source files. */
const SEPARATOR = '\n';

// prettier-ignore
const PARTS = [
  'texts', 'starts', 'slots', 'first', 'offsets', 'tags', 'units', 'code', 'paths', 'tables', 'firstFile',
  'files', 'runs', 'firstTable', 'tablesOf',
] as const;
type Part = (typeof PARTS)[number];
const BYTES: readonly Part[] = ['texts', 'paths'];

export function writeIndex({ names, lines, units, code }: DebugIndexData): Uint8Array {
  const paths = encodeText(lines.paths.join(SEPARATOR));
  const all: { readonly [Name in Part]: Uint8Array | Uint32Array } = { ...names, ...lines, units, code, paths }; // prettier-ignore
  const parts = PARTS.map((name) => asBytes(all[name]));
  const head = HEADER_WORDS * 4 + parts.length * 4;
  const bytes = new Uint8Array(parts.reduce((size, part) => size + padded(part.length), head));
  const view = new DataView(bytes.buffer);
  let at = head;
  for (const [index, part] of parts.entries()) {
    view.setUint32(HEADER_WORDS * 4 + index * 4, part.length, true);
    bytes.set(part, at);
    at += padded(part.length);
  }
  view.setUint32(16, parts.length, true);
  const body = bytes.subarray(16);
  for (const [index, word] of [MAGIC, VERSION, checksum(body), body.length].entries())
    view.setUint32(index * 4, word, true);
  return bytes;
}

/** Null for bytes that are no index of this version, or a damaged one. */
export function readIndex(bytes: Uint8Array): DebugIndexData | null {
  const words = HEADER_WORDS + PARTS.length;
  if (bytes.length < words * 4) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (index: number): number => view.getUint32(index * 4, true);
  const body = bytes.subarray(16);
  if (word(0) !== MAGIC || word(1) !== VERSION || word(3) !== body.length) return null;
  if (word(4) !== PARTS.length || word(2) !== checksum(body)) return null;
  const parts = new Map<Part, Uint8Array>();
  let at = words * 4;
  for (const [index, name] of PARTS.entries()) {
    const length = word(HEADER_WORDS + index);
    if (at + length > bytes.length || (!BYTES.includes(name) && length % 4 !== 0)) return null;
    parts.set(name, bytes.slice(at, at + length));
    at += padded(length);
  }
  return checked(parts);
}

function checked(parts: ReadonlyMap<Part, Uint8Array>): DebugIndexData | null {
  const numbers = (name: Part): Uint32Array => asWords(parts.get(name) ?? new Uint8Array(0));
  const texts = parts.get('texts') ?? new Uint8Array(0);
  const pathBytes = parts.get('paths') ?? new Uint8Array(0);
  const paths = pathBytes.length === 0 ? [] : readText(pathBytes, 0).split(SEPARATOR);
  const names = {
    texts,
    starts: numbers('starts'),
    slots: numbers('slots'),
    first: numbers('first'),
    offsets: numbers('offsets'),
    tags: numbers('tags'),
  };
  const lines = {
    paths,
    tables: numbers('tables'),
    firstFile: numbers('firstFile'),
    files: numbers('files'),
    runs: numbers('runs'),
    firstTable: numbers('firstTable'),
    tablesOf: numbers('tablesOf'),
  };
  const units = numbers('units');
  const code = numbers('code');
  const count = names.starts.length - 1;
  const slots = names.slots.length;
  const isSound =
    slots > 0 &&
    (slots & (slots - 1)) === 0 &&
    ascends(names.starts, count + 1, texts.length) &&
    ascends(names.first, count + 1, names.offsets.length) &&
    names.offsets.length === names.tags.length &&
    ascends(lines.firstFile, lines.tables.length + 1, lines.files.length) &&
    ascends(lines.firstTable, paths.length + 1, lines.tablesOf.length) &&
    lines.runs.length % RUN_WORDS === 0 &&
    units.length % UNIT_WORDS === 0 &&
    code.length % CODE_WORDS === 0;
  return isSound ? { names, lines, units, code } : null;
}

/** So many numbers, none below the one before, from 0 to `last`. */
function ascends(numbers: Uint32Array, count: number, last: number): boolean {
  if (numbers.length !== count || numbers[0] !== 0 || numbers[count - 1] !== last) return false;
  return numbers.every((number, index) => number >= (numbers[index - 1] ?? 0));
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;

function asBytes(numbers: Uint8Array | Uint32Array): Uint8Array {
  if (numbers instanceof Uint8Array) return numbers;
  const bytes = new Uint8Array(numbers.length * 4);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < numbers.length; index++)
    view.setUint32(index * 4, numbers[index] ?? 0, true);
  return bytes;
}

function asWords(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = new Uint32Array(bytes.length / 4);
  for (let index = 0; index < words.length; index++) words[index] = view.getUint32(index * 4, true);
  return words;
}

/** Adler-32 (RFC 1950, 8.2). */
function checksum(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < bytes.length;) {
    // the sums are taken modulo 65521 before they could have more than 32 bits
    for (const end = Math.min(at + 3800, bytes.length); at < end; at++) {
      low += bytes[at] ?? 0;
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return ((high << 16) | low) >>> 0;
}
