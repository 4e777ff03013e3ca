/**
 * From a text to its tree, by precedence climbing with bounded depth. C's expressions over registers,
 * symbols, fields of an exit and guest memory, and calls of functions.ts. Names are resolved here, so
 * that a mistake is told where it stands, before anything runs.
 */
import { didYouMean } from '../nearest-name.ts';
import { FUNCTIONS } from './functions.ts';
import { constantType, type IntegerType, S32, S64, U32, U64 } from './integers.ts';
import { ExpressionError, type Syntax, type TypeName } from './syntax.ts';
import { INTEGER_TYPES, type Token, tokenize, unquoted } from './tokens.ts';

/** What a name stands for: something whose value the scope knows, or a constant such as an address. */
export type Meaning =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'integer'; readonly value: bigint; readonly type: IntegerType }
  | { readonly kind: 'string'; readonly text: string };

export interface Names {
  /** Null: there is none. Names may have dots in them ("cs.base", "memcpy.isra.0"). */
  resolve(name: string): Meaning | null;
  /** For "did you mean". */
  list(): Iterable<string>;
}

/** What was typed: an expression, or one whose value is to be stored somewhere. */
export interface Statement {
  readonly target: Syntax | null;
  readonly value: Syntax;
}

export const LONGEST_TEXT = 1024;
const DEEPEST = 100;

/** Binary operators by how tightly they bind, as in C. */
const LEVELS: ReadonlyMap<string, number> = new Map(
  [
    ['||'],
    ['&&'],
    ['|'],
    ['^'],
    ['&'],
    ['==', '!=', 'contains'],
    ['<', '<=', '>', '>='],
    ['<<', '>>'],
    ['+', '-'],
    ['*', '/', '%'],
  ].flatMap((operators, level) => operators.map((operator) => [operator, level + 1] as const)),
);
const UNARY: readonly string[] = ['!', '~', '-', '+'];

class Parser {
  readonly #tokens: readonly Token[];
  readonly #names: Names;
  #at = 0;
  #depth = 0;

  constructor(text: string, names: Names) {
    if (text.length > LONGEST_TEXT) {
      throw new ExpressionError(
        `The expression is longer than ${LONGEST_TEXT} characters.`,
        LONGEST_TEXT,
      );
    }
    this.#tokens = tokenize(text);
    this.#names = names;
  }

  statement(): Statement {
    if (this.#peek().kind === 'end') throw new ExpressionError('The expression is empty.', 0);
    const first = this.#expression();
    const { at } = this.#peek();
    if (!this.#accept('=')) {
      this.#end();
      return { target: null, value: first };
    }
    const writable = ['name', 'memory', 'target', 'element', 'call'];
    if (!writable.includes(first.kind)) {
      throw new ExpressionError('Only registers and memory can be assigned to.', at);
    }
    const value = this.#expression();
    this.#end();
    return { target: first, value };
  }

  whole(): Syntax {
    if (this.#peek().kind === 'end') throw new ExpressionError('The expression is empty.', 0);
    const value = this.#expression();
    this.#end();
    return value;
  }

  #end(): void {
    if (this.#peek().kind !== 'end') throw this.#unexpected('an operator');
  }
  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
  }
  #is(symbol: string, ahead = 0): boolean {
    const token = this.#peek(ahead);
    return token.kind === 'symbol' && token.text === symbol;
  }
  #accept(symbol: string): boolean {
    if (!this.#is(symbol)) return false;
    this.#at++;
    return true;
  }
  #expect(symbol: string): void {
    if (!this.#accept(symbol)) throw this.#unexpected(`'${symbol}'`);
  }
  #unexpected(wanted: string): ExpressionError {
    const { kind, text, at } = this.#peek();
    if (text === '=') return new ExpressionError("Write '==' to compare.", at);
    const found = kind === 'end' ? 'the end' : `'${text}'`;
    return new ExpressionError(`Expected ${wanted}, found ${found}.`, at);
  }

  /** Runs one level of recursion, bounded. */
  #nested(parse: () => Syntax): Syntax {
    if (this.#depth >= DEEPEST) {
      throw new ExpressionError('The expression is nested too deeply.', this.#peek().at);
    }
    this.#depth++;
    const result = parse();
    this.#depth--;
    return result;
  }

  #expression(): Syntax {
    return this.#nested(() => {
      const test = this.#binary(1);
      const { at } = this.#peek();
      if (!this.#accept('?')) return test;
      const yes = this.#expression();
      this.#expect(':');
      return { kind: 'conditional', at, test, yes, no: this.#expression() };
    });
  }

  /** Operators of at least `level`, left-associative. */
  #binary(level: number): Syntax {
    return this.#nested(() => {
      let left = this.#unary();
      for (;;) {
        const { kind, text, at } = this.#peek();
        // where an operator is due, a word is one
        const found = kind === 'symbol' || kind === 'name' ? (LEVELS.get(text) ?? 0) : 0;
        if (found < level) return left;
        this.#at++;
        left = { kind: 'binary', operator: text, at, left, right: this.#binary(found + 1) };
      }
    });
  }

  #unary(): Syntax {
    const { kind, text, at } = this.#peek();
    if (kind !== 'symbol') return this.#postfix();
    if (UNARY.includes(text)) {
      return this.#nested(() => {
        this.#at++;
        return { kind: 'unary', operator: text, at, operand: this.#unary() };
      });
    }
    if (text === '*') {
      return this.#nested(() => {
        this.#at++;
        return { kind: 'target', at, pointer: this.#unary() };
      });
    }
    // a symbol's value is its address: C's & before it says the same
    if (text === '&' && this.#peek(1).kind === 'name') {
      this.#at++;
      return this.#postfix();
    }
    const type = text === '(' ? this.#castType() : null;
    if (type === null) return this.#postfix();
    return this.#nested(() => ({ kind: 'cast', at, type, operand: this.#unary() }));
  }

  /** `(unsigned char *)`; null, and nothing taken, when it is none. */
  #castType(): TypeName | null {
    let ahead = 1;
    const words: string[] = [];
    for (let token = this.#peek(ahead); token.kind === 'name'; token = this.#peek(++ahead)) {
      if (!INTEGER_TYPES.has(token.text)) return null;
      words.push(token.text);
    }
    let pointers = 0;
    for (; this.#is('*', ahead); ahead++) pointers++;
    const integer = integerType(words);
    if (integer === null || !this.#is(')', ahead)) return null;
    this.#at += ahead + 1;
    return { integer, pointers };
  }

  #postfix(): Syntax {
    let value = this.#primary();
    for (;;) {
      const { at } = this.#peek();
      if (!this.#accept('[')) return value;
      const index = this.#expression();
      this.#expect(']');
      value = { kind: 'element', at, pointer: value, index };
    }
  }

  #primary(): Syntax {
    const token = this.#peek();
    const { at } = token;
    if (this.#accept('(')) {
      const inside = this.#expression();
      this.#expect(')');
      return inside;
    }
    // a register as the assembler writes it
    if (this.#is('%') && this.#peek(1).kind === 'name') this.#at++;
    const word = this.#peek();
    if (word.kind === 'end' || word.kind === 'symbol') throw this.#unexpected('a value');
    this.#at++;
    // prettier-ignore
    switch (word.kind) {
      case 'name': return this.#is('(') || isSubscripted(word.text, this.#is('[')) ? this.#call(word) : this.#name(word);
      case 'memory': return this.#memory(word);
      case 'string': return { kind: 'string', at, text: unquoted(word) };
      case 'character': return { kind: 'integer', at, value: BigInt(unquoted(word).codePointAt(0) ?? 0), type: S32 };
      case 'number': return number(word);
    }
  }

  #name({ text, at }: Token): Syntax {
    const name = text.startsWith('$') ? text.slice(1) : text;
    const meaning = this.#names.resolve(name);
    if (meaning === null) throw unknownName(name, at, this.#names.list());
    return { ...meaning, at };
  }

  /** `symbol(eip)`, `msr[0x10]`. */
  #call({ text: name, at }: Token): Syntax {
    const row = FUNCTIONS.get(name);
    if (row === undefined) {
      const guess = didYouMean(name, FUNCTIONS.keys());
      throw new ExpressionError(`There is no function '${shortened(name)}'.${guess}`, at);
    }
    const closing = this.#accept('[') ? ']' : ')';
    if (closing === ')') this.#expect('(');
    const operands: Syntax[] = [];
    if (!this.#is(closing)) {
      do operands.push(this.#expression());
      while (this.#accept(','));
    }
    this.#expect(closing);
    const [least, most] = row.operands;
    if (operands.length < least || operands.length > most) {
      throw new ExpressionError(`Write ${row.usage}: ${row.meaning}.`, at);
    }
    return { kind: 'call', at, name, operands };
  }

  #memory(word: Extract<Token, { kind: 'memory' }>): Syntax {
    const { at, space, type } = word;
    this.#expect('[');
    const first = this.#expression();
    const far = this.#accept(':');
    const address = far ? this.#expression() : first;
    this.#expect(']');
    if (far && space === 'physical') {
      throw new ExpressionError('A physical address has no segment.', at);
    }
    return { kind: 'memory', at, space, type, segment: far ? first : null, address };
  }
}

const isSubscripted = (name: string, bracket: boolean): boolean =>
  bracket && FUNCTIONS.get(name)?.subscript === true;

/** `unsigned short int` and the like; null for what is no type. */
function integerType(words: readonly string[]): IntegerType | null {
  const isSign = (word: string): boolean => word === 'unsigned' || word === 'signed';
  const signs = words.filter(isSign);
  const rest = words.filter((word) => !isSign(word));
  if (words.length === 0 || signs.length > 1) return null;
  const sizes = rest.filter((word, _, all) => word !== 'int' || all.length === 1);
  const name = sizes.join(' ');
  const base =
    name === ''
      ? S32
      : name === 'long long'
        ? S64
        : name === 'long'
          ? S32
          : INTEGER_TYPES.get(name);
  if (base === undefined) return null;
  return signs[0] === 'unsigned' ? { ...base, signed: false } : base;
}

function number({ text, at }: Token): Syntax {
  if (/^\d+(\.\d+|[eE]\d+$)/.test(text)) {
    const value = Number(text);
    if (Number.isNaN(value)) throw new ExpressionError(`'${text}' is no number.`, at);
    return { kind: 'real', at, value };
  }
  if (/^0\d/.test(text)) {
    throw new ExpressionError(`Write octal ${text} as 0o${text.slice(1)}, or leave out the 0.`, at);
  }
  const [, digits = '', suffix = ''] =
    /^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|\d+)([uUlL]{0,3})$/.exec(text) ?? [];
  if (digits === '') throw new ExpressionError(`'${text}' is no number.`, at);
  const value = BigInt(digits);
  const type = constantType(value, /^\d+$/.test(digits));
  if (type === null) throw new ExpressionError(`${text} exceeds 64 bits.`, at);
  const wide = /ll/i.test(suffix) || type.bits === 64;
  const bits = wide ? { signed: S64, not: U64 } : { signed: S32, not: U32 };
  return {
    kind: 'integer',
    at,
    value,
    type: /u/i.test(suffix) || !type.signed ? bits.not : bits.signed,
  };
}

const shortened = (name: string): string => (name.length > 40 ? `${name.slice(0, 40)}…` : name);

export function unknownName(name: string, at: number, known: Iterable<string>): ExpressionError {
  const guess = didYouMean(name, known);
  return new ExpressionError(`There is no name '${shortened(name)}' here.${guess}`, at);
}

/** Throws ExpressionError with a sentence and the place. */
export function parseExpression(text: string, names: Names): Syntax {
  return new Parser(text, names).whole();
}

/** The same for what may be an assignment, `eax = 5`. */
export function parseStatement(text: string, names: Names): Statement {
  return new Parser(text, names).statement();
}
