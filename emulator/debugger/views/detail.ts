/**
 * What a view of the machine shows: a tree of named values, plain data. The adapter renders it as
 * variables and as text; addresses in it become places that can be opened.
 */
import type { Cpu } from '../../cpu/cpu.ts';
import type { AddressSpace } from '../../debug-port.ts';
import { linear } from '../../memory/address.ts';

export interface Detail {
  readonly name: string;
  readonly value: string;
  /** Where it lies in guest memory, or what it points to. */
  readonly place?: { readonly space: AddressSpace; readonly address: number };
  /** The value itself lies at `place` and has so many bytes: it can be watched. */
  readonly bytes?: number;
  /** Linear address of code or data that a symbol may name. */
  readonly symbolAt?: number;
  /** It takes a value: DebugPort.writeDevice. */
  readonly writable?: true;
  readonly children?: readonly Detail[];
}

/** A named bit or field of an entry. */
export interface Bits {
  readonly name: string;
  readonly low: number;
  readonly width?: number;
  readonly meaning: string;
  /** What the field says, by its value. */
  readonly values?: readonly string[];
}

export const hex = (value: number, digits = 8): string =>
  `0x${(value >>> 0).toString(16).padStart(digits, '0')}`;

/** One row for each field, whether set or not. */
export function bitRows(value: number, fields: readonly Bits[]): readonly Detail[] {
  return fields.map(({ name, low, width = 1, meaning, values }) => {
    const field = (value >>> low) & (2 ** width - 1);
    const said = values?.[field] ?? meaning;
    return { name, value: `${width > 3 ? hex(field, 1) : String(field)}  ${said}` };
  });
}

/** "P RW A": the single bits that are set. */
export function bitNames(value: number, fields: readonly Bits[]): string {
  return fields
    .filter(({ low, width = 1 }) => width === 1 && ((value >>> low) & 1) === 1)
    .map(({ name }) => name)
    .join(' ');
}

/** Little-endian words at a linear address, without a trace in the guest; null where unmapped. */
export function peekWords(cpu: Cpu, address: number, count: number): readonly number[] | null {
  const words: number[] = [];
  for (let word = 0; word < count; word++) {
    let value = 0;
    for (let byte = 3; byte >= 0; byte--) {
      const physical = cpu.memory.peek(linear(address + word * 4 + byte));
      const found = physical === null ? null : cpu.memory.readRam(physical, 1);
      if (found === null) return null;
      value = value * 256 + found[0];
    }
    words.push(value);
  }
  return words;
}
