/**
 * The value of an expression's tree in a scope: a stopped guest, or the place of a breakpoint. Integers
 * follow C (integers.ts); a pointer is an integer that knows what it points to; reals are the x87's.
 */
import {
  binary,
  compare,
  convert,
  fromBytes,
  type Integer,
  type IntegerType,
  S64,
  truth,
  U32,
  U64,
  unary,
  unsigned,
} from './integers.ts';
import { ExpressionError, type Node, type Space, type Syntax } from './syntax.ts';

export type Value =
  | (Integer & {
      readonly kind: 'integer';
      /** What it points to: an integer through so many pointers. */
      readonly pointee?: { readonly integer: IntegerType; readonly pointers: number };
      /** Shown as the nearest symbol. */
      readonly asSymbol?: true;
    })
  | { readonly kind: 'real'; readonly value: number }
  | { readonly kind: 'string'; readonly text: string };
export type IntegerValue = Extract<Value, { kind: 'integer' }>;

/** Where values come from. */
export interface Scope {
  /** Null where the name has no value just now. */
  value(name: string): Value | null;
  /** As many bytes from the start as can be read. */
  read(space: Space, address: number, length: number): Uint8Array;
  /** Guest-physical address, or null. */
  translate(linear: number): number | null;
  msr(index: number): bigint | null;
}

/** Somewhere in memory that a value can be stored to. */
export interface Place {
  readonly space: Space;
  readonly address: number;
  readonly type: IntegerType;
}

export const integer = (held: Integer): IntegerValue => ({ kind: 'integer', ...held });
/** An unsigned integer of at least so many bits. */
export const integerOf = (value: number | bigint, bits: number): IntegerValue =>
  integer(unsigned(BigInt(value), bits));

const MAX_STRING = 4096;
const DEFAULT_STRING = 256n;
const POINTER_BYTES = 4n;

export function evaluate(node: Syntax, scope: Scope): Value {
  // prettier-ignore
  switch (node.kind) {
    case 'integer': return integer(node);
    case 'real': return { kind: 'real', value: node.value };
    case 'string': return { kind: 'string', text: node.text };
    case 'name': return named(node, scope);
    case 'unary': return unaryValue(node, scope);
    case 'binary': return binaryValue(node, scope);
    case 'conditional': return evaluate(isTrue(evaluate(node.test, scope)) ? node.yes : node.no, scope);
    case 'cast': return cast(node, scope);
    case 'float': return float(node, scope);
    case 'memory': case 'target': case 'element': return load(node, scope);
    case 'call': return call(node, scope);
  }
}

export function isTrue(value: Value): boolean {
  // prettier-ignore
  switch (value.kind) {
    case 'integer': return value.value !== 0n;
    case 'real': return value.value !== 0;
    case 'string': return value.text !== '';
  }
}

function named({ name, at }: Node<'name'>, scope: Scope): Value {
  const value = scope.value(name);
  if (value !== null) return value;
  const [, register] = /^msr\.(.*)/.exec(name) ?? [];
  throw new ExpressionError(
    register === undefined
      ? `'${name}' has no value here.`
      : `This processor has no model-specific register '${register}'.`,
    at,
  );
}

function wholeNumber(node: Syntax, scope: Scope, what: string): IntegerValue {
  const value = evaluate(node, scope);
  if (value.kind === 'integer') return value;
  throw new ExpressionError(`${what} must be an integer, and this is a ${value.kind}.`, node.at);
}

function unaryValue({ operator, operand, at }: Node<'unary'>, scope: Scope): Value {
  const value = evaluate(operand, scope);
  if (value.kind === 'integer') return integer(unary(operator, value));
  if (operator === '!') return integer(truth(!isTrue(value)));
  if (value.kind === 'real' && operator !== '~') {
    return { kind: 'real', value: operator === '-' ? -value.value : value.value };
  }
  throw new ExpressionError(`'${operator}' does not apply to a ${value.kind}.`, at);
}

function binaryValue(node: Node<'binary'>, scope: Scope): Value {
  const { operator, at } = node;
  const left = evaluate(node.left, scope);
  if (operator === '&&' && !isTrue(left)) return integer(truth(false));
  if (operator === '||' && isTrue(left)) return integer(truth(true));
  const right = evaluate(node.right, scope);
  if (operator === '&&' || operator === '||') return integer(truth(isTrue(right)));
  if (operator === 'contains') return contains(left, right, at);
  if (left.kind === 'integer' && right.kind === 'integer') {
    return pointerSum(operator, left, right) ?? arithmetic(operator, left, right, at);
  }
  if (left.kind === 'string' && right.kind === 'string') {
    const compared = compare(operator, left.text, right.text);
    if (compared !== null) return integer(compared);
  } else if (left.kind !== 'string' && right.kind !== 'string') {
    const value = realArithmetic(operator, Number(left.value), Number(right.value));
    if (value !== null) return value;
  }
  throw new ExpressionError(
    `'${operator}' does not apply to a ${left.kind} and a ${right.kind}.`,
    at,
  );
}

function contains(whole: Value, part: Value, at: number): Value {
  if (whole.kind === 'string' && part.kind === 'string') {
    return integer(truth(whole.text.includes(part.text)));
  }
  throw new ExpressionError("'contains' compares two strings.", at);
}

function arithmetic(operator: string, a: IntegerValue, b: IntegerValue, at: number): IntegerValue {
  const result = binary(operator, a, b);
  if (result === null) throw new ExpressionError('Division by zero.', at);
  return integer(result);
}

function realArithmetic(operator: string, a: number, b: number): Value | null {
  const compared = compare(operator, a, b);
  if (compared !== null) return integer(compared);
  // prettier-ignore
  switch (operator) {
    case '+': return { kind: 'real', value: a + b };
    case '-': return { kind: 'real', value: a - b };
    case '*': return { kind: 'real', value: a * b };
    case '/': return { kind: 'real', value: a / b };
    default: return null;
  }
}

/** A pointer plus or minus a number of what it points to. */
function pointerSum(operator: string, a: IntegerValue, b: IntegerValue): IntegerValue | null {
  if (a.pointee === undefined || b.pointee !== undefined) return null;
  if (operator !== '+' && operator !== '-') return null;
  const size = a.pointee.pointers > 0 ? POINTER_BYTES : BigInt(a.pointee.integer.bits / 8);
  const step = (operator === '-' ? -b.value : b.value) * size;
  return { ...a, ...convert(a.value + step, U32) };
}

function cast({ type, operand }: Node<'cast'>, scope: Scope): Value {
  const value = evaluate(operand, scope);
  if (value.kind === 'string') {
    throw new ExpressionError('A string cannot be cast.', operand.at);
  }
  const whole = value.kind === 'real' ? truncated(value.value, operand.at) : value.value;
  if (type.pointers === 0) return integer(convert(whole, type.integer));
  const pointee = { integer: type.integer, pointers: type.pointers - 1 };
  return { kind: 'integer', ...convert(whole, U32), pointee };
}

function float({ bits, operand }: Node<'float'>, scope: Scope): Value {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, wholeNumber(operand, scope, 'A representation').value, true);
  return { kind: 'real', value: bits === 32 ? view.getFloat32(0, true) : view.getFloat64(0, true) };
}

function truncated(value: number, at: number): bigint {
  if (Number.isFinite(value)) return BigInt(Math.trunc(value));
  throw new ExpressionError(`${String(value)} has no integer value.`, at);
}

// ---- memory

/** Where a node lies in memory; null for what is no place. */
export function placeOf(node: Syntax, scope: Scope): Place | null {
  const isPlace = node.kind === 'memory' || node.kind === 'target' || node.kind === 'element';
  return isPlace ? locate(node, scope).place : null;
}

type PlaceNode = Node<'memory' | 'target' | 'element'>;

/** A place, and what the pointer there points to if there is one. */
interface Located {
  readonly place: Place;
  readonly pointee: IntegerValue['pointee'];
}

function locate(node: PlaceNode, scope: Scope): Located {
  // prettier-ignore
  switch (node.kind) {
    case 'memory': return { place: memoryPlace(node, scope), pointee: undefined };
    case 'target': return pointed(wholeNumber(node.pointer, scope, 'A pointer'));
    case 'element': return pointed(element(node, scope));
  }
}

function element({ pointer, index }: Node<'element'>, scope: Scope): IntegerValue {
  const base = wholeNumber(pointer, scope, 'A pointer');
  const whole = wholeNumber(index, scope, 'An index');
  const typed = { ...base, pointee: base.pointee ?? { integer: U32, pointers: 0 } };
  return pointerSum('+', typed, integer(convert(whole.value, S64))) ?? typed;
}

/** What a pointer points to; a plain address points to 32 bits. */
function pointed(pointer: IntegerValue): Located {
  const { integer: type, pointers } = pointer.pointee ?? { integer: U32, pointers: 0 };
  const address = Number(BigInt.asUintN(32, pointer.value));
  if (pointers === 0) return { place: { space: 'linear', address, type }, pointee: undefined };
  const pointee = { integer: type, pointers: pointers - 1 };
  return { place: { space: 'linear', address, type: U32 }, pointee };
}

function memoryPlace(node: Node<'memory'>, scope: Scope): Place {
  const { space, type, segment } = node;
  const offset = wholeNumber(node.address, scope, 'An address').value;
  if (space === 'physical') {
    const address = BigInt.asUintN(64, offset);
    if (address > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new ExpressionError(`There is no physical address 0x${address.toString(16)}.`, node.at);
    }
    return { space, address: Number(address), type };
  }
  const base = segment === null ? 0n : segmentBase(segment, scope);
  return { space, address: Number(BigInt.asUintN(32, base + offset)), type };
}

/** A segment register's base, or that of a selector in real mode. */
function segmentBase(segment: Syntax, scope: Scope): bigint {
  const name = segment.kind === 'name' && /^[c-gs]s$/.test(segment.name) ? segment.name : null;
  const base = name === null ? null : scope.value(`${name}.base`);
  if (base?.kind === 'integer') return base.value;
  return wholeNumber(segment, scope, 'A segment').value << 4n;
}

function load(node: PlaceNode, scope: Scope): Value {
  const { place, pointee } = locate(node, scope);
  const { space, address, type } = place;
  const length = type.bits / 8;
  const bytes = scope.read(space, address, length);
  if (bytes.length < length) {
    const where = (address + bytes.length).toString(16);
    throw new ExpressionError(
      `There is no readable memory at ${space} address 0x${where}.`,
      node.at,
    );
  }
  const value = integer(fromBytes(bytes, type));
  return pointee === undefined ? value : { ...value, pointee };
}

// ---- functions

function call({ name, operands, at }: Node<'call'>, scope: Scope): Value {
  const given = operands.map((operand) => wholeNumber(operand, scope, `What ${name} takes`));
  const [first, second, third = second] = given;
  const address = Number(BigInt.asUintN(32, first.value));
  const chosen = (operator: string): Value =>
    isTrue(arithmetic(operator, first, second, at)) ? first : second;
  // prettier-ignore
  switch (name) {
    case 'translate': return integer({ type: S64, value: BigInt(scope.translate(address) ?? -1) });
    case 'symbol': return { ...first, asSymbol: true };
    case 'string': return stringAt(address, given.length > 1 ? second.value : DEFAULT_STRING, scope, at);
    case 'bit': case 'bits': return bitsOf(first, second.value, third.value, at);
    case 'min': return chosen('<=');
    case 'max': return chosen('>=');
    case 'abs': return first.value < 0n ? integer(unary('-', first)) : first;
    case 'msr': return msr(first.value, scope, at);
    default: throw new ExpressionError(`There is no function '${name}'.`, at);
  }
}

function msr(index: bigint, scope: Scope, at: number): Value {
  const value = scope.msr(Number(BigInt.asUintN(32, index)));
  if (value !== null) return integer({ type: U64, value });
  throw new ExpressionError(`This processor has no MSR 0x${index.toString(16)}.`, at);
}

function bitsOf(from: IntegerValue, high: bigint, low: bigint, at: number): Value {
  const width = BigInt(from.type.bits);
  if (low < 0n || high < low || high >= width) {
    const which = high === low ? `bit ${String(low)}` : `bits ${String(high)} to ${String(low)}`;
    throw new ExpressionError(`A value of ${String(width)} bits has no ${which}.`, at);
  }
  const value = BigInt.asUintN(from.type.bits, from.value) >> low;
  return integer(unsigned(value & ((1n << (high - low + 1n)) - 1n), from.type.bits));
}

/** Up to the NUL, the limit, or the end of readable memory, as Latin-1. */
function stringAt(address: number, limit: bigint, scope: Scope, at: number): Value {
  if (limit < 1n || limit > BigInt(MAX_STRING)) {
    throw new ExpressionError(`A string's limit is 1 to ${String(MAX_STRING)}.`, at);
  }
  const bytes = scope.read('linear', address, Number(limit));
  if (bytes.length === 0) {
    throw new ExpressionError(
      `There is no readable memory at linear address 0x${address.toString(16)}.`,
      at,
    );
  }
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, end < 0 ? bytes.length : end);
  return { kind: 'string', text: Array.from(text, (byte) => String.fromCharCode(byte)).join('') };
}
