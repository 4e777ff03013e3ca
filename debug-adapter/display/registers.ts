/**
 * The registers as the Variables view shows them: one scope with the machine's groups inside, before them
 * a group of what has changed since the last stop. Hexadecimal unless the client asks otherwise; every
 * address carries a memory reference and the nearest symbol.
 */
import type { RegisterGroup, RegisterValue } from '../../emulator/debug-port.ts';
import { formatAddress, formatReference } from './memory-reference.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';
import type { Container, Row, ValueFormat } from './variables.ts';

/** What the rows need of the session. */
export interface RegisterAccess {
  registers(): Promise<readonly RegisterGroup[]>;
  /** Writes by the machine's name, "eax" or "eflags.cf". */
  write(name: string, value: number | bigint): Promise<void>;
  readonly symbols: SymbolTable;
  /** Registers at the stop before, by path; null when there was none. */
  readonly before: RegisterSnapshot | null;
}

/** Shown values of registers (without their parts) by name. */
export type RegisterSnapshot = ReadonlyMap<string, string>;

/** Bytes after a symbol that a register's value is still told by it: most values are no addresses. */
const NEAR = 0x1000;

/** Bits of the widest register that an expression has a value of: the x87's. */
const WIDEST_VALUE = 80;

const HEX: ValueFormat = { hex: true };

export function snapshotOf(groups: readonly RegisterGroup[]): RegisterSnapshot {
  const values = groups.flatMap(({ registers }) =>
    registers.map((register): [string, string] => [register.name, formatRegister(register, HEX)]),
  );
  return new Map(values);
}

/** The scope: a row for each group, which is read when it is opened and so never stale. */
export function registersContainer(access: RegisterAccess): Container {
  return {
    async rows() {
      const groups = await access.registers();
      const rows = groups.map(({ name, registers }) => ({
        name,
        value: '',
        children: { ...groupOf(access, name), named: registers.length },
      }));
      if (changedRegisters(access, groups).length === 0) return rows;
      return [{ name: 'Changed', value: '', children: changedGroup(access) }, ...rows];
    },
  };
}

function groupOf(access: RegisterAccess, name: string): Container {
  return {
    async rows(format) {
      const groups = await access.registers();
      const registers = groups.find((candidate) => candidate.name === name)?.registers ?? [];
      return registers.map((register) => registerRow(access, groups, register, format));
    },
  };
}

/** Registers that differ from the stop before, with what they were. */
function changedGroup(access: RegisterAccess): Container {
  return {
    async rows(format) {
      const groups = await access.registers();
      return changedRegisters(access, groups).map(({ register, was }) => ({
        ...registerRow(access, groups, register, format),
        type: `was ${was}`,
      }));
    },
  };
}

/** Flags, fields of a segment: the parts of the register of that name. */
function partsOf(access: RegisterAccess, name: string): Container {
  return {
    async rows(format) {
      const groups = await access.registers();
      const parts = findRegister(groups, name)?.children ?? [];
      return parts.map((part) => ({
        ...registerRow(access, groups, part, format),
        // Their own names are whole: "eflags.cf".
        name: part.name.slice(part.name.lastIndexOf('.') + 1),
      }));
    },
  };
}

/** A register by its name, in any case; null when there is none. */
export function findRegister(groups: readonly RegisterGroup[], name: string): RegisterValue | null {
  const wanted = name.toLowerCase();
  const among = (registers: readonly RegisterValue[]): RegisterValue | null => {
    for (const register of registers) {
      if (register.name.toLowerCase() === wanted) return register;
      const part = among(register.children ?? []);
      if (part !== null) return part;
    }
    return null;
  };
  return among(groups.flatMap(({ registers }) => registers));
}

/** Linear address that a register points to, with the base of the segment that it is an offset in. */
export function pointedTo(
  groups: readonly RegisterGroup[],
  { name, value, addressOf }: RegisterValue,
): number | null {
  const segment = SEGMENT_OF[name.toLowerCase()];
  if (segment === undefined) return addressOf === 'linear' ? value : null;
  const base = findRegister(groups, `${segment}.base`)?.value ?? 0;
  return (base + value) >>> 0;
}

const SEGMENT_OF: { readonly [register: string]: string } = { eip: 'cs', esp: 'ss', ebp: 'ss' };

export function registerRow(
  access: RegisterAccess,
  groups: readonly RegisterGroup[],
  register: RegisterValue,
  format: ValueFormat,
): Row {
  const { name, children = [], bits, value, addressOf } = register;
  const pointed = pointedTo(groups, register);
  const near = pointed !== null && (access.symbols.near(pointed)?.offset ?? NEAR) < NEAR;
  const symbol = near ? ` <${access.symbols.describe(pointed) ?? ''}>` : '';
  const reference =
    addressOf === 'physical'
      ? formatReference({ space: 'physical', address: value })
      : pointed === null
        ? null
        : formatAddress(pointed);
  return {
    name,
    value: formatRegister(register, format) + symbol,
    type: bits === 1 ? '1 bit' : `${bits} bits`,
    ...(bits <= WIDEST_VALUE && { evaluateName: name }),
    ...(reference !== null && { memoryReference: reference }),
    ...(children.length > 0 && { children: partsOf(access, name) }),
    ...(register.writable && { write: (next: number | bigint) => access.write(name, next) }),
  };
}

/** "0x00000011 PE ET", "1", "17"; registers wider than 53 bits as the machine writes them. */
export function formatRegister(
  { value, bits, text, real }: RegisterValue,
  { hex }: ValueFormat,
): string {
  if (real === true) return text ?? '';
  if (!hex && bits <= 64 && text !== undefined && /^0x[0-9a-f]+$/.test(text))
    return String(BigInt(text));
  if (text !== undefined && (bits > 32 || text.startsWith('0x'))) return text;
  if (bits === 1) return String(value);
  const number = hex
    ? `0x${value.toString(16).padStart(Math.ceil(Math.min(bits, 64) / 4), '0')}`
    : String(value);
  return text === undefined || text === '' ? number : `${number} ${text}`;
}

function changedRegisters(
  { before }: RegisterAccess,
  groups: readonly RegisterGroup[],
): readonly { readonly register: RegisterValue; readonly was: string }[] {
  if (before === null) return [];
  return groups.flatMap(({ registers }) =>
    registers.flatMap((register) => {
      const was = before.get(register.name);
      return was === undefined || was === formatRegister(register, HEX) ? [] : [{ register, was }];
    }),
  );
}

/**
 * The number in a value as the view shows it: the editor's input box begins with "0x80000011 PE PG" or
 * "0x00100000 <start>", of which only the first word is meant.
 */
export function withoutAnnotation(text: string): string {
  const [, number, rest = ''] = /^\s*(0x[0-9a-f]+|\d+)\s+([<A-Z].*)$/s.exec(text) ?? [];
  return number !== undefined && !/[-+*/%&|^()=]/.test(rest.replace(/<[^>]*>/g, ''))
    ? number
    : text;
}
