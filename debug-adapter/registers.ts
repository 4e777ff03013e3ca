/**
 * The registers as the Variables view shows them: one scope with the machine's groups inside, before them
 * a group of what has changed since the last stop. Hexadecimal unless the client asks otherwise; every
 * address carries a memory reference and the nearest symbol.
 */
import type { RegisterGroup, RegisterValue } from '../emulator/debug-port.ts';
import { formatReference } from './memory-reference.ts';
import type { SymbolTable } from './symbols/symbol-table.ts';
import type { Container, Row, ValueFormat } from './variables.ts';

/** What the rows need of the session. */
export interface RegisterAccess {
  registers(): Promise<readonly RegisterGroup[]>;
  /** Writes by the machine's name, "eax" or "eflags.cf". */
  write(name: string, value: number): Promise<void>;
  readonly symbols: SymbolTable;
  /** Registers at the stop before, by path; null when there was none. */
  readonly before: RegisterSnapshot | null;
}

/** Shown values of registers (without their parts) by name. */
export type RegisterSnapshot = ReadonlyMap<string, string>;

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
      const rows = groups.map(({ name }) => ({ name, value: '', children: groupOf(access, name) }));
      if (changedRegisters(access, groups).length === 0) return rows;
      return [{ name: 'Changed', value: '', children: changedGroup(access) }, ...rows];
    },
  };
}

function groupOf(access: RegisterAccess, name: string): Container {
  return {
    async rows(format) {
      const groups = await access.registers();
      const group = groups.find((candidate) => candidate.name === name);
      return (group?.registers ?? []).map((register) => registerRow(access, register, format));
    },
  };
}

/** Registers that differ from the stop before, with what they were. */
function changedGroup(access: RegisterAccess): Container {
  return {
    async rows(format) {
      return changedRegisters(access, await access.registers()).map(({ register, was }) => ({
        ...registerRow(access, register, format),
        type: `was ${was}`,
      }));
    },
  };
}

/** Flags, fields of a segment: the parts of a register, by its path "eflags". */
function partsOf(access: RegisterAccess, path: readonly string[]): Container {
  return {
    async rows(format) {
      const [name = '', ...inner] = path;
      let register = findRegister(await access.registers(), name);
      for (const part of inner)
        register = register?.children?.find((child) => child.name === part) ?? null;
      return (register?.children ?? []).map((child) => registerRow(access, child, format, path));
    },
  };
}

/** The row of one register by its name, in any case; null when there is none. */
export function findRegister(groups: readonly RegisterGroup[], name: string): RegisterValue | null {
  const wanted = name.toLowerCase();
  for (const { registers } of groups)
    for (const register of registers) if (register.name.toLowerCase() === wanted) return register;
  return null;
}

/** @param parents names of the registers that this one is a part of. */
export function registerRow(
  access: RegisterAccess,
  register: RegisterValue,
  format: ValueFormat,
  parents: readonly string[] = [],
): Row {
  const path = [...parents, register.name];
  const { addressOf, children = [], bits, value } = register;
  const symbol = addressOf === 'linear' ? access.symbols.describe(value) : null;
  const name = path.join('.').toLowerCase();
  return {
    name: register.name,
    value: formatRegister(register, format) + (symbol === null ? '' : ` <${symbol}>`),
    type: bits === 1 ? '1 bit' : `${bits} bits`,
    ...(parents.length === 0 && { evaluateName: name }),
    ...(addressOf !== undefined && {
      memoryReference: formatReference({ space: addressOf, address: value }),
    }),
    ...(children.length > 0 && { children: partsOf(access, path) }),
    ...(register.writable && { write: (next: number) => access.write(name, next) }),
  };
}

/** "0x00000011 PE ET", "1", "17"; registers wider than 53 bits as the machine writes them. */
export function formatRegister({ value, bits, text }: RegisterValue, { hex }: ValueFormat): string {
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
