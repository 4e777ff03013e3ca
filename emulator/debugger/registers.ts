/**
 * Registers by name, for expressions, for writing, and in the groups in which they are shown. The rows
 * are in register-rows.ts; here are the names of their parts and what is refused.
 */
import type { Cpu } from '../cpu/cpu.ts';
import { msrIndexes, msrName, readMsr } from '../cpu/msrs.ts';
import { GuestFault } from '../cpu/processor.ts';
import type { RegisterGroup, RegisterValue } from '../debug-port.ts';
import { integerOf, type Value } from '../expressions/evaluator.ts';
import { vectorName } from '../hypervisor/exit-decoders.ts';
import { didYouMean } from '../nearest-name.ts';
import {
  EFLAGS,
  EFLAGS_FIELDS,
  fieldRow,
  GROUPS,
  NARROW,
  partsOf,
  type Row,
} from './register-rows.ts';

/** Every row by name: "eax", "al", "eflags.cf", "ss.base"; the flags by "cf" too. */
function namedRows(): ReadonlyMap<string, Row> {
  const whole = [...GROUPS.flatMap((group) => group.rows), ...NARROW];
  const parts = whole.flatMap(partsOf);
  const flags = EFLAGS_FIELDS.map((field) => ({ ...fieldRow(EFLAGS, field), name: field.name }));
  return new Map([...flags, ...whole, ...parts].map((row) => [row.name, row]));
}

const ROWS = namedRows();

/** Names that an expression may use. */
export const registerNames = {
  has: (name: string): boolean => ROWS.has(name),
  list: (): Iterable<string> => ROWS.keys(),
};

/** Null for a name that is no register, and for one that holds nothing. */
export function registerValue(cpu: Cpu, name: string): Value | null {
  const row = ROWS.get(name);
  if (row === undefined) return null;
  if (row.bits <= 32) return integerOf(row.read(cpu) >>> 0, row.bits);
  const value = Number(row.text?.(cpu) ?? NaN);
  return Number.isNaN(value) ? null : { kind: 'real', value };
}

/** Throws RangeError with a sentence when there is no such register or it refuses the value. */
export function writeRegister(cpu: Cpu, name: string, value: number): void {
  const wanted = name.toLowerCase();
  const row = ROWS.get(wanted);
  if (row === undefined) {
    throw new RangeError(`There is no register '${name}'.${didYouMean(wanted, [...ROWS.keys()])}`);
  }
  const { write } = row;
  if (write === undefined) {
    const remedy = row.remedy === undefined ? '' : `: ${row.remedy}`;
    throw new RangeError(`${row.name} cannot be written${remedy}.`);
  }
  if (!fits(row, value)) {
    const bits = row.bits === 1 ? '1 bit' : `${String(row.bits)} bits`;
    throw new RangeError(`${row.name} has ${bits}; ${String(value)} does not fit.`);
  }
  try {
    cpu.suppressed(() => {
      write(cpu, row.bits > 32 ? value : value >>> 0);
    });
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    throw new RangeError(
      `The processor refuses 0x${(value >>> 0).toString(16)} for ${row.name}: it would be ${vectorName(error.vector)}.`,
    );
  }
}

/** Whether a register holds a value: an integer as unsigned or signed, the x87 unit's any number. */
function fits({ bits }: Row, value: number): boolean {
  if (bits > 32) return true;
  const least = bits === 1 ? 0 : -(2 ** (bits - 1));
  return Number.isInteger(value) && value >= least && value < 2 ** bits;
}

export function registerGroups(cpu: Cpu): readonly RegisterGroup[] {
  const groups = GROUPS.map(({ name, rows }) => ({
    name,
    registers: rows.map((row) => shown(cpu, row)),
  }));
  return [...groups, { name: 'MSRs', registers: msrs(cpu) }];
}

function shown(cpu: Cpu, row: Row): RegisterValue {
  const children = partsOf(row).map((part) => shown(cpu, part));
  return {
    name: row.name,
    value: row.read(cpu) >>> 0,
    bits: row.bits,
    writable: row.write !== undefined,
    ...(row.text && { text: row.text(cpu) }),
    ...(row.addressOf && { addressOf: row.addressOf }),
    ...(children.length > 0 && { children }),
  };
}
function msrs(cpu: Cpu): RegisterValue[] {
  return msrIndexes(cpu).flatMap((index) => {
    const value = readMsr(cpu, index);
    if (value === null) return [];
    const digits = (part: number): string => (part >>> 0).toString(16).padStart(8, '0');
    return [
      {
        name: msrName(index) ?? `msr_${index.toString(16)}`,
        value: value.low >>> 0,
        bits: 64,
        text: `0x${digits(value.high)}${digits(value.low)}`,
        writable: false,
      },
    ];
  });
}
