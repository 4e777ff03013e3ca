/**
 * Integers of expressions: C's (ISO 9899:2018, 6.3.1 and 6.5) with two's complement throughout, int of 32
 * bits, and results that wrap where C leaves them undefined. Held as bigint, so 64 bits are exact.
 */

export interface IntegerType {
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
}

export interface Integer {
  readonly type: IntegerType;
  /** Within the range of the type. */
  readonly value: bigint;
}

export const U8: IntegerType = { bits: 8, signed: false };
export const U16: IntegerType = { bits: 16, signed: false };
export const U32: IntegerType = { bits: 32, signed: false };
export const U64: IntegerType = { bits: 64, signed: false };
export const S8: IntegerType = { bits: 8, signed: true };
export const S16: IntegerType = { bits: 16, signed: true };
export const S32: IntegerType = { bits: 32, signed: true };
export const S64: IntegerType = { bits: 64, signed: true };

/** The value as the type holds it. */
export function convert(value: bigint, type: IntegerType): Integer {
  const held = type.signed ? BigInt.asIntN(type.bits, value) : BigInt.asUintN(type.bits, value);
  return { type, value: held };
}

/** Unsigned of the smallest type with at least so many bits. */
export function unsigned(value: bigint, bits: number): Integer {
  return convert(value, bits <= 8 ? U8 : bits <= 16 ? U16 : bits <= 32 ? U32 : U64);
}

/** The type of a constant: the first that holds it (6.4.4.1); null when none does. */
export function constantType(value: bigint, decimal: boolean): IntegerType | null {
  const candidates = decimal ? [S32, S64, U64] : [S32, U32, S64, U64];
  return candidates.find((type) => convert(value, type).value === value) ?? null;
}

const promoted = (type: IntegerType): IntegerType => (type.bits < 32 ? S32 : type);

/** The usual arithmetic conversions (6.3.1.8). */
export function commonType(a: IntegerType, b: IntegerType): IntegerType {
  const [left, right] = [promoted(a), promoted(b)];
  if (left.bits !== right.bits) return left.bits > right.bits ? left : right;
  return left.signed ? right : left;
}

type Arithmetic = (a: bigint, b: bigint) => bigint;
const ARITHMETIC: ReadonlyMap<string, Arithmetic> = new Map<string, Arithmetic>([
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
  ['%', (a, b) => a % b],
  ['&', (a, b) => a & b],
  ['|', (a, b) => a | b],
  ['^', (a, b) => a ^ b],
]);

type Comparison = <T extends bigint | number | string>(a: T, b: T) => boolean;
const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ['==', (a, b) => a === b],
  ['!=', (a, b) => a !== b],
  ['<', (a, b) => a < b],
  ['<=', (a, b) => a <= b],
  ['>', (a, b) => a > b],
  ['>=', (a, b) => a >= b],
]);

export const truth = (value: boolean): Integer => ({ type: S32, value: value ? 1n : 0n });

export function compare<T extends bigint | number | string>(
  operator: string,
  left: T,
  right: T,
): Integer | null {
  const comparison = COMPARISONS.get(operator);
  return comparison === undefined ? null : truth(comparison(left, right));
}

function shift(operator: string, { type, value }: Integer, count: bigint): Integer {
  const result = promoted(type);
  // counts that C leaves undefined shift everything out
  const far = count < 0n || count >= BigInt(result.bits) ? BigInt(result.bits) : count;
  return convert(operator === '<<' ? value << far : value >> far, result);
}

/** A binary operator of C; null for a division by zero. `operator` is one that the parser knows. */
export function binary(operator: string, left: Integer, right: Integer): Integer | null {
  if (operator === '<<' || operator === '>>') return shift(operator, left, right.value);
  const type = commonType(left.type, right.type);
  const a = convert(left.value, type).value;
  const b = convert(right.value, type).value;
  const compared = compare(operator, a, b);
  if (compared !== null) return compared;
  if (b === 0n && (operator === '/' || operator === '%')) return null;
  const apply = ARITHMETIC.get(operator);
  if (apply === undefined) throw new Error(`no operator ${operator}`);
  return convert(apply(a, b), type);
}

export function unary(operator: string, { type, value }: Integer): Integer {
  if (operator === '!') return truth(value === 0n);
  const result = promoted(type);
  const changed = operator === '~' ? ~value : operator === '-' ? -value : value;
  return convert(changed, result);
}

/** Little-endian bytes of an integer; `bytes` has as many as the type. */
export function fromBytes(bytes: Uint8Array, type: IntegerType): Integer {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]);
  return convert(value, type);
}

export function toBytes({ type, value }: Integer): Uint8Array {
  const bytes = new Uint8Array(type.bits / 8);
  let rest = BigInt.asUintN(type.bits, value);
  for (let at = 0; at < bytes.length; at++, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}
