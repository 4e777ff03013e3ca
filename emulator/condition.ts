/**
 * Expressions of breakpoint conditions and of the debug console: C's integer operators over numbers,
 * names (registers, fields of an exit, symbols) and guest memory, `u32[esp + 4]`, `phys:u16[0x472]`.
 * Values are unsigned. Arithmetic on 32-bit operands wraps to 32 bits, as addresses do; with a wider
 * operand it is exact up to 2^53 and an error beyond. There are no signed values, strings,
 * assignments or calls. A text is parsed once, by precedence climbing with bounded depth.
 */
import { didYouMean } from './nearest-name.ts';

/** What is wrong with an expression: one sentence. */
export class ConditionError extends Error {
  /** Offset in the text, from 0. */
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.name = 'ConditionError';
    this.position = position;
  }
}

/** Names that may be used, checked when the text is compiled. */
export interface KnownNames {
  has(name: string): boolean;
  /** For "did you mean". */
  list(): Iterable<string>;
}

/** Where values come from when the expression is evaluated. */
export interface ConditionScope {
  /** An integer, or null where the name has no value just now. */
  value(name: string): number | null;
  /** Little-endian unsigned value of 1, 2 or 4 bytes, or null where memory cannot be read. */
  read(space: 'linear' | 'physical', address: number, size: 1 | 2 | 4): number | null;
}

export interface Expression {
  readonly text: string;
  /** Every name in it, once. */
  readonly names: readonly string[];
  /** An integer from 0 to 2^53-1. Throws ConditionError (division by zero, unreadable memory). */
  evaluate(scope: ConditionScope): number;
}

const LONGEST_TEXT = 1024;
const DEEPEST = 100;
const WORD = 0xffffffff;
const TWO_32 = 0x1_0000_0000;

type Evaluate = (scope: ConditionScope) => number;

// ---------------------------------------------------------------------------------------- operators

type Operator = (a: number, b: number, position: number) => number;

/** Holds results of wider arithmetic to what a number can say exactly. */
function exact(value: number, position: number): number {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  const what = value < 0 ? 'is negative' : 'exceeds 53 bits';
  throw new ConditionError(
    `The result ${what}; values are unsigned integers below 2^53.`,
    position,
  );
}

const narrow = (a: number, b: number): boolean => a <= WORD && b <= WORD;

/** A bitwise operator on the two 32-bit halves. */
function bitwise(halves: (a: number, b: number) => number): Operator {
  return (a, b) => {
    if (narrow(a, b)) return halves(a, b) >>> 0;
    const high = halves(Math.floor(a / TWO_32), Math.floor(b / TWO_32)) >>> 0;
    return high * TWO_32 + (halves(a, b) >>> 0);
  };
}

function divisor(b: number, position: number): number {
  if (b === 0) throw new ConditionError('Division by zero.', position);
  return b;
}

function shiftLeft(a: number, b: number, position: number): number {
  if (a <= WORD) return b > 31 ? 0 : (a << b) >>> 0;
  return exact(a * 2 ** Math.min(b, 64), position);
}

const truth = (value: boolean): number => (value ? 1 : 0);

/** Binary operators with C's precedence, higher binds tighter. && and || are 1 and 2, evaluated lazily. */
// prettier-ignore
const BINARY: ReadonlyMap<string, { readonly level: number; readonly apply: Operator }> = new Map<string, { level: number; apply: Operator }>([
  ['|',  { level: 3,  apply: bitwise((a, b) => a | b) }],
  ['^',  { level: 4,  apply: bitwise((a, b) => a ^ b) }],
  ['&',  { level: 5,  apply: bitwise((a, b) => a & b) }],
  ['==', { level: 6,  apply: (a, b) => truth(a === b) }],
  ['!=', { level: 6,  apply: (a, b) => truth(a !== b) }],
  ['<',  { level: 7,  apply: (a, b) => truth(a < b) }],
  ['<=', { level: 7,  apply: (a, b) => truth(a <= b) }],
  ['>',  { level: 7,  apply: (a, b) => truth(a > b) }],
  ['>=', { level: 7,  apply: (a, b) => truth(a >= b) }],
  ['<<', { level: 8,  apply: shiftLeft }],
  ['>>', { level: 8,  apply: (a, b) => (b > 63 ? 0 : Math.floor(a / 2 ** b)) }],
  ['+',  { level: 9,  apply: (a, b, at) => (narrow(a, b) ? (a + b) % TWO_32 : exact(a + b, at)) }],
  ['-',  { level: 9,  apply: (a, b, at) => (narrow(a, b) ? (a - b) >>> 0 : exact(a - b, at)) }],
  ['*',  { level: 10, apply: (a, b, at) => (narrow(a, b) ? Math.imul(a, b) >>> 0 : exact(a * b, at)) }],
  ['/',  { level: 10, apply: (a, b, at) => (a - (a % divisor(b, at))) / b }],
  ['%',  { level: 10, apply: (a, b, at) => a % divisor(b, at) }],
]);

function onWord(
  apply: (a: number) => number,
  name: string,
): (a: number, position: number) => number {
  return (a, position) => {
    if (a <= WORD) return apply(a) >>> 0;
    throw new ConditionError(`'${name}' takes values of 32 bits, this one is wider.`, position);
  };
}
const UNARY: ReadonlyMap<string, (a: number, position: number) => number> = new Map([
  ['!', (a: number) => truth(a === 0)],
  ['~', onWord((a) => ~a, '~')],
  ['-', onWord((a) => -a, '-')],
  ['+', (a: number) => a],
]);

// -------------------------------------------------------------------------------------------- words

interface Token {
  readonly kind: 'number' | 'name' | 'memory' | 'symbol' | 'end';
  readonly text: string;
  readonly position: number;
}

const SPACE = /\s+/y;
const MEMORY = /(?:phys:)?u(?:8|16|32)(?=\s*\[)/y;
const NAME = /[A-Za-z_$][\w$.]*/y;
const NUMBER = /\d\w*/y;
const SYMBOL = /\|\||&&|<<|>>|<=|>=|==|!=|[-+*/%&|^~!<>?:()[\]=]/y;

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = position;
    return pattern.exec(text)?.[0] ?? null;
  };
  while (position < text.length) {
    const space = match(SPACE);
    if (space !== null) {
      position += space.length;
      continue;
    }
    const rules = [['memory', MEMORY], ['name', NAME], ['number', NUMBER], ['symbol', SYMBOL]] as const; // prettier-ignore
    const found = rules
      .map(([kind, pattern]) => ({ kind, word: match(pattern) }))
      .find(({ word }) => word !== null);
    if (found?.word === undefined || found.word === null) {
      throw new ConditionError(`'${text[position]}' has no meaning here.`, position);
    }
    tokens.push({ kind: found.kind, text: found.word, position });
    position += found.word.length;
  }
  tokens.push({ kind: 'end', text: '', position });
  return tokens;
}

function numberValue({ text, position }: Token): number {
  if (/^0\d/.test(text)) {
    throw new ConditionError(
      `Write octal ${text} as 0o${text.slice(1)}, or leave out the 0.`,
      position,
    );
  }
  const value = /^(\d+|0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+)$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value)) throw new ConditionError(`'${text}' is no number.`, position);
  if (!Number.isSafeInteger(value)) throw new ConditionError(`${text} exceeds 53 bits.`, position);
  return value;
}

// ------------------------------------------------------------------------------------------- parser

class Parser {
  readonly names = new Set<string>();
  private readonly tokens: readonly Token[];
  private readonly known: KnownNames | null;
  private at = 0;
  private depth = 0;

  constructor(text: string, known: KnownNames | null) {
    this.tokens = tokenize(text);
    this.known = known;
  }

  whole(): Evaluate {
    if (this.peek().kind === 'end') throw new ConditionError('The expression is empty.', 0);
    const value = this.conditional();
    if (this.peek().kind !== 'end') throw this.unexpected('an operator');
    return value;
  }

  private peek(): Token {
    return this.tokens[this.at];
  }

  private accept(symbol: string): boolean {
    if (this.peek().kind !== 'symbol' || this.peek().text !== symbol) return false;
    this.at++;
    return true;
  }

  private expect(symbol: string): void {
    if (!this.accept(symbol)) throw this.unexpected(`'${symbol}'`);
  }

  private unexpected(wanted: string): ConditionError {
    const { kind, text, position } = this.peek();
    if (text === '=') return new ConditionError("Write '==' to compare.", position);
    const found = kind === 'end' ? 'the end' : `'${text}'`;
    return new ConditionError(`Expected ${wanted}, found ${found}.`, position);
  }

  /** Runs one level of recursion, bounded. */
  private nested(parse: () => Evaluate): Evaluate {
    if (this.depth >= DEEPEST) {
      throw new ConditionError('The expression is nested too deeply.', this.peek().position);
    }
    this.depth++;
    const result = parse();
    this.depth--;
    return result;
  }

  /** a ? b : c */
  private conditional(): Evaluate {
    return this.nested(() => {
      const test = this.binary(1);
      if (!this.accept('?')) return test;
      const yes = this.conditional();
      this.expect(':');
      const no = this.conditional();
      return (scope) => (test(scope) !== 0 ? yes(scope) : no(scope));
    });
  }

  /** Operators of at least `level`, left-associative. */
  private binary(level: number): Evaluate {
    return this.nested(() => {
      let left = this.unary();
      for (;;) {
        const { kind, text, position } = this.peek();
        if (kind !== 'symbol') return left;
        const lazy = text === '||' ? 1 : text === '&&' ? 2 : 0;
        const operator = BINARY.get(text);
        const found = operator?.level ?? lazy;
        if (found < level || found === 0) return left;
        this.at++;
        left = this.combine(left, this.binary(found + 1), { lazy, operator, position });
      }
    });
  }

  private combine(
    left: Evaluate,
    right: Evaluate,
    how: {
      readonly lazy: number;
      readonly operator: { readonly apply: Operator } | undefined;
      readonly position: number;
    },
  ): Evaluate {
    const { operator, position } = how;
    if (operator !== undefined) {
      return (scope) => operator.apply(left(scope), right(scope), position);
    }
    return how.lazy === 1
      ? (scope) => truth(left(scope) !== 0 || right(scope) !== 0)
      : (scope) => truth(left(scope) !== 0 && right(scope) !== 0);
  }

  private unary(): Evaluate {
    const { kind, text, position } = this.peek();
    const operator = kind === 'symbol' ? UNARY.get(text) : undefined;
    if (operator === undefined) return this.primary();
    return this.nested(() => {
      this.at++;
      const operand = this.unary();
      return (scope) => operator(operand(scope), position);
    });
  }

  private primary(): Evaluate {
    const token = this.peek();
    if (this.accept('(')) {
      const inside = this.conditional();
      this.expect(')');
      return inside;
    }
    // a register as the assembler writes it
    if (this.accept('%') && this.peek().kind === 'name') return this.name(this.peek());
    if (token.kind === 'name') return this.name(token);
    if (token.kind === 'memory') return this.memory(token);
    if (token.kind !== 'number') throw this.unexpected('a value');
    this.at++;
    const value = numberValue(token);
    return () => value;
  }

  private name({ text, position }: Token): Evaluate {
    this.at++;
    const name = text.startsWith('$') ? text.slice(1) : text;
    if (this.known !== null && !this.known.has(name)) {
      const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
      const guess = didYouMean(name, this.known.list());
      throw new ConditionError(`There is no name '${shown}' here.${guess}`, position);
    }
    this.names.add(name);
    return (scope) => {
      const value = scope.value(name);
      if (value === null) throw new ConditionError(`'${name}' has no value here.`, position);
      return value < 0 ? value >>> 0 : value;
    };
  }

  private memory({ text, position }: Token): Evaluate {
    this.at++;
    const space = text.startsWith('phys:') ? 'physical' : 'linear';
    const size = text.endsWith('u8') ? 1 : text.endsWith('u16') ? 2 : 4;
    this.expect('[');
    const address = this.conditional();
    this.expect(']');
    return (scope) => {
      const at = address(scope);
      const value = scope.read(space, at, size);
      if (value !== null) return value;
      throw new ConditionError(
        `There is no readable memory at ${space} address 0x${at.toString(16)}.`,
        position,
      );
    };
  }
}

/** Compiles a text; throws ConditionError with a sentence and the place. `known` null: any name. */
export function compileExpression(text: string, known: KnownNames | null): Expression {
  if (text.length > LONGEST_TEXT) {
    throw new ConditionError(
      `The expression is longer than ${LONGEST_TEXT} characters.`,
      LONGEST_TEXT,
    );
  }
  const parser = new Parser(text, known);
  const evaluate = parser.whole();
  return { text, names: [...parser.names], evaluate };
}

/** Whether to stop at the n-th hit, from 1. */
export type HitCondition = (hits: number) => boolean;

/** "5" (from the fifth hit on), ">= 5", "> 5", "== 5", "< 5", "<= 5", "% 5" (every fifth). */
export function compileHitCondition(text: string): HitCondition {
  const [, operator = '>=', digits = ''] =
    /^\s{0,99}(>=|<=|==|=|>|<|%)?\s{0,99}(\d{1,15})\s{0,99}$/.exec(text) ?? [];
  const count = Number(digits);
  if (digits === '' || (operator === '%' && count === 0)) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    throw new ConditionError(
      `'${shown}' is no hit condition: write a number, or one after >=, >, ==, <, <= or %.`,
      0,
    );
  }
  // prettier-ignore
  switch (operator) {
    case '%':  return (hits) => hits % count === 0;
    case '<':  return (hits) => hits < count;
    case '<=': return (hits) => hits <= count;
    case '>':  return (hits) => hits > count;
    case '>=': return (hits) => hits >= count;
    default:   return (hits) => hits === count;
  }
}
