/**
 * Addition, subtraction, multiplication, division and square root of one lane (SDM vol. 1, 11.5.2; vol.
 * 2, ADDPS and its kin): NaNs first, then denormal operands, invalid operations, division by zero, then
 * the computed result. An operation is written once, for both formats.
 */
import { add, divide, multiply, squareRoot } from '../fpu/arithmetic.ts';
import {
  LEAST_DOUBLE,
  LEAST_SINGLE,
  counted,
  denormalFlag,
  indefiniteDouble,
  indefiniteSingle,
  nanOfDoubles,
  nanOfSingles,
  type LaneOperation,
} from './lanes.ts';
import { FLAG, ROUND, roundingOf } from './mxcsr.ts';
import { deliverDouble, roundDouble, roundToSingle, type ExactOperation } from './rounding.ts';

interface Operation {
  /** The nearest double. */
  readonly compute: (x: number, y: number) => number;
  /** The exact result minus `result`, or a number of its sign, where all three are plain. */
  readonly error: (x: number, y: number, result: number) => number;
  readonly exactly: ExactOperation;
  /** What the second operand counts as. */
  readonly second?: (y: number) => number;
  readonly kind: 'sum' | 'product' | 'quotient' | 'root';
}

/** The error of a sum (Knuth's two-sum): exact unless it overflows. */
function errorOfSum(x: number, y: number, sum: number): number {
  const part = sum - x;
  return x - (sum - part) + (y - part);
}

/** The error of a product (Dekker's, with Veltkamp's split into halves of 26 bits). */
function errorOfProduct(x: number, y: number, product: number): number {
  const scaledX = x * 134217729;
  const highX = scaledX - (scaledX - x);
  const lowX = x - highX;
  const scaledY = y * 134217729;
  const highY = scaledY - (scaledY - y);
  const lowY = y - highY;
  return lowX * lowY - (product - highX * highY - lowX * highY - highX * lowY);
}

/** Has the sign of x / y - quotient. */
function errorOfQuotient(x: number, y: number, quotient: number): number {
  const product = quotient * y;
  const remainder = x - product - errorOfProduct(quotient, y, product);
  return y < 0 ? -remainder : remainder;
}

/** Has the sign of the square root's error. */
function errorOfRoot(x: number, _: number, root: number): number {
  const square = root * root;
  return x - square - errorOfProduct(root, root, square);
}

const ADD: Operation = { kind: 'sum', compute: (x, y) => x + y, error: errorOfSum, exactly: add };
const SUBTRACT: Operation = { ...ADD, second: (y) => -y };
const MULTIPLY: Operation = {
  kind: 'product',
  compute: (x, y) => x * y,
  error: errorOfProduct,
  exactly: multiply,
};
const DIVIDE: Operation = {
  kind: 'quotient',
  compute: (x, y) => x / y,
  error: errorOfQuotient,
  exactly: divide,
};
const ROOT: Operation = {
  kind: 'root',
  compute: (x) => Math.sqrt(x),
  error: errorOfRoot,
  exactly: (context, x) => squareRoot(context, x),
};

/** Rounded down, the sum of two opposite numbers is -0 (SDM vol. 1, 4.8.3.1). */
function zeroSum(mxcsr: number, x: number, y: number): number {
  const sum = x + y;
  if (roundingOf(mxcsr) !== ROUND.DOWN) return sum;
  return Object.is(x, 0) && Object.is(y, 0) ? 0 : -0;
}

function ofSingles({ kind, compute, second }: Operation): LaneOperation {
  const unary = kind === 'root';
  return (lanes, mxcsr, first, b, out) => {
    const a = unary ? b : first;
    let x = lanes.f32[a >> 2];
    let y = lanes.f32[b >> 2];
    if (Number.isNaN(x) || Number.isNaN(y)) return nanOfSingles(lanes, a, b, out);
    let flags = 0;
    if (Math.abs(x) < LEAST_SINGLE || Math.abs(y) < LEAST_SINGLE) {
      x = counted(mxcsr, x, LEAST_SINGLE);
      y = counted(mxcsr, y, LEAST_SINGLE);
      flags = denormalFlag(x, y, LEAST_SINGLE);
    }
    if (second !== undefined) y = second(y);
    let result = compute(x, y);
    if (Number.isNaN(result)) return indefiniteSingle(lanes, out);
    if (kind === 'quotient' && y === 0 && x !== Infinity && x !== -Infinity) flags = FLAG.ZE;
    if (kind === 'sum') {
      if (result === 0) result = zeroSum(mxcsr, x, y);
      else if (Number.isFinite(result) && errorOfSum(x, y, result) !== 0) result = standIn(x, y);
    }
    // other results lie far enough from what a single could hold, or are exact
    return flags | roundToSingle(lanes, mxcsr, result, out);
  };
}

/**
 * For the sum of two singles that no double holds: the smaller one is below 2^-28 of the larger one.
 * So is its replacement here, and the sum lies between the same two numbers of 25 bits.
 */
function standIn(x: number, y: number): number {
  const [large, small] = Math.abs(x) > Math.abs(y) ? [x, y] : [y, x];
  const little = Math.abs(large) * 2 ** -28;
  return small < 0 ? large - little : large + little;
}

/** Numbers that are far from the ends of the format: errors of their operations are doubles. */
const PLAIN_LEAST = 2 ** -900;
const PLAIN_GREATEST = 2 ** 900;
function isPlain(x: number): boolean {
  const magnitude = Math.abs(x);
  return magnitude > PLAIN_LEAST && magnitude < PLAIN_GREATEST;
}

function ofDoubles(operation: Operation): LaneOperation {
  const { kind, compute, error, second } = operation;
  const unary = kind === 'root';
  const rare = rareDoubles(operation);
  return (lanes, mxcsr, first, b, out) => {
    const a = unary ? b : first;
    const x = lanes.f64[a >> 3];
    let y = lanes.f64[b >> 3];
    if (second !== undefined) y = second(y);
    const result = compute(x, y);
    if (isPlain(result) && isPlain(x) && isPlain(y)) {
      lanes.f64[out >> 3] = result;
      return roundDouble(lanes, mxcsr, error(x, y, result), out);
    }
    if (Number.isNaN(x) || Number.isNaN(y)) return nanOfDoubles(lanes, a, b, out);
    return rare(lanes, mxcsr, x, y, out);
  };
}

/** Zeros, infinities, denormals and numbers near the ends of the format, given by value. */
function rareDoubles({ kind, compute, exactly }: Operation): LaneOperation {
  return (lanes, mxcsr, xGiven, yGiven, out) => {
    const x = counted(mxcsr, xGiven, LEAST_DOUBLE);
    const y = counted(mxcsr, yGiven, LEAST_DOUBLE);
    let result = compute(x, y);
    if (Number.isNaN(result)) return indefiniteDouble(lanes, out);
    const flags = denormalFlag(x, y, LEAST_DOUBLE);
    const infinite = !Number.isFinite(x) || !Number.isFinite(y);
    const dividesByZero = kind === 'quotient' && y === 0;
    if (kind === 'sum' && result === 0) result = zeroSum(mxcsr, x, y);
    // with a zero, only a sum that is the other operand can be tiny
    const withZero = (x === 0 || y === 0) && (kind !== 'sum' || flags === 0);
    if (infinite || dividesByZero || withZero) {
      lanes.f64[out >> 3] = result;
      return dividesByZero && !infinite ? FLAG.ZE : flags;
    }
    return flags | deliverDouble(lanes, mxcsr, exactly, x, y, out);
  };
}

export const addSingles = ofSingles(ADD);
export const addDoubles = ofDoubles(ADD);
export const subtractSingles = ofSingles(SUBTRACT);
export const subtractDoubles = ofDoubles(SUBTRACT);
export const multiplySingles = ofSingles(MULTIPLY);
export const multiplyDoubles = ofDoubles(MULTIPLY);
export const divideSingles = ofSingles(DIVIDE);
export const divideDoubles = ofDoubles(DIVIDE);
/** The square root of `b`; `a` is not looked at. */
export const rootOfSingle = ofSingles(ROOT);
export const rootOfDouble = ofDoubles(ROOT);
