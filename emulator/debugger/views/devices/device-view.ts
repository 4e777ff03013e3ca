/**
 * What a view of a chip is: its registers by the names of its data sheet, read out of the chip's saved
 * state, so that looking changes nothing (a port read often would). A write goes the way a guest's would,
 * through the chip's ports or its window, and so has the same effect.
 */
import type { JsonValue } from '../../../devices/device.ts';
import { bitNames, type Bits, type Detail, hex } from '../detail.ts';

/** The saved state of a chip. Throws where a name is not in it: the view and the chip have come apart. */
export class SavedState {
  readonly #value: { readonly [name: string]: JsonValue };

  constructor(value: JsonValue | undefined) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error('the saved state of a chip is no object');
    }
    this.#value = value as { readonly [name: string]: JsonValue };
  }

  /** Flags as 1 and 0. */
  number(name: string): number {
    return asNumber(name, this.#value[name]);
  }
  numbers(name: string): readonly number[] {
    return this.#list(name).map((item) => asNumber(name, item));
  }
  part(name: string): SavedState {
    return new SavedState(this.#value[name]);
  }
  parts(name: string): readonly SavedState[] {
    return this.#list(name).map((item) => new SavedState(item));
  }
  names(): readonly string[] {
    return Object.keys(this.#value).filter((name) => name !== 'version');
  }

  #list(name: string): readonly JsonValue[] {
    const value = this.#value[name];
    if (!Array.isArray(value)) throw new Error(`a chip has no list '${name}'`);
    return value as readonly JsonValue[];
  }
}

function asNumber(name: string, value: JsonValue | undefined): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  throw new Error(`a chip has no number '${name}'`);
}

/** A chip among the others. */
export interface ChipAccess {
  /** Number of the processor that is looked at. */
  readonly processor: number;
  readonly state: SavedState;
  /** Reads a register in a window whose reads have no effect. */
  readonly readMmio: (address: number) => number;
  readonly writeMmio: (address: number, value: number) => void;
  /** @param size bytes, 1 without it. */
  readonly writePort: (port: number, value: number, size?: 1 | 2 | 4) => void;
}

export interface DeviceRegister {
  readonly name: string;
  readonly value: number;
  readonly bits: 8 | 16 | 32;
  readonly fields?: readonly Bits[];
  /** What the value says, where the names of its bits do not. */
  readonly meaning?: string;
  readonly write?: (value: number) => void;
}
/** Registers that belong together: a counter, an entry of a table. */
export interface DeviceGroup {
  readonly name: string;
  /** In one line. */
  readonly summary: string;
  readonly rows: readonly DeviceRow[];
}
export type DeviceRow = DeviceRegister | DeviceGroup;
export type DeviceView = (chip: ChipAccess) => readonly DeviceRow[];

export function deviceDetails(rows: readonly DeviceRow[]): readonly Detail[] {
  return rows.map((row): Detail => {
    if ('rows' in row) {
      return { name: row.name, value: row.summary, children: deviceDetails(row.rows) };
    }
    const { name, value, bits, fields = [], meaning, write } = row;
    const said = meaning ?? bitNames(value, fields);
    const children = fields.map((field) => fieldDetail(row, field));
    return {
      name,
      value: hex(value, bits / 4) + (said === '' ? '' : `  ${said}`),
      ...(write !== undefined && { writable: true }),
      ...(children.length > 0 && { children }),
    };
  });
}

function fieldDetail({ value, write }: DeviceRegister, field: Bits): Detail {
  const { name, low, width = 1, meaning, values } = field;
  const part = (value >>> low) & mask(width);
  const number = width > 3 ? hex(part, 1) : String(part);
  return {
    name,
    value: `${number}  ${values?.[part] ?? meaning}`,
    ...(write !== undefined && { writable: true }),
  };
}

const mask = (width: number): number => 2 ** width - 1;

/**
 * Writes the register, or the bits of it, that the names lead to from the rows down. Throws RangeError
 * with a sentence for what is not there, is read-only or does not fit.
 */
export function writeRow(rows: readonly DeviceRow[], path: readonly string[], value: number): void {
  const [name = '', ...rest] = path;
  const row = rows.find((each) => each.name === name);
  if (row === undefined) throw new RangeError(`There is no register '${name}' here.`);
  if ('rows' in row) {
    writeRow(row.rows, rest, value);
    return;
  }
  const { write, fields = [], bits } = row;
  if (write === undefined) throw new RangeError(`${name} is read-only.`);
  const [part] = rest;
  if (part === undefined) {
    write(fitting(name, value, bits));
    return;
  }
  const field = fields.find((each) => each.name === part);
  if (field === undefined) throw new RangeError(`${name} has no '${part}'.`);
  const { low, width = 1 } = field;
  const kept = row.value & ~(mask(width) << low);
  write((kept | (fitting(part, value, width) << low)) >>> 0);
}

function fitting(name: string, value: number, bits: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= mask(bits)) return value;
  throw new RangeError(`${name} has ${String(bits)} bit${bits === 1 ? '' : 's'}; ${String(value)} does not fit.`); // prettier-ignore
}

/** Bits 0 upwards by name; null for one that has no meaning. */
export function namedBits(names: readonly (readonly [string, string] | null)[]): readonly Bits[] {
  return names.flatMap((entry, low) => {
    if (entry === null) return [];
    const [name, meaning] = entry;
    return [{ name, low, meaning }];
  });
}
