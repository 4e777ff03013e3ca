/**
 * Registers by name, for expressions, for writing, and in the groups in which they are shown. The rows
 * are in register-rows.ts; here are the names of their parts and what is refused.
 */
import type { Cpu } from '../cpu/cpu.ts';
import { GuestFault } from '../cpu/processor.ts';
import type { RegisterGroup, RegisterValue } from '../debug-port.ts';
import { integerOf, type Value } from '../expressions/evaluator.ts';
import { vectorName } from '../hypervisor/exit-decoders.ts';
import { didYouMean } from '../nearest-name.ts';
import { msrNamed, msrNames, msrRegisters, readMsrWhole, writeMsrWhole } from './msr-access.ts';
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
  has: (name: string): boolean => ROWS.has(name) || msrNames.has(name),
  list: (): Iterable<string> => [...ROWS.keys(), ...msrNames.list()],
};

/** Null for a name that is no register, and for one that holds nothing. */
export function registerValue(cpu: Cpu, name: string): Value | null {
  const row = ROWS.get(name);
  if (row === undefined) return msrValue(cpu, name);
  if (!has(cpu, row)) return null;
  const text = row.text?.(cpu) ?? '';
  if (row.real === true) {
    const value = Number(text);
    return text === '' || Number.isNaN(value) ? null : { kind: 'real', value };
  }
  if (row.bits <= 32) return integerOf(row.read(cpu) >>> 0, row.bits);
  // an expression has integers of at most 64 bits
  return row.bits <= 64 ? integerOf(BigInt(text), row.bits) : null;
}
function msrValue(cpu: Cpu, name: string): Value | null {
  const index = msrNamed(cpu, name);
  const value = index === null ? null : readMsrWhole(cpu, index);
  return value === null ? null : integerOf(value, 64);
}
/** Whether the processor's model has the register. */
function has({ model }: Cpu, { feature }: Row): boolean {
  return feature === undefined || model.features.has(feature);
}

/** Throws RangeError with a sentence when there is no such register or it refuses the value. */
export function writeRegister(cpu: Cpu, name: string, value: number | bigint): void {
  const wanted = name.toLowerCase();
  const row = ROWS.get(wanted);
  const msr = row === undefined ? msrNamed(cpu, wanted) : null;
  if (msr !== null && (typeof value === 'bigint' || Number.isInteger(value))) {
    writeMsrWhole(cpu, msr, BigInt(value));
    return;
  }
  if (row === undefined) {
    throw new RangeError(`There is no register '${name}'.${didYouMean(wanted, [...ROWS.keys()])}`);
  }
  if (!has(cpu, row)) {
    throw new RangeError(
      `The processor model '${cpu.model.name}' has no ${row.name}; choose another one with machine.cpu.`,
    );
  }
  const write = writer(row);
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
      write(cpu, value);
    });
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    throw new RangeError(
      `The processor refuses 0x${BigInt.asUintN(row.bits, BigInt(value)).toString(16)} for ${row.name}: it would be ${vectorName(error.vector)}.`,
    );
  }
}

/** How a value goes into the row, whichever way it takes one. */
function writer({
  write,
  writeWide,
  bits,
  real,
}: Row): ((cpu: Cpu, value: number | bigint) => void) | undefined {
  // prettier-ignore
  if (writeWide !== undefined) {
    return (cpu, value) => {
      writeWide(cpu, BigInt.asUintN(bits, BigInt(value)));
    };
  }
  if (write === undefined) return undefined;
  return (cpu, value) => {
    write(cpu, real === true ? Number(value) : Number(value) >>> 0);
  };
}

/** Whether a register holds a value: an integer as unsigned or signed, a floating-point one any number. */
function fits({ bits, real }: Row, value: number | bigint): boolean {
  if (real === true) return true;
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  const least = bits === 1 ? 0n : -(1n << BigInt(bits - 1));
  return BigInt(value) >= least && BigInt(value) < 1n << BigInt(bits);
}

export function registerGroups(cpu: Cpu): readonly RegisterGroup[] {
  const groups = GROUPS.map(({ name, rows }) => ({
    name,
    registers: rows.filter((row) => has(cpu, row)).map((row) => shown(cpu, row)),
  })).filter(({ registers }) => registers.length > 0);
  return [...groups, { name: 'MSRs', registers: msrRegisters(cpu) }];
}

function shown(cpu: Cpu, row: Row): RegisterValue {
  const children = partsOf(row).map((part) => shown(cpu, part));
  return {
    name: row.name,
    value: row.read(cpu) >>> 0,
    bits: row.bits,
    writable: writer(row) !== undefined,
    ...(row.text && { text: row.text(cpu) }),
    ...(row.real && { real: row.real }),
    ...(row.addressOf && { addressOf: row.addressOf }),
    ...(children.length > 0 && { children }),
  };
}
