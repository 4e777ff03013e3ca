/**
 * C's operators on values with types (ISO 9899:2018, 6.5): which type the result has, with pointers
 * counted in what they point to. The values themselves are computed by the machine's language. Beside C,
 * text of the guest compares with a string: `task->comm == "init"`.
 */
import { S32, U32, unary } from '../../emulator/expressions/integers.ts';
import { ExpressionError, type Syntax } from '../../emulator/expressions/syntax.ts';
import type { CType } from '../symbols/c-types.ts';
import { binary, cast, constant } from './trees.ts';
import { addressOf, plain, type Typed, typedValue, typeOf, valueOf } from './typed.ts';
import { typeText } from './type-text.ts';
import {
  arithmeticType,
  INT,
  isCharacter,
  isFloat,
  pointee,
  pointerTo,
  promoted,
  sizeOf,
  stripped,
  typeOfInteger,
} from './types.ts';

const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
/** Bytes of a guest's text that are looked at, as far as string() goes. */
const LONGEST_TEXT = 4096;

export function unaryTyped(operator: string, operand: Typed, at: number): Typed {
  const value = valueOf(operand);
  const syntax: Syntax = { kind: 'unary', at, operator, operand: value };
  const type = typeOf(operand);
  if (type === null && value.kind === 'integer')
    return plain({ kind: 'integer', at, ...unary(operator, value) });
  if (type === null) return plain(syntax);
  if (operator === '!') return typedValue(INT, syntax);
  if (pointee(type) !== null) throw doesNotApply(operator, at, type);
  return typedValue(promoted(type), syntax);
}

export function binaryTyped(operator: string, left: Typed, right: Typed, at: number): Typed {
  if (operator === 'contains' || COMPARISONS.includes(operator)) {
    const texts = asTexts(operator, left, right);
    const [a, b] = texts ?? [valueOf(left), valueOf(right)];
    return truth({ kind: 'binary', at, operator, left: a, right: b }, left, right);
  }
  const [a, b] = [valueOf(left), valueOf(right)];
  const syntax: Syntax = { kind: 'binary', at, operator, left: a, right: b };
  if (operator === '&&' || operator === '||') return truth(syntax, left, right);
  const [ta, tb] = [typeOf(left), typeOf(right)];
  if (ta === null && tb === null) return plain(syntax);
  const pointed = pointerSum(operator, left, right, at);
  if (pointed !== null) return pointed;
  const [first, second] = [ta ?? constantType(a), tb ?? constantType(b)];
  // of a register nobody says what it is: the result is as it is in the machine's language
  if (first === null || second === null) return plain(syntax);
  for (const type of [first, second]) if (isPointer(type)) throw doesNotApply(operator, at, type);
  if (operator === '<<' || operator === '>>') return typedValue(promoted(first), syntax);
  const type = arithmeticType(first, second);
  return type === null ? plain(syntax) : typedValue(type, syntax);
}

function truth(syntax: Syntax, left: Typed, right: Typed): Typed {
  const isPlain = left.kind === 'plain' && right.kind === 'plain';
  return isPlain ? plain(syntax) : typedValue(INT, syntax);
}

/** The type of a number as it is written; null for a register and the like. */
const constantType = (syntax: Syntax): CType | null =>
  syntax.kind === 'integer' ? typeOfInteger(syntax.type) : null;

const isPointer = (type: CType): boolean => pointee(type) !== null;

/** Pointer plus and minus integer, and the distance of two pointers. */
function pointerSum(operator: string, left: Typed, right: Typed, at: number): Typed | null {
  if (operator !== '+' && operator !== '-') return null;
  const [a, b] = [targetOf(left), targetOf(right)];
  if (a !== null && b !== null) return operator === '-' ? distance(left, right, a, at) : null;
  if (a !== null) return moved(left, a, operator, right, at);
  return b !== null && operator === '+' ? moved(right, b, operator, left, at) : null;
}

const targetOf = (typed: Typed): CType | null => {
  const type = typeOf(typed);
  return type === null ? null : pointee(type);
};

/** An address so many elements on. */
export function elementAddress(base: Syntax, target: CType, operator: string, count: Syntax): Syntax {
  const size = constant(elementSize(target, base.at), S32);
  const bytes = size.kind === 'integer' && size.value === 1n ? count : binary('*', count, size);
  return cast(binary(operator, base, bytes), U32);
} // prettier-ignore

function moved(base: Typed, target: CType, operator: string, count: Typed, at: number): Typed {
  const address = elementAddress(valueOf(base), target, operator, valueOf(count));
  return typedValue(pointerTo(target), { ...address, at });
}

function distance(left: Typed, right: Typed, target: CType, at: number): Typed {
  const bytes = cast(binary('-', valueOf(left), valueOf(right)), S32);
  const count = binary('/', bytes, constant(elementSize(target, at), S32));
  return typedValue(INT, { ...count, at });
}

/** Throws ExpressionError where nobody knows how far the next one is. */
export function elementSize(target: CType, at: number): number {
  const size = sizeOf(target);
  if (size !== null && size > 0) return size;
  throw new ExpressionError(`Nobody knows how large a ${typeText(target)} is.`, at);
}

function doesNotApply(operator: string, at: number, type: CType): ExpressionError {
  return new ExpressionError(`'${operator}' does not apply to a ${typeText(type)}.`, at);
}

// ---- text

/** Both as strings where one is a string and the other is text in the guest; null for anything else. */
function asTexts(operator: string, left: Typed, right: Typed): readonly [Syntax, Syntax] | null {
  const [a, b] = [stringOf(left), stringOf(right)];
  if (a === null && b === null) return null;
  // to compare, no more is needed than the other text has
  const limit = (text: Syntax | null): number =>
    operator !== 'contains' && text?.kind === 'string'
      ? Math.min(text.text.length + 1, LONGEST_TEXT)
      : LONGEST_TEXT;
  return [a ?? textAt(left, limit(b)) ?? valueOf(left), b ?? textAt(right, limit(a)) ?? valueOf(right)];
} // prettier-ignore

function stringOf(typed: Typed): Syntax | null {
  if (typed.kind !== 'plain') return null;
  const { syntax } = typed;
  const isString = syntax.kind === 'string' || (syntax.kind === 'call' && syntax.name === 'string');
  return isString ? syntax : null;
}

/** The text of an array of characters or behind a pointer to one; null for anything else. */
export function textAt(typed: Typed, limit: number): Syntax | null {
  const type = typeOf(typed);
  const target = type === null ? null : pointee(type);
  if (type === null || target === null || !isCharacter(target)) return null;
  const array = stripped(type);
  const most = array.kind === 'array' ? (array.count ?? limit) : limit;
  const address = typed.kind === 'object' && array.kind === 'array' ? addressOf(typed) : valueOf(typed);
  const operands = [address, constant(Math.max(Math.min(most, limit), 1), S32)];
  return { kind: 'call', at: typed.at, name: 'string', operands };
} // prettier-ignore

/** `yes` or `no`: the type that both can have (6.5.15). */
export function conditionalTyped(test: Typed, yes: Typed, no: Typed, at: number): Typed {
  const syntax: Syntax = { kind: 'conditional', at, test: valueOf(test), yes: valueOf(yes), no: valueOf(no) }; // prettier-ignore
  const [a, b] = [typeOf(yes), typeOf(no)];
  const pointer = [a, b].find((type) => type !== null && isPointer(type)) ?? null;
  if (pointer !== null) return typedValue(pointerTo(pointee(pointer) ?? pointer), syntax);
  const first = a ?? constantType(syntax.yes);
  const second = b ?? constantType(syntax.no);
  if ((a === null && b === null) || first === null || second === null) return plain(syntax);
  const type = arithmeticType(first, second);
  return type === null ? plain(syntax) : typedValue(type, syntax);
}

/** Converts to a type (6.5.4). */
export function castTyped(type: CType, operand: Typed, at: number): Syntax | null {
  const value = valueOf(operand);
  const kind = stripped(type);
  if (isFloat(kind)) return { kind: 'binary', at, operator: '*', left: value, right: { kind: 'real', at, value: 1 } }; // prettier-ignore
  const size = sizeOf(kind);
  const isBoolean = kind.kind === 'base' && kind.encoding === 'boolean';
  if (isBoolean) return { kind: 'binary', at, operator: '!=', left: value, right: constant(0) };
  if (kind.kind !== 'base' && kind.kind !== 'enum' && kind.kind !== 'pointer') return null;
  const signed = kind.kind !== 'pointer' && kind.signed;
  const bits = (size ?? 0) * 8;
  if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64) return null;
  return { kind: 'cast', at, type: { integer: { bits, signed }, pointers: 0 }, operand: value };
}
