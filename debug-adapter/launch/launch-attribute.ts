/**
 * Building blocks of the launch configuration's one description (launch-configuration.ts): each attribute
 * is a value that can read itself from JSON, with errors that name it, and can say what it accepts as a
 * JSON schema, so that type, validation, defaults and the editor's completion can not drift apart.
 *
 * Reading never throws: problems are collected, each one a numbered error of errors.ts.
 */
import { nearestName } from '../../emulator/nearest-name.ts';
import type { AdapterError } from '../errors.ts';
import { failure } from '../errors.ts';

/** The part of JSON schema (draft 7, with the editor's extensions) that the attributes need. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly markdownDescription?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly enumDescriptions?: readonly string[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly patternErrorMessage?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
}

export type Problems = AdapterError[];

export interface Attribute<T> {
  readonly required: boolean;
  /** Remedy in the message when a required attribute is missing. */
  readonly remedy: string;
  /** Value of an attribute that is absent. */
  readonly fallback: T;
  /** Reads a present value; on a problem adds to `problems` and gives the fallback. */
  read(value: unknown, name: string, problems: Problems): T;
  /** null: not offered by the editor. */
  schema(): JsonSchema | null;
}

/** TypeScript type that an attribute reads. */
export type ValueOf<A> = A extends Attribute<infer T> ? T : never;

interface Common<T> {
  readonly description: string;
  readonly default: T;
}

const OPTIONAL = { required: false, remedy: '' } as const;

/** A value as an error shows it: short, and strings in quotes. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

function wrongType(name: string, value: unknown, expected: string): AdapterError {
  return failure('attributeType', { attribute: name, actual: shown(value), expected });
}
/** A problem: the value of an attribute is none that it may have. */
export function wrongValue(name: string, value: unknown, expected: string): AdapterError {
  return failure('attributeValue', { attribute: name, actual: shown(value), expected });
}

/** The attribute made required: its absence is an error with this remedy. */
export function required<T>(attribute: Attribute<T | undefined>, remedy: string): Attribute<T> {
  // The fallback is only seen when there is a problem, and then nobody sees the configuration.
  return { ...(attribute as Attribute<T>), required: true, remedy };
}

export function text<T extends string | undefined>(options: Common<T>): Attribute<string | T> {
  const { description } = options;
  return {
    ...OPTIONAL,
    fallback: options.default,
    read(value, name, problems) {
      if (typeof value === 'string') return value;
      problems.push(wrongType(name, value, 'a string'));
      return options.default;
    },
    schema: () => ({
      type: 'string',
      markdownDescription: description,
      ...(options.default !== undefined && { default: options.default }),
    }),
  };
}

/** Name of a file; must not be empty. */
export function path(options: { readonly description: string }): Attribute<string | undefined> {
  const base = text({ ...options, default: undefined });
  return {
    ...base,
    read(value, name, problems) {
      if (value !== '') return base.read(value, name, problems);
      problems.push(wrongValue(name, value, 'the name of a file'));
      return undefined;
    },
  };
}

export interface FileWithArguments {
  readonly file: string;
  readonly commandLine: string;
}

/** `object`, or the same in one string: the name up to the first blank, then the arguments. */
export function fileWithArguments(
  object: Attribute<FileWithArguments>,
): Attribute<FileWithArguments> {
  return {
    ...object,
    read(value, name, problems) {
      if (typeof value !== 'string') {
        if (typeof value === 'object' && value !== null) return object.read(value, name, problems);
        problems.push(
          wrongType(name, value, 'the name of a file, or an object with "file" and "commandLine"'),
        );
        return object.fallback;
      }
      const [, file = '', commandLine = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(value) ?? [];
      if (file === '') problems.push(wrongValue(name, value, 'the name of a file'));
      return { file, commandLine };
    },
    schema: () => {
      const schema = object.schema() ?? {};
      return { anyOf: [{ type: 'string' }, schema] };
    },
  };
}

export function flag(options: Common<boolean>): Attribute<boolean> {
  return {
    ...OPTIONAL,
    fallback: options.default,
    read(value, name, problems) {
      if (typeof value === 'boolean') return value;
      problems.push(wrongType(name, value, 'true or false'));
      return options.default;
    },
    schema: () => ({
      type: 'boolean',
      markdownDescription: options.description,
      default: options.default,
    }),
  };
}

/** A text for which the editor offers names; others are for the machine to refuse. */
export function nameOf(options: {
  readonly description: string;
  readonly names: { readonly [name: string]: string };
}): Attribute<string | undefined> {
  const { description, names } = options;
  return {
    ...text({ description, default: undefined }),
    schema: () => ({
      type: 'string',
      enum: Object.keys(names),
      enumDescriptions: Object.values(names),
      markdownDescription: description,
    }),
  };
}

/** `object`, or a string that stands for the object with that member alone. */
export function orMember<M extends Members>(
  object: Attribute<GroupValue<M>> & { readonly members: M },
  member: string & keyof M,
): Attribute<GroupValue<M>> {
  return {
    ...object,
    read(value, name, problems) {
      const given = typeof value === 'string' ? { [member]: value } : value;
      return object.read(given, name, problems);
    },
    schema: () => {
      const alone = object.members[member]?.schema() ?? {};
      return { anyOf: [alone, object.schema() ?? {}] };
    },
  };
}

const SIZE = /^\s*(\d+)\s*(?:([KMG])(?:i?B)?)?\s*$/i;
const UNIT: { readonly [letter: string]: number } = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Bytes of "128M", "64 KiB", "4096" or 4096; null when it is no size. */
export function parseSize(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : null;
  if (typeof value !== 'string') return null;
  const match = SIZE.exec(value);
  if (match === null) return null;
  const bytes = Number(match[1]) * (UNIT[match[2]?.toUpperCase() ?? ''] ?? 1);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

interface SizeOptions {
  readonly description: string;
  /** As it is written, "128M". */
  readonly default: string;
  readonly minimum: string;
  readonly maximum: string;
  /** In bytes. */
  readonly multiple: number;
}

/** A number of bytes, written as a number or with a unit. */
export function size(options: SizeOptions): Attribute<number> {
  const minimum = parseSize(options.minimum) ?? 0;
  const maximum = parseSize(options.maximum) ?? 0;
  const fallback = parseSize(options.default) ?? 0;
  const expected =
    `a size from ${options.minimum} to ${options.maximum} in steps of ` +
    `${options.multiple / 1024}K, such as "${options.default}"`;
  return {
    ...OPTIONAL,
    fallback,
    read(value, name, problems) {
      const bytes = parseSize(value);
      if (bytes === null) problems.push(wrongType(name, value, expected));
      else if (bytes < minimum || bytes > maximum || bytes % options.multiple !== 0)
        problems.push(wrongValue(name, value, expected));
      else return bytes;
      return fallback;
    },
    schema: () => ({
      anyOf: [
        {
          type: 'string',
          pattern: '^\\s*\\d+\\s*([KkMmGg](i?[Bb])?)?\\s*$',
          patternErrorMessage: `A size such as "${options.default}".`,
        },
        { type: 'integer', minimum, maximum },
      ],
      markdownDescription: options.description,
      default: options.default,
    }),
  };
}

const ADDRESS = /^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i;

/** A 32-bit address: a number, "0x100000" or the word given as default. */
export function address<const Word extends string>(
  options: Common<Word>,
): Attribute<number | Word> {
  const expected = `"${options.default}" or an address such as "0x1000000"`;
  return {
    ...OPTIONAL,
    fallback: options.default,
    read(value, name, problems) {
      if (value === options.default) return options.default;
      const number = typeof value === 'string' && ADDRESS.test(value) ? Number(value) : value;
      if (typeof number === 'number' && Number.isInteger(number)) {
        if (number >= 0 && number <= 0xffffffff) return number;
        problems.push(wrongValue(name, value, 'an address below 4 GiB'));
      } else problems.push(wrongType(name, value, expected));
      return options.default;
    },
    schema: () => ({
      anyOf: [
        { type: 'string', pattern: `^(${options.default}|0[xX][0-9a-fA-F]+|\\d+)$` },
        { type: 'integer', minimum: 0, maximum: 0xffffffff },
      ],
      markdownDescription: options.description,
      default: options.default,
    }),
  };
}

interface ChoiceOptions<Name extends string> {
  readonly description: string;
  readonly default: NoInfer<Name>;
  /** What each name means. */
  readonly values: Readonly<Record<Name, string>>;
  /** Names that are known but not built: the remedy, as the end of a sentence. */
  readonly unavailable?: { readonly [name: string]: string };
}

/** One of several names; unknown ones are refused with the nearest. */
export function choice<const Name extends string>(options: ChoiceOptions<Name>): Attribute<Name> {
  const names = Object.keys(options.values) as Name[];
  const base = optionalChoice(options);
  return {
    ...base,
    fallback: options.default,
    read(value, name, problems) {
      const read = base.read(value, name, problems);
      return names.find((candidate) => candidate === read) ?? options.default;
    },
    schema: () => ({ ...base.schema(), default: options.default }),
  };
}

/** The same without a default, and with names that only the emulator knows. */
export function optionalChoice(options: {
  readonly description: string;
  readonly values: { readonly [name: string]: string };
  readonly unavailable?: { readonly [name: string]: string };
  /** Other names of values, which are read as those. */
  readonly synonyms?: ReadonlyMap<string, string>;
}): Attribute<string | undefined> {
  const names = Object.keys(options.values);
  return {
    ...OPTIONAL,
    fallback: undefined,
    read(given, name, problems) {
      const synonym = typeof given === 'string' ? options.synonyms?.get(given) : undefined;
      const value = synonym ?? given;
      if (typeof value === 'string' && names.includes(value)) return value;
      const remedy = typeof value === 'string' ? options.unavailable?.[value] : undefined;
      const expected = `one of ${names.map((known) => `"${known}"`).join(', ')}`;
      if (remedy !== undefined)
        problems.push(
          failure('attributeUnavailable', { attribute: name, value: `${shown(given)} `, remedy }),
        );
      else if (typeof value !== 'string') problems.push(wrongType(name, value, expected));
      else problems.push(wrongValue(name, value, `${expected}${suggestion(value, names)}`));
      return undefined;
    },
    schema: () => ({
      type: 'string',
      enum: names,
      enumDescriptions: Object.values(options.values),
      markdownDescription: options.description,
    }),
  };
}

/** Something that has a name and a number. */
export function nameOrNumber(options: {
  readonly description: string;
}): Attribute<string | number | undefined> {
  return {
    ...OPTIONAL,
    fallback: undefined,
    read(value, name, problems) {
      if (typeof value === 'string' || Number.isSafeInteger(value)) return value as string | number;
      problems.push(wrongType(name, value, 'a name or a number'));
      return undefined;
    },
    schema: () => ({ type: ['string', 'integer'], markdownDescription: options.description }),
  };
}

/** How many of something, within bounds. */
export function count(
  options: Common<number> & { readonly minimum: number; readonly maximum: number },
): Attribute<number> {
  const { minimum, maximum } = options;
  const expected = `a whole number from ${minimum} to ${maximum}`;
  return {
    ...OPTIONAL,
    fallback: options.default,
    read(value, name, problems) {
      if (typeof value !== 'number') problems.push(wrongType(name, value, expected));
      else if (!Number.isInteger(value) || value < minimum || value > maximum)
        problems.push(wrongValue(name, value, expected));
      else return value;
      return options.default;
    },
    schema: () => ({
      type: 'integer',
      minimum,
      maximum,
      markdownDescription: options.description,
      default: options.default,
    }),
  };
}

/** A binding name whose feature is not built: refused, with the remedy as the end of a sentence. */
export function unavailable(remedy = 'remove it'): Attribute<undefined> {
  return {
    ...OPTIONAL,
    fallback: undefined,
    read(_value, name, problems) {
      problems.push(failure('attributeUnavailable', { attribute: name, value: '', remedy }));
      return undefined;
    },
    schema: () => null,
  };
}

export function list<T>(
  items: Attribute<T>,
  options: { readonly description: string },
): Attribute<readonly T[]> {
  return {
    ...OPTIONAL,
    fallback: [],
    read(value, name, problems) {
      if (Array.isArray(value))
        return value.map((item: unknown, index) => items.read(item, `${name}[${index}]`, problems));
      problems.push(wrongType(name, value, 'a list'));
      return [];
    },
    schema: () => ({
      type: 'array',
      items: items.schema() ?? {},
      markdownDescription: options.description,
      default: [],
    }),
  };
}

/** An object whose keys the user chooses; with `keys`, they must be among them. */
export function dictionary<T>(
  values: Attribute<T>,
  options: { readonly description: string; readonly keys?: { readonly [name: string]: string } },
): Attribute<{ readonly [name: string]: T }> {
  const { keys } = options;
  return {
    ...OPTIONAL,
    fallback: {},
    read(value, name, problems) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        problems.push(wrongType(name, value, 'an object'));
        return {};
      }
      const known = keys === undefined ? null : Object.keys(keys);
      const result: [string, T][] = [];
      for (const [key, item] of Object.entries(value)) {
        if (known === null || known.includes(key))
          result.push([key, values.read(item, `${name}.${key}`, problems)]);
        else {
          const hint = suggestion(key, known);
          problems.push(failure('attributeUnknown', { attribute: `${name}.${key}`, hint }));
        }
      }
      return Object.fromEntries(result);
    },
    schema() {
      const item = values.schema() ?? {};
      const base = { type: 'object', markdownDescription: options.description, default: {} };
      if (keys === undefined) return { ...base, additionalProperties: item };
      const properties = Object.entries(keys).map(([key, description]): [string, JsonSchema] => [
        key,
        { ...item, markdownDescription: description },
      ]);
      return { ...base, properties: Object.fromEntries(properties), additionalProperties: false };
    },
  };
}

export type Members = { readonly [name: string]: Attribute<unknown> };
export type GroupValue<M extends Members> = { readonly [Name in keyof M]: ValueOf<M[Name]> };

export interface GroupOptions {
  readonly description: string;
  readonly ignored?: (name: string) => boolean;
  /** Exactly one of these members must be there; the remedy is for when none is. */
  readonly oneOf?: { readonly names: readonly [string, string]; readonly remedy: string };
}

/** An object with known members; others are refused with the nearest name. */
export function group<M extends Members>(
  members: M,
  options: GroupOptions,
): Attribute<GroupValue<M>> & { readonly members: M } {
  const names = Object.keys(members);
  const assemble = (values: readonly (readonly [string, unknown])[]): GroupValue<M> =>
    Object.fromEntries(values) as GroupValue<M>;
  const prefixed = (prefix: string, name: string): string =>
    prefix === '' ? name : `${prefix}.${name}`;
  return {
    members,
    required: options.oneOf !== undefined || names.some((name) => members[name]?.required === true),
    remedy:
      options.oneOf?.remedy ??
      names.map((name) => members[name]?.remedy ?? '').find((remedy) => remedy !== '') ??
      '',
    fallback: assemble(names.map((name) => [name, members[name]?.fallback])),
    read(value, prefix, problems) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        problems.push(wrongType(prefix, value, 'an object'));
        return this.fallback;
      }
      const given: { readonly [name: string]: unknown } = { ...value };
      for (const name of Object.keys(given)) {
        if (names.includes(name) || options.ignored?.(name) === true) continue;
        const inside = memberOf(members, name);
        const hint = inside === null ? suggestion(name, names) : ` (did you mean "${inside}"?)`;
        problems.push(failure('attributeUnknown', { attribute: prefixed(prefix, name), hint }));
      }
      if (options.oneOf !== undefined) checkOneOf(options.oneOf, given, prefix, problems);
      return assemble(
        names.map((name) => {
          const member = members[name];
          const attribute = prefixed(prefix, name);
          if (member === undefined) return [name, undefined];
          if (given[name] !== undefined)
            return [name, member.read(given[name], attribute, problems)];
          if (member.required) {
            const remedy = member.remedy === '' ? 'add it' : member.remedy;
            problems.push(failure('attributeMissing', { attribute, remedy }));
          }
          return [name, member.fallback];
        }),
      );
    },
    schema() {
      const properties: [string, JsonSchema][] = [];
      for (const name of names) {
        const schema = members[name]?.schema() ?? null;
        if (schema !== null) properties.push([name, schema]);
      }
      const mandatory = names.filter((name) => members[name]?.required === true);
      return {
        type: 'object',
        markdownDescription: options.description,
        properties: Object.fromEntries(properties),
        ...(mandatory.length > 0 && { required: mandatory }),
        ...(options.oneOf && { anyOf: options.oneOf.names.map((name) => ({ required: [name] })) }),
        additionalProperties: false,
      };
    },
  };
}

function checkOneOf(
  { names: [first, second], remedy }: NonNullable<GroupOptions['oneOf']>,
  given: { readonly [name: string]: unknown },
  prefix: string,
  problems: Problems,
): void {
  const has = (name: string): boolean => given[name] !== undefined;
  if (!has(first) && !has(second)) {
    problems.push(failure('attributeMissing', { attribute: `${prefix}.${first}`, remedy }));
  } else if (has(first) && has(second)) {
    problems.push(
      wrongValue(
        `${prefix}.${second}`,
        given[second],
        `removed, or "${prefix}.${first}" instead: only one of them is booted`,
      ),
    );
  }
}

/** "guest.kernel" for "kernel": the group among `members` that has a member of this name. */
function memberOf(members: Members, name: string): string | null {
  for (const [outer, member] of Object.entries(members))
    if ('members' in member && Object.hasOwn(member.members as Members, name))
      return `${outer}.${name}`;
  return null;
}

/** ` (did you mean "kernel"?)` when a known name is near, else "". */
function suggestion(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  return near === null ? '' : ` (did you mean "${near}"?)`;
}
