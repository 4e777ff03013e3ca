/**
 * What expressions ask of C's types (ISO 9899:2018, 6.2.5 and 6.3.1, with the sizes of i386): their size,
 * which integer holds a value of theirs, and which type an operation gives. Types come from a guest's file
 * and may be anything, so every walk along them is bounded.
 */
import { S32, S64, U32, U64, type IntegerType } from '../../emulator/expressions/integers.ts';
import type { BaseType, CType, PointerType, StructType } from '../symbols/c-types.ts';

/** Typedefs and qualifiers in a row, arrays of arrays: nobody writes more. */
const DEEPEST = 64;

/** Without typedefs and qualifiers. */
export function stripped(type: CType): Exclude<CType, { kind: 'typedef' | 'qualified' }> {
  let found = type;
  for (let depth = 0; depth < DEEPEST; depth++) {
    if (found.kind !== 'typedef' && found.kind !== 'qualified') return found;
    found = found.target;
  }
  return { kind: 'void' };
}

/** Bytes; of void and functions 1, as pointers to them are counted; null where nobody knows. */
export function sizeOf(type: CType, depth = 0): number | null {
  const plain = stripped(type);
  if (depth > DEEPEST) return null;
  switch (plain.kind) {
    case 'array': {
      const element = sizeOf(plain.element, depth + 1);
      return element === null ? null : element * (plain.count ?? 0);
    }
    case 'void':
    case 'function':
      return 1;
    case 'struct':
    case 'union':
    case 'class':
      return plain.isDeclaration ? null : plain.size;
    default:
      return plain.size;
  }
}

export const isStruct = (type: CType): type is StructType =>
  type.kind === 'struct' || type.kind === 'union' || type.kind === 'class';

/** A plain char, signed or not: text is made of them. */
export function isCharacter(type: CType): boolean {
  const plain = stripped(type);
  return plain.kind === 'base' && plain.size === 1 && plain.encoding === 'character';
}

export const isFloat = (type: CType): boolean => {
  const plain = stripped(type);
  return plain.kind === 'base' && plain.encoding === 'float';
};

/** The integer that holds a value of the type; null for reals and for what is no single value. */
export function integerOfType(type: CType): IntegerType | null {
  const plain = stripped(type);
  switch (plain.kind) {
    case 'base':
      return plain.encoding === 'float' || plain.encoding === 'other'
        ? null
        : integerOfSize(plain.size, plain.signed);
    case 'enum':
      return integerOfSize(plain.size, plain.signed);
    case 'pointer':
      return integerOfSize(plain.size, false);
    default:
      return null;
  }
}

function integerOfSize(size: number, signed: boolean): IntegerType | null {
  const bits = size * 8;
  return bits === 8 || bits === 16 || bits === 32 || bits === 64 ? { bits, signed } : null;
}

const base = (name: string, { bits, signed }: IntegerType): BaseType => ({
  kind: 'base',
  name,
  size: bits / 8,
  encoding: signed ? 'signed' : 'unsigned',
  signed,
});

export const INT = base('int', S32);
export const UNSIGNED_INT = base('unsigned int', U32);
const LONG = base('long', S32);
const UNSIGNED_LONG = base('unsigned long', U32);
const LONG_LONG = base('long long', S64);
const UNSIGNED_LONG_LONG = base('unsigned long long', U64);
const DOUBLE: BaseType = { kind: 'base', name: 'double', size: 8, encoding: 'float', signed: true };

export const pointerTo = (target: CType): PointerType => ({ kind: 'pointer', size: 4, target });

/** The type of an integer constant, or of a value that has none but its width. */
export function typeOfInteger({ bits, signed }: IntegerType): BaseType {
  if (bits === 64) return signed ? LONG_LONG : UNSIGNED_LONG_LONG;
  return signed || bits < 32 ? INT : UNSIGNED_INT;
}

/** Integers of the language's own words, "unsigned char" and "u32", for casts. */
export function integerNamed(words: string, integer: IntegerType): BaseType {
  const isChar = /\bchar$/.test(words);
  return { ...base(words, integer), ...(isChar && { encoding: 'character' }) };
}

/** The integer promotions (6.3.1.1). */
export function promoted(type: CType): CType {
  const plain = stripped(type);
  const integer = integerOfType(plain);
  if (integer === null || plain.kind === 'pointer') return type;
  if (plain.kind === 'enum') return typeOfInteger(integer);
  return integer.bits < 32 ? INT : type;
}

/** The usual arithmetic conversions (6.3.1.8); null where one is no number. */
export function arithmeticType(a: CType, b: CType): CType | null {
  if (isFloat(a) || isFloat(b)) {
    const [first, second] = [a, b].filter(isFloat).map(stripped);
    return second !== undefined && (sizeOf(second) ?? 0) > (sizeOf(first ?? DOUBLE) ?? 0)
      ? second
      : (first ?? DOUBLE);
  }
  const [left, right] = [integerOfType(promoted(a)), integerOfType(promoted(b))];
  if (left === null || right === null) return null;
  if (left.bits === 64 || right.bits === 64) {
    const unsigned = [left, right].some(({ bits, signed }) => bits === 64 && !signed);
    return unsigned ? UNSIGNED_LONG_LONG : LONG_LONG;
  }
  const isSigned = left.signed && right.signed;
  if (isLong(a) || isLong(b)) return isSigned ? LONG : UNSIGNED_LONG;
  return isSigned ? INT : UNSIGNED_INT;
}

function isLong(type: CType): boolean {
  const plain = stripped(type);
  return plain.kind === 'base' && plain.size === 4 && /\blong\b/.test(plain.name);
}

/** Of what a pointer points to or an array holds, its type; null for anything else. */
export function pointee(type: CType): CType | null {
  const plain = stripped(type);
  if (plain.kind === 'pointer') return plain.target;
  return plain.kind === 'array' ? plain.element : null;
}
