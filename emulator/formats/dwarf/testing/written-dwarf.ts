/** Debugging sections written by hand, for tests: numbers as bytes, tables of abbreviations, units. */
import { bytesSource } from '../../byte-source.ts';
import { dwarfSections, type DwarfSections } from '../sections.ts';

export type Bytes = readonly number[];

export const u8 = (value: number): Bytes => [value & 0xff];
export const u16 = (value: number): Bytes => [value & 0xff, (value >> 8) & 0xff];
export const u32 = (value: number): Bytes => [...u16(value), ...u16(value >>> 16)];
export const text = (value: string): Bytes => [...[...value].map((c) => c.charCodeAt(0)), 0];

export function uleb(value: number): Bytes {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 0x80) return [...bytes, left];
    bytes.push(0x80 | (left % 128));
  }
}

/** A row of a table of abbreviations; their codes count from 1. */
export interface Row {
  readonly tag: number;
  readonly children: boolean;
  /** Pairs of attribute and form; of DW_FORM_implicit_const its value follows. */
  readonly attributes: readonly (readonly number[])[];
}

export function abbreviations(rows: readonly Row[]): Bytes {
  const row = ({ tag, children, attributes }: Row, index: number): Bytes => [
    ...uleb(index + 1),
    ...uleb(tag),
    Number(children),
    ...attributes.flatMap((numbers) => numbers.flatMap(uleb)),
    0,
    0,
  ];
  return [...rows.flatMap(row), 0];
}

/** Bytes before the first entry of unit(). */
export const UNIT_HEADER = 12;

/** A compilation unit of DWARF 5 with addresses of 4 bytes and the table at 0. */
export function unit(entries: Bytes): Bytes {
  return [...u32(entries.length + UNIT_HEADER - 4), ...u16(5), 1, 4, ...u32(0), ...entries];
}

/** @param contents by the names of the sections */
export function written(contents: { readonly [name: string]: Bytes }): DwarfSections {
  return dwarfSections((name) => {
    const bytes = contents[name];
    return bytes === undefined ? null : bytesSource(Uint8Array.from(bytes));
  });
}
