/**
 * Objects of the program as trees of the Variables view: structures by member, arrays by element in
 * pages, pointers by what they point to. Everything is read when it is opened, and only as much as is
 * shown: a list that is a circle, or an array of 2^30 elements, costs what one looks at.
 */
import type { CType, Member } from '../symbols/c-types.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type { Container, Row, ValueFormat } from '../display/variables.ts';
import { membersOf } from './members.ts';
import {
  bytesOf,
  linearOf,
  type ObjectAccess,
  settled,
  store,
  whyReadOnly,
} from './object-access.ts';
import { inMemory, part, reasonLost, type Storage } from './storage.ts';
import { constant } from './trees.ts';
import type { Typed } from './typed.ts';
import { typeText } from './type-text.ts';
import { isCharacter, isStruct, sizeOf, stripped } from './types.ts';
import {
  bytesShown,
  integerIn,
  isTextPointer,
  pointerText,
  quoted,
  type TextOptions,
  textOf,
} from './value-text.ts';
import { U32 } from '../../emulator/expressions/integers.ts';

/** What rows need of the guest. */
export interface ObjectView {
  readonly access: ObjectAccess;
  readonly text: Omit<TextOptions, 'hex'>;
}

/** An object under a name. */
export interface Item {
  readonly name: string;
  readonly type: CType;
  readonly storage: Storage;
  readonly bits: Member['bits'];
  /** What evaluates to it; null where nothing does. */
  readonly expression: string | null;
  /** Its first bytes, where they have been read. */
  readonly bytes?: Uint8Array;
  /** How its declaration is referred to, if it has one that is known. */
  readonly declared?: number;
}

/** What an expression has given, as an object that can be shown. */
export function itemOf(expression: string, typed: Exclude<Typed, { kind: 'plain' }>): Item {
  const { type } = typed;
  const item = { name: expression, type, bits: null, expression };
  if (typed.kind === 'object') return { ...item, storage: typed.storage, bits: typed.bits };
  const value = { kind: 'value', bytes: Infinity, value: typed.syntax, register: null } as const;
  return { ...item, storage: [value] };
}

/** Characters of a text that are shown with a pointer to it. */
const TEXT_SHOWN = 200;
/** Elements that are shown together where a client does not ask for pages, and of a page at most. */
const GROUP = 100;
const MOST_ELEMENTS = 10_000;
/** Elements shown of an array whose length nobody says. */
const FLEXIBLE = 16;

export async function rowOf(item: Item, view: ObjectView, format: ValueFormat): Promise<Row> {
  const { name, type, bits, expression, declared } = item;
  const storage = await settled(item.storage, view.access);
  const kind = view.text.completed(type);
  const size = bits === null ? (sizeOf(kind) ?? 0) : (bits.first + bits.count + 7) >> 3;
  const bytes = item.bytes ?? (await bytesOf(storage, bytesShown(kind, size), view.access));
  const placed: Item = { ...item, storage };
  const why = whyReadOnly(storage, type);
  const linear = linearOf(storage);
  const children = reasonLost(storage) === null ? childrenOf(placed, bytes, view) : null;
  const pointer = kind.kind === 'pointer' ? pointedTo(type, bytes) : null;
  const reference = pointer ?? linear;
  return {
    name,
    value: await valueShown(placed, bytes, view, format),
    type: typeText(type) + (bits === null ? '' : ` : ${bits.count}`),
    ...(reference !== null && { memoryReference: formatAddress(reference) }),
    ...(linear !== null && size > 0 && { place: { space: 'linear' as const, address: linear, length: size } }),
    ...(expression !== null && { evaluateName: expression }),
    ...(children !== null && { children }),
    ...(declared !== undefined && { declared }),
    ...(why === null ? { write: (value: number | bigint) => store(storage, type, bits, value, view.access) } : { readOnly: why }),
  };
} // prettier-ignore

/** The address in a pointer; null when it cannot be read. */
function pointedTo(type: CType, bytes: Uint8Array): number | null {
  const value = bytes.length < 4 ? null : integerIn(type, bytes, null);
  return value === null ? null : Number(value);
}

async function valueShown(
  { type, storage, bits }: Item,
  bytes: Uint8Array,
  { access, text }: ObjectView,
  format: ValueFormat,
): Promise<string> {
  const lost = reasonLost(storage);
  if (lost !== null)
    return lost === 'it has been optimized out' ? '<optimized out>' : `<not known: ${lost}>`;
  const shown = textOf(type, bytes, { ...text, hex: format.hex && format.isAsked === true }, bits);
  const linear = linearOf(storage);
  if (stripped(type).kind === 'function' && linear !== null)
    return `${shown} ${pointerText(type, linear, text)}`;
  const pointer = isTextPointer(type) ? pointedTo(type, bytes) : null;
  if (pointer === null || pointer === 0) return shown;
  const characters = await access.read(pointer, TEXT_SHOWN);
  return characters.length === 0 ? shown : `${shown} ${quoted(characters, false)}`;
}

/** What is below a value; null when nothing is. */
function childrenOf(item: Item, bytes: Uint8Array, view: ObjectView): Container | null {
  const kind = view.text.completed(item.type);
  if (item.bits !== null) return null;
  if (isStruct(kind)) return kind.isDeclaration ? null : membersContainer(item, '.', view);
  if (kind.kind === 'array') return arrayContainer(item, view);
  if (kind.kind !== 'pointer') return null;
  const address = pointedTo(item.type, bytes);
  if (address === null || address === 0) return null;
  return targetContainer(item, kind.target, address, view);
}

function targetContainer(
  item: Item,
  type: CType,
  address: number,
  view: ObjectView,
): Container | null {
  const target = view.text.completed(type);
  if (target.kind === 'void' || target.kind === 'function' || isCharacter(target)) return null;
  const storage = inMemory(constant(address, U32));
  const { expression } = item;
  const whole = { ...item, type, storage, bits: null };
  if (isStruct(target)) return target.isDeclaration ? null : membersContainer(whole, '->', view);
  const name = `*${item.name}`;
  const dereferenced = expression === null ? null : `*${wrapped(expression)}`;
  const pointed: Item = { name, type, storage, bits: null, expression: dereferenced };
  return { rows: async (format) => [await rowOf(pointed, view, format)] };
}

/** An expression before which or behind which an operator can stand. */
const wrapped = (expression: string): string =>
  /^[A-Za-z_$][\w$]*(?:(?:\.|->)[A-Za-z_]\w*|\[\d+\])*$/.test(expression)
    ? expression
    : `(${expression})`;

function membersContainer(item: Item, operator: '.' | '->', view: ObjectView): Container {
  return {
    async rows(format) {
      const kind = view.text.completed(item.type);
      if (!isStruct(kind)) return [];
      const storage = await settled(item.storage, view.access);
      const all = linearOf(storage) === null ? null : await bytesOf(storage, kind.size, view.access);
      const rows: Row[] = [];
      for (const { member, offset } of membersOf(kind)) {
        const own = memberItem(item, operator, member, storage, offset, view);
        const known = all === null || own.length === 0 ? null : bytesAt(all, offset, own.length);
        rows.push(await rowOf({ ...own.item, ...(known !== null && { bytes: known }) }, view, format));
      }
      return rows;
    },
  };
} // prettier-ignore

function memberItem(
  { expression }: Item,
  operator: string,
  { name, type, bits }: Member,
  storage: Storage,
  offset: number,
  view: ObjectView,
): { readonly item: Item; readonly length: number } {
  const size = sizeOf(view.text.completed(type)) ?? 0;
  const length = bits === null ? size : (bits.first + bits.count + 7) >> 3;
  const own = name ?? '';
  return {
    length,
    item: {
      name: own,
      type,
      bits,
      storage: part(storage, offset, length),
      expression: expression === null ? null : `${wrapped(expression)}${operator}${own}`,
    },
  };
}

/** Null for what lies outside the bytes that were read at once: it is read on its own. */
function bytesAt(all: Uint8Array, offset: number, length: number): Uint8Array | null {
  return offset + length <= all.length ? all.subarray(offset, offset + length) : null;
}

// ---- arrays

interface Elements {
  readonly type: CType;
  readonly size: number;
  readonly count: number;
}

function elementsOf({ type }: Item, view: ObjectView): Elements | null {
  const kind = stripped(type);
  if (kind.kind !== 'array') return null;
  const size = sizeOf(view.text.completed(kind.element)) ?? 0;
  return size === 0 ? null : { type: kind.element, size, count: kind.count ?? FLEXIBLE };
}

function arrayContainer(item: Item, view: ObjectView): Container | null {
  const elements = elementsOf(item, view);
  if (elements === null || elements.count === 0) return null;
  const page = (start: number, count: number, format: ValueFormat): Promise<readonly Row[]> =>
    elementRows(item, elements, start, count, view, format);
  return {
    indexed: () => Promise.resolve(elements.count),
    page,
    rows: (format) => groups(0, elements.count, page, format),
  };
}

async function elementRows(
  item: Item,
  { type, size, count }: Elements,
  start: number,
  wanted: number,
  view: ObjectView,
  format: ValueFormat,
): Promise<readonly Row[]> {
  const storage = await settled(item.storage, view.access);
  const end = Math.min(start + Math.min(wanted, MOST_ELEMENTS), count);
  const length = Math.max(end - start, 0) * size;
  const all =
    linearOf(storage) === null ? null : await bytesOf(part(storage, start * size, length), length, view.access);
  const rows: Row[] = [];
  for (let index = start; index < end; index++) {
    const { expression } = item;
    const known = all === null ? null : bytesAt(all, (index - start) * size, size);
    const element: Item = {
      name: `[${index}]`,
      type,
      bits: null,
      storage: part(storage, index * size, size),
      expression: expression === null ? null : `${wrapped(expression)}[${index}]`,
      ...(known !== null && { bytes: known }),
    };
    rows.push(await rowOf(element, view, format));
  }
  return rows;
} // prettier-ignore

type Page = (start: number, count: number, format: ValueFormat) => Promise<readonly Row[]>;

/** For a client that does not ask for pages: elements, or rows for hundreds of them. */
async function groups(
  start: number,
  end: number,
  page: Page,
  format: ValueFormat,
): Promise<readonly Row[]> {
  if (end - start <= GROUP) return page(start, end - start, format);
  let size = GROUP;
  while ((end - start) / size > GROUP) size *= GROUP;
  const rows: Row[] = [];
  for (let from = start; from < end; from += size) {
    const to = Math.min(from + size, end);
    const children: Container = { rows: (chosen) => groups(from, to, page, chosen) };
    rows.push({ name: `[${from}..${to - 1}]`, value: '', children });
  }
  return rows;
}
