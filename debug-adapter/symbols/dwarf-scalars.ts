/** Types of single values (DWARF 5, 5.1 and 5.7): base types by their encoding, and enumerations. */
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { AT, ENCODING, TAG } from '../../emulator/formats/dwarf/names.ts';
import type { BaseType, CType, EnumType } from './c-types.ts';

/** DW_ATE_* in the words of c-types.ts. */
const ENCODINGS: { readonly [encoding: number]: Pick<BaseType, 'encoding' | 'signed'> } = {
  [ENCODING.ADDRESS]: { encoding: 'unsigned', signed: false },
  [ENCODING.BOOLEAN]: { encoding: 'boolean', signed: false },
  [ENCODING.FLOAT]: { encoding: 'float', signed: true },
  [ENCODING.SIGNED]: { encoding: 'signed', signed: true },
  [ENCODING.SIGNED_CHAR]: { encoding: 'character', signed: true },
  [ENCODING.UNSIGNED]: { encoding: 'unsigned', signed: false },
  [ENCODING.UNSIGNED_CHAR]: { encoding: 'character', signed: false },
  [ENCODING.UTF]: { encoding: 'character', signed: false },
  [ENCODING.UCS]: { encoding: 'character', signed: false },
  [ENCODING.ASCII]: { encoding: 'character', signed: false },
};

export function baseType(entry: Entry): BaseType {
  const name = entry.text(AT.NAME) ?? '';
  const size = entry.number(AT.BYTE_SIZE) ?? Math.ceil((entry.number(AT.BIT_SIZE) ?? 0) / 8);
  const encoding = ENCODINGS[entry.number(AT.ENCODING) ?? 0] ?? { encoding: 'other', signed: false }; // prettier-ignore
  return { kind: 'base', name, size, ...encoding };
}

/**
 * @param parts entries below that of the enumeration
 * @param underlying its DW_AT_type; void where it has none
 */
export function enumType(entry: Entry, parts: readonly Entry[], underlying: CType): EnumType {
  const size = entry.number(AT.BYTE_SIZE) ?? (underlying.kind === 'base' ? underlying.size : 4);
  const written = parts
    .filter(({ tag }) => tag === TAG.ENUMERATOR)
    .map((part) => ({
      name: part.text(AT.NAME) ?? '',
      value: BigInt(part.constant(AT.CONST_VALUE) ?? 0),
    }));
  const signed = isSigned(entry, underlying) ?? written.some(({ value }) => value < 0n);
  const bits = 8 * Math.min(size, 8);
  const values = written.map(({ name, value }) => ({
    name,
    value: signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value),
  }));
  return { kind: 'enum', name: entry.text(AT.NAME), size, signed, values };
}

/** Null where neither says. */
function isSigned(entry: Entry, underlying: CType): boolean | null {
  const encoding = entry.number(AT.ENCODING);
  if (encoding !== null) return ENCODINGS[encoding]?.signed ?? false;
  return underlying.kind === 'base' ? underlying.signed : null;
}
