/**
 * Forms of the values under hypervisor.exits in launch.json: switches, numbers, lists of vectors, ports
 * or MSRs, masks by the manual's bit names. Each kind reads a value as a person wrote it and says as a
 * JSON schema what it accepts, so that validation and the editor's completion come from the same place.
 */
import { EPT_RIGHT } from './extended-page-tables.ts';
import type { EptRange } from './extended-page-tables.ts';
import { VECTOR } from '../cpu/processor.ts';

/** A value as launch.json holds it; only as typed as its author. */
export type ExitSetting =
  | boolean
  | number
  | string
  | readonly (number | string)[]
  | { readonly [name: string]: number | string };

/** The part of JSON schema that the kinds need. */
export interface SettingSchema {
  readonly type?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly (string | boolean)[];
  readonly items?: SettingSchema;
  readonly properties?: { readonly [name: string]: SettingSchema };
  readonly additionalProperties?: boolean;
  readonly anyOf?: readonly SettingSchema[];
}

export interface SettingKind<T> {
  /** Ends the sentence "… must be". */
  readonly expected: string;
  readonly schema: SettingSchema;
  /** null: not of this kind. */
  read(value: unknown): T | null;
}

const HEX = '^(0[xX][0-9a-fA-F]+|\\d+)$';
const WORD = 0xffffffff;
const hex = (value: number): string => `0x${value.toString(16)}`;

const numberSchema = (maximum: number): SettingSchema => ({
  anyOf: [
    { type: 'integer', minimum: 0, maximum },
    { type: 'string', pattern: HEX },
  ],
});

function readNumber(value: unknown, maximum: number): number | null {
  const number = typeof value === 'string' && new RegExp(HEX).test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return null;
  return number >= 0 && number <= maximum ? number : null;
}

export const flag: SettingKind<boolean> = {
  expected: 'true or false',
  schema: { type: 'boolean' },
  read: (value) => (typeof value === 'boolean' ? value : null),
};

/** A whole number, in launch.json also as "0x…". */
export function number(maximum: number = WORD): SettingKind<number> {
  return {
    expected: `a whole number from 0 to ${hex(maximum)}`,
    schema: numberSchema(maximum),
    read: (value) => readNumber(value, maximum),
  };
}

/** A signed number that a double holds exactly. */
export const signedNumber: SettingKind<number> = {
  expected: 'a whole number, negative or not',
  schema: { type: 'integer' },
  read: (value) => (Number.isSafeInteger(value) ? (value as number) : null),
};

/** Reads a list, or null where one of its items is wrong. */
function readList<T>(
  value: unknown,
  most: number,
  read: (item: unknown) => T | null,
): readonly T[] | null {
  if (!Array.isArray(value) || value.length > most) return null;
  const items = value.map((item: unknown) => read(item));
  return items.includes(null) ? null : (items as readonly T[]);
}

export function numbers(most: number, maximum: number = WORD): SettingKind<readonly number[]> {
  return {
    expected: `a list of at most ${most} numbers`,
    schema: { type: 'array', items: numberSchema(maximum) },
    read: (value) => readList(value, most, (item) => readNumber(item, maximum)),
  };
}

/** All, none, or those of a list. */
export type Choice<T> = boolean | readonly T[];

function choice<T>(
  of: string,
  items: SettingSchema,
  read: (item: unknown) => T | null,
): SettingKind<Choice<T>> {
  return {
    expected: `true, false or a list of ${of}`,
    schema: { anyOf: [{ type: 'boolean' }, { type: 'array', items }] },
    read: (value) => (typeof value === 'boolean' ? value : readList(value, 1024, read)),
  };
}

/** "#UD", "UD" and 6 are the same. */
function readVector(item: unknown): number | null {
  if (typeof item === 'string') {
    const name = item.replace(/^#/, '').toUpperCase();
    const found = Object.entries(VECTOR).find(([known]) => known === name);
    if (found !== undefined) return found[1];
  }
  return readNumber(item, 31);
}
export const vectors = choice(
  'exceptions such as "#UD" or 6',
  { anyOf: [{ enum: Object.keys(VECTOR).map((name) => `#${name}`) }, numberSchema(31)] },
  readVector,
);

/** First and last, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** "0x3f8-0x3ff", "0x60" or a number. */
function readRange(item: unknown, maximum: number): Range | null {
  const parts = typeof item === 'string' ? item.split('-') : [item];
  const ends = parts.map((part) => readNumber(typeof part === 'string' ? part.trim() : part, maximum)); // prettier-ignore
  const [first = null, last = first] = ends;
  if (first === null || last === null || ends.length > 2 || last < first) return null;
  return { first, last };
}
const ranges = (of: string, maximum: number): SettingKind<Choice<Range>> =>
  choice(of, { anyOf: [{ type: 'integer', minimum: 0, maximum }, { type: 'string' }] }, (item) =>
    readRange(item, maximum),
  );
export const portRanges = ranges('ports such as "0x60" or "0x3f8-0x3ff"', 0xffff);
export const msrRanges = ranges('MSRs such as "0x174" or "0xc0000080-0xc0000084"', WORD);

const MEMORY_RIGHTS = /^(\S+)\s+([r-])([w-])([x-])(\s+keep)?$/;

/** "0x9000-0x9fff r-x keep". Writes without reads would be a misconfiguration (29.3.3.1). */
function readMemoryRights(item: unknown): EptRange | null {
  const parts = typeof item === 'string' ? MEMORY_RIGHTS.exec(item.trim()) : null;
  if (parts === null) return null;
  const [, text, read, write, execute, keep] = parts;
  const range = readRange(text, WORD);
  if (range === null || (write === 'w' && read !== 'r')) return null;
  const rights =
    (read === 'r' ? EPT_RIGHT.READ : 0) |
    (write === 'w' ? EPT_RIGHT.WRITE : 0) |
    (execute === 'x' ? EPT_RIGHT.EXECUTE : 0);
  return { ...range, rights, kept: keep !== undefined };
}
export const memoryRights: SettingKind<readonly EptRange[]> = {
  expected: 'a list of ranges with rights such as "0x9000-0x9fff r-x" or "0x9000 --- keep"',
  schema: { type: 'array', items: { type: 'string', pattern: MEMORY_RIGHTS.source } },
  read: (value) => readList(value, 1024, readMemoryRights),
};

/** A mask as a number or by the names of its bits. */
export function bitNames(names: { readonly [name: string]: number }): SettingKind<number> {
  const bit = (item: unknown): number | null =>
    typeof item === 'string' ? (names[item.toUpperCase()] ?? null) : null;
  return {
    expected: `a number or a list of bits such as "${Object.keys(names)[0] ?? ''}"`,
    schema: {
      anyOf: [numberSchema(WORD), { type: 'array', items: { enum: Object.keys(names) } }],
    },
    read(value) {
      if (!Array.isArray(value)) return readNumber(value, WORD);
      const bits = readList(value, 32, bit);
      return bits === null ? null : bits.reduce((mask, each) => mask | each, 0) >>> 0;
    },
  };
}

/** On or off, or on with numbers by name, all of which must be there. */
export function flagOrNumbers<Name extends string>(
  names: readonly Name[],
): SettingKind<boolean | { readonly [name in Name]: number }> {
  const properties = Object.fromEntries(names.map((name) => [name, numberSchema(WORD)]));
  return {
    expected: `true, false or { ${names.map((name) => `"${name}": …`).join(', ')} }`,
    schema: { anyOf: [{ type: 'boolean' }, { type: 'object', properties, additionalProperties: false }] }, // prettier-ignore
    read(value) {
      if (typeof value === 'boolean') return value;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
      const given = new Map(Object.entries(value).map(([name, item]) => [name, readNumber(item, WORD)])); // prettier-ignore
      if (given.size !== names.length) return null;
      if (names.some((name) => (given.get(name) ?? null) === null)) return null;
      return Object.fromEntries(given) as { readonly [name in Name]: number };
    },
  };
}
