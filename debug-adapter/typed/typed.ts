/**
 * What a part of an expression is once names and types are known: a value of the machine's own language
 * without a type, a value that has one, or an object of the program with the place where it lies.
 */
import { ExpressionError, type Syntax } from '../../emulator/expressions/syntax.ts';
import type { CType, Member } from '../symbols/c-types.ts';
import { addressIn, load, loadBits, type Storage } from './storage.ts';
import { cast } from './trees.ts';
import { U32, U64 } from '../../emulator/expressions/integers.ts';
import { typeText } from './type-text.ts';
import { integerOfType, isFloat, isStruct, sizeOf, stripped } from './types.ts';

export type Typed = { readonly at: number } & (
  | { readonly kind: 'plain'; readonly syntax: Syntax }
  | { readonly kind: 'value'; readonly type: CType; readonly syntax: Syntax }
  | {
      readonly kind: 'object';
      readonly type: CType;
      readonly storage: Storage;
      /** Of a bit-field. */
      readonly bits: Member['bits'];
    }
);
export type TypedObject = Extract<Typed, { kind: 'object' }>;

export const plain = (syntax: Syntax): Typed => ({ kind: 'plain', at: syntax.at, syntax });
export const typedValue = (type: CType, syntax: Syntax): Typed => ({
  kind: 'value',
  at: syntax.at,
  type,
  syntax,
});
export function object(
  type: CType,
  storage: Storage,
  at: number,
  bits: Member['bits'] = null,
): TypedObject {
  return { kind: 'object', at, type, storage, bits };
}

export const typeOf = (typed: Typed): CType | null => (typed.kind === 'plain' ? null : typed.type);

/**
 * Its value, as the machine computes it; of an array and of a function the address (ISO 9899:2018,
 * 6.3.2.1). Throws ExpressionError for what is no single value, and for what has been optimized out.
 */
export function valueOf(typed: Typed): Syntax {
  if (typed.kind !== 'object') return typed.syntax;
  const { type, storage, bits, at } = typed;
  const kind = stripped(type);
  if (bits !== null) return loadBits(storage, bits, integerOfType(type), at);
  if (kind.kind === 'array' || kind.kind === 'function') return addressOf(typed);
  const integer = integerOfType(type);
  if (integer !== null) return load(storage, integer.bits / 8, integer, at);
  const size = sizeOf(type);
  if (isFloat(type) && (size === 4 || size === 8)) {
    const width = size === 4 ? 32 : 64;
    return { kind: 'float', at, bits: width, operand: load(storage, size, size === 4 ? U32 : U64, at) };
  }
  if (isFloat(type))
    throw new ExpressionError(`A ${typeText(type)} is shown, but nothing is computed with it.`, at);
  const remedy = isStruct(kind) ? '; name one of its members' : '';
  throw new ExpressionError(`A ${typeText(type)} is no single value${remedy}.`, at);
} // prettier-ignore

/** Throws ExpressionError for what does not lie in memory. */
export function addressOf({ storage, bits, at }: TypedObject): Syntax {
  const address = addressIn(storage);
  if (address !== null && bits === null) return cast({ ...address, at }, U32);
  const [piece] = storage;
  const why =
    bits !== null
      ? 'A bit-field has no address'
      : piece?.kind === 'lost'
        ? `This has no address: ${piece.reason}`
        : piece?.kind === 'value' && piece.register !== null
          ? `This has no address: it is in the register ${piece.register.name} here`
          : 'This has no address: it is computed';
  throw new ExpressionError(`${why}.`, at);
}
