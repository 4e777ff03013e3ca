/**
 * From an expression as it is written to what the machine computes: names become registers, addresses and
 * places in the frame, members become offsets, pointers count in what they point to. The result is a tree
 * of the machine's own language, which knows no types, so a condition on a member runs in the machine as
 * fast as one on a register.
 */
import { FUNCTIONS } from '../../emulator/expressions/functions.ts';
import {
  addressOf as plainAddress,
  ofSystem,
  typeName,
} from '../../emulator/expressions/resolve.ts';
import { U32 } from '../../emulator/expressions/integers.ts';
import { ExpressionError, type Syntax } from '../../emulator/expressions/syntax.ts';
import { didYouMean } from '../../emulator/nearest-name.ts';
import {
  isWrittenType,
  type MemberPath,
  type Written,
  type WrittenNode,
  type WrittenType,
  wordsOf,
} from '../../emulator/expressions/written.ts';
import type { CType, StructType } from '../symbols/c-types.ts';
import { findMember } from './members.ts';
import {
  binaryTyped,
  castTyped,
  conditionalTyped,
  elementAddress,
  elementSize,
  unaryTyped,
} from './operators.ts';
import { meaningOf, type Surroundings, typeNamed } from './program-names.ts';
import { inMemory, part } from './storage.ts';
import { advanced, cast, constant } from './trees.ts';
import { addressOf, object, plain, type Typed, typedValue, typeOf, valueOf } from './typed.ts';
import { typeText } from './type-text.ts';
import {
  integerNamed,
  isStruct,
  pointee,
  pointerTo,
  sizeOf,
  stripped,
  UNSIGNED_INT,
} from './types.ts';

/** Throws ExpressionError with the place. */
export function lower(written: Written, around: Surroundings): Typed {
  const typed = (node: Written): Typed => lower(node, around);
  const value = (node: Written): Syntax => valueOf(lower(node, around));
  const { at } = written;
  switch (written.kind) {
    case 'integer':
    case 'real':
    case 'string':
      return plain(written);
    case 'word': {
      const { typed: start, members } = meaningOf(written, around);
      let place = at + written.name.length - members.join('.').length;
      return members.reduce((whole, name) => {
        const found = memberOf(whole, name, false, place, around);
        place += name.length + 1;
        return found;
      }, start);
    }
    case 'unary':
      return unaryTyped(written.operator, typed(written.operand), at);
    case 'binary':
      return binaryTyped(written.operator, typed(written.left), typed(written.right), at);
    case 'conditional':
      return conditionalTyped(typed(written.test), typed(written.yes), typed(written.no), at);
    case 'cast':
      return converted(typed(written.operand), typeWritten(written.type, around), at);
    case 'memory': {
      const segment = written.segment === null ? null : value(written.segment);
      return plain({ ...written, segment, address: value(written.address) });
    }
    case 'target':
      return targetOf(typed(written.pointer), at);
    case 'address':
      return addressTyped(typed(written.operand), at);
    case 'element':
      return elementOf(typed(written.pointer), typed(written.index), at);
    case 'member': {
      const { whole, name, throughPointer } = written;
      return memberOf(typed(whole), name, throughPointer, at, around);
    }
    case 'call': {
      const own = around.system?.call(written, value) ?? null;
      if (own !== null) return own;
      if (FUNCTIONS.get(written.name)?.ofSystem === true) throw ofSystem(written.name, at);
      return plain({ ...written, operands: written.operands.map(value) });
    }
    case 'size':
      return typedValue(UNSIGNED_INT, constant(sizeWritten(written, around), U32, at));
    case 'offset': {
      const start = typeWritten(written.type, around);
      return typedValue(UNSIGNED_INT, constant(offsetOf(start, written.path, around), U32, at));
    }
    case 'container': {
      const whole = typeWritten(written.type, around);
      const offset = offsetOf(whole, written.path, around);
      const start = cast(advanced(value(written.pointer), -offset), U32);
      return typedValue(pointerTo(whole), { ...start, at });
    }
  }
}

// ---- objects

/** A struct that is declared alone here is looked for where it is complete. */
export function completed(type: CType, around: Surroundings): CType {
  const kind = stripped(type);
  if (!isStruct(kind) || !kind.isDeclaration || kind.name === null) return kind;
  return stripped(typeNamed(`${kind.kind} ${kind.name}`, around) ?? kind);
}

function memberOf(
  whole: Typed,
  name: string,
  throughPointer: boolean,
  at: number,
  around: Surroundings,
): Typed {
  const type = typeOf(whole);
  if (type === null)
    throw new ExpressionError(`There is no type that says what '${name}' is a member of; cast it, as in ((struct page *)eax)->flags.`, at); // prettier-ignore
  const held = throughPointer ? pointee(type) : type;
  if (held === null)
    throw new ExpressionError(`A ${typeText(type)} is no pointer; write '.${name}'.`, at);
  const struct = completed(held, around);
  if (!isStruct(struct)) throw noMembers(held, name, at);
  const { member, offset } = findMember(struct, name, at);
  const size = sizeOf(member.type) ?? 0;
  const storage = throughPointer
    ? inMemory(valueOf(whole))
    : whole.kind === 'object'
      ? whole.storage
      : null;
  if (storage === null) throw new ExpressionError('A value has no members.', at);
  const bytes = member.bits === null ? size : Math.max(size, bytesOf(member.bits));
  return object(member.type, part(storage, offset, bytes), at, member.bits);
}

const bytesOf = ({ first, count }: { readonly first: number; readonly count: number }): number =>
  (first + count + 7) >> 3;

function noMembers(type: CType, name: string, at: number): ExpressionError {
  const target = pointee(type);
  const isPointer = stripped(type).kind === 'pointer' && target !== null;
  const remedy = isPointer && isStruct(stripped(target)) ? `; write '->${name}'` : '';
  return new ExpressionError(`A ${typeText(type)} has no members${remedy}.`, at);
}

export function targetOf(pointer: Typed, at: number): Typed {
  const type = typeOf(pointer);
  if (type === null) return plain({ kind: 'target', at, pointer: valueOf(pointer) });
  const target = pointee(type);
  const isFunction = stripped(type).kind === 'function';
  if (isFunction) return pointer;
  if (target === null) throw new ExpressionError(`A ${typeText(type)} points to nothing.`, at);
  if (stripped(target).kind === 'void')
    throw new ExpressionError('Nobody says what a void pointer points to; cast it first.', at);
  return object(target, inMemory({ ...valueOf(pointer), at }), at);
}

function addressTyped(operand: Typed, at: number): Typed {
  if (operand.kind === 'plain') return plain(plainAddress(operand.syntax, at));
  if (operand.kind === 'value') throw new ExpressionError("'&' applies to variables, not to values.", at);
  return typedValue(pointerTo(operand.type), { ...addressOf(operand), at });
} // prettier-ignore

function elementOf(base: Typed, index: Typed, at: number): Typed {
  const type = typeOf(base);
  const count = valueOf(index);
  if (type === null) return plain({ kind: 'element', at, pointer: valueOf(base), index: count });
  const target = pointee(type);
  if (target === null) throw new ExpressionError(`A ${typeText(type)} has no elements.`, at);
  const size = elementSize(target, at);
  if (base.kind === 'object' && stripped(type).kind === 'array' && count.kind === 'integer')
    return object(target, part(base.storage, Number(BigInt.asIntN(32, count.value)) * size, size), at);
  const address = elementAddress(valueOf(base), target, '+', count);
  return object(target, inMemory({ ...address, at }), at);
} // prettier-ignore

function converted(operand: Typed, type: CType, at: number): Typed {
  const own = typeOf(operand);
  // to the type that it has already, as macros do
  if (own !== null && isStruct(stripped(type)) && typeText(own) === typeText(type)) return operand;
  const syntax = castTyped(type, operand, at);
  if (syntax === null) throw new ExpressionError(`Nothing can be cast to a ${typeText(type)}.`, at);
  return typedValue(type, syntax);
}

// ---- types

/** A type of the program, else one of the language's own words. Throws ExpressionError for neither. */
export function typeWritten(written: WrittenType, around: Surroundings): CType {
  const words = wordsOf(written);
  const { at, made } = written;
  const own = typeName({ ...written, made: [] });
  const found =
    typeNamed(words, around) ??
    (own !== null ? integerNamed(words, own.integer) : words === 'void' ? VOID : null);
  if (found === null) throw unknownType(words, at, around);
  return made.reduce<CType>(
    (inner, each) =>
      each === 'pointer' ? pointerTo(inner) : { kind: 'array', element: inner, count: each },
    found,
  );
}

const VOID: CType = { kind: 'void' };
const NEAR_NAMES = 500;

function unknownType(words: string, at: number, around: Surroundings): ExpressionError {
  const start = words.slice(0, 2);
  const near = around.information.flatMap((each) => each.namesFrom(start, NEAR_NAMES));
  return new ExpressionError(`There is no type '${words}' here.${didYouMean(words, near)}`, at);
}

function sizeWritten({ of, at }: WrittenNode<'size'>, around: Surroundings): number {
  const type = isWrittenType(of) ? typeWritten(of, around) : typeOfOperand(lower(of, around));
  const size = type === null ? null : sizeOf(completed(type, around));
  if (size !== null) return size;
  const what = type === null ? 'this' : `a ${typeText(type)}`;
  throw new ExpressionError(`Nobody knows how large ${what} is.`, at);
}

function typeOfOperand(typed: Typed): CType | null {
  if (typed.kind !== 'plain') return typed.type;
  const { syntax } = typed;
  if (syntax.kind !== 'integer' && syntax.kind !== 'memory') return null;
  return integerNamed('', syntax.type);
}

/** Bytes from the start of a type to what the path leads to. */
function offsetOf(start: CType, path: MemberPath, around: Surroundings): number {
  let type = start;
  let offset = 0;
  for (const { step, at } of path) {
    const whole: CType = completed(type, around);
    if (typeof step === 'string') {
      if (!isStruct(whole)) throw noMembers(type, step, at);
      const found: { member: StructType['members'][number]; offset: number } = findMember(whole, step, at);
      offset += found.offset;
      type = found.member.type;
    } else {
      if (whole.kind !== 'array') throw new ExpressionError(`A ${typeText(type)} has no elements.`, at);
      type = whole.element;
      offset += step * elementSize(type, at);
    }
  }
  return offset;
} // prettier-ignore
