/**
 * From a text to its tree, by precedence climbing with bounded depth: C's expressions over registers,
 * symbols, variables, fields of an exit and guest memory, and calls of functions.ts. What names and types
 * mean is for others to say; here alone a word in parentheses must be known to be a type or not.
 */
import { didYouMean } from '../nearest-name.ts';
import { FUNCTIONS } from './functions.ts';
import { constantType, S32, S64, U32, U64 } from './integers.ts';
import { ExpressionError } from './syntax.ts';
import { INTEGER_TYPES, type Token, tokenize, unquoted } from './tokens.ts';
import type { Leaf, MemberPath, Written, WrittenStatement, WrittenType } from './written.ts';

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

const QUALIFIERS: readonly string[] = ['const', 'volatile', 'restrict'];
const TAGS: readonly string[] = ['struct', 'union', 'enum', 'class'];
/** What a value can be stored to, as far as its form tells. */
const WRITABLE: readonly Written['kind'][] = [
  'word',
  'memory',
  'target',
  'element',
  'call',
  'member',
  'cast',
];

/** Whether a word alone in parentheses is a type. */
export type IsType = (word: string) => boolean;

class Parser {
  readonly #tokens: readonly Token[];
  readonly #isType: IsType;
  #at = 0;
  #depth = 0;

  constructor(text: string, isType: IsType) {
    if (text.length > LONGEST_TEXT) {
      throw new ExpressionError(
        `The expression is longer than ${LONGEST_TEXT} characters.`,
        LONGEST_TEXT,
      );
    }
    this.#tokens = tokenize(text);
    this.#isType = isType;
  }

  statement(): WrittenStatement {
    if (this.#peek().kind === 'end') throw new ExpressionError('The expression is empty.', 0);
    const first = this.#expression();
    const { at } = this.#peek();
    if (!this.#accept('=')) {
      this.#end();
      return { target: null, value: first, at };
    }
    if (!WRITABLE.includes(first.kind)) throw notWritable(at);
    const value = this.#expression();
    this.#end();
    return { target: first, value, at };
  }

  whole(): Written {
    if (this.#peek().kind === 'end') throw new ExpressionError('The expression is empty.', 0);
    const value = this.#expression();
    this.#end();
    return value;
  }

  typeOrWhole(): WrittenType | Written {
    const found = this.#typeOrExpression();
    this.#end();
    return found;
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
  #nested(parse: () => Written): Written {
    if (this.#depth >= DEEPEST) {
      throw new ExpressionError('The expression is nested too deeply.', this.#peek().at);
    }
    this.#depth++;
    const result = parse();
    this.#depth--;
    return result;
  }

  #expression(): Written {
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
  #binary(level: number): Written {
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

  #unary(): Written {
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
    if (text === '&') {
      return this.#nested(() => {
        this.#at++;
        return { kind: 'address', at, operand: this.#unary() };
      });
    }
    const type = text === '(' ? this.#castType() : null;
    if (type === null) return this.#postfix();
    return this.#nested(() => ({ kind: 'cast', at, type, operand: this.#unary() }));
  }

  /** `(unsigned char *)`; null, and nothing taken, when it is none. */
  #castType(): WrittenType | null {
    const start = this.#at++;
    const type = this.#type();
    const isPlain = type?.made.length === 0 && type.words.length === 1;
    const isOpen = isPlain && !isIntegerWord(type.words[0]) && !this.#isType(type.words[0]);
    if (type !== null && !isOpen && this.#accept(')')) return type;
    this.#at = start;
    return null;
  }
  /** `struct list_head *`, `u8 [16]`; null when no type's name stands here. */
  #type(): WrittenType | null {
    const { at } = this.#peek();
    const words: string[] = [];
    const isTag = (): boolean => words.length === 1 && TAGS.includes(words[0]);
    for (;;) {
      const word = this.#wordOfType();
      if (word === null) break;
      if (!QUALIFIERS.includes(word)) {
        const isOfSeveral = isIntegerWord(word) || word === 'double';
        const follows =
          words.length === 0 || isTag() || (isOfSeveral && words.every(isIntegerWord));
        if (!follows) break;
        words.push(word);
      }
      this.#at++;
    }
    if (words.length === 0 || isTag()) return null;
    const made: ('pointer' | number)[] = [];
    while (this.#accept('*')) {
      this.#qualifiers();
      made.push('pointer');
    }
    const counts: number[] = [];
    while (this.#accept('[')) {
      counts.push(this.#count());
      this.#expect(']');
    }
    return { at, words, made: [...made, ...counts.reverse()] };
  }
  #qualifiers(): void {
    while (this.#peek().kind === 'name' && QUALIFIERS.includes(this.#peek().text)) this.#at++;
  }
  /** A word that can stand in a type; `u8` before a bracket looks like a memory form. */
  #wordOfType(): string | null {
    const { kind, text } = this.#peek();
    if (kind === 'memory') return INTEGER_TYPES.has(text) ? text : null;
    return kind === 'name' && !/[.$]/.test(text) ? text : null;
  }
  /** A number written out: how many, or which. */
  #count(): number {
    const token = this.#peek();
    const written = token.kind === 'number' ? number(token) : null;
    if (written?.kind !== 'integer' || written.value > 0x7fffffffn)
      throw this.#unexpected('a number');
    this.#at++;
    return Number(written.value);
  }

  #postfix(): Written {
    let value = this.#primary();
    for (;;) {
      const { at } = this.#peek();
      if (this.#accept('[')) {
        const index = this.#expression();
        this.#expect(']');
        value = { kind: 'element', at, pointer: value, index };
        continue;
      }
      const throughPointer = this.#is('->');
      if (!throughPointer && !this.#is('.')) return value;
      this.#at++;
      for (const [index, { step, at: place }] of this.#names().entries()) {
        value = {
          kind: 'member',
          at: place,
          whole: value,
          name: step,
          throughPointer: throughPointer && index === 0,
        };
      }
    }
  }
  /** The names behind a `.` or `->`, each with its place: one word may be several. */
  #names(): readonly { readonly at: number; readonly step: string }[] {
    const { kind, text, at } = this.#peek();
    const isName = kind === 'name' || (kind === 'memory' && INTEGER_TYPES.has(text));
    if (!isName) throw this.#unexpected('the name of a member');
    this.#at++;
    let place = at;
    return text.split('.').map((step) => {
      const here = place;
      place += step.length + 1;
      return { at: here, step };
    });
  }
  /** `thread.sp`, `comm[2]`. */
  #path(): MemberPath {
    const path: { readonly at: number; readonly step: string | number }[] = [...this.#names()];
    for (;;) {
      const { at } = this.#peek();
      if (this.#accept('.')) path.push(...this.#names());
      else if (this.#accept('[')) {
        path.push({ at, step: this.#count() });
        this.#expect(']');
      } else return path;
    }
  }

  #primary(): Written {
    const token = this.#peek();
    const { at } = token;
    if (this.#accept('(')) {
      const inside = this.#expression();
      this.#expect(')');
      return inside;
    }
    // a register as the assembler writes it
    const isRegister = this.#is('%') && this.#peek(1).kind === 'name';
    if (isRegister) this.#at++;
    const word = this.#peek();
    if (word.kind === 'end' || word.kind === 'symbol') throw this.#unexpected('a value');
    this.#at++;
    // prettier-ignore
    switch (word.kind) {
      case 'name': return this.#is('(') || isSubscripted(word.text, this.#is('[')) ? this.#call(word) : wordOf(word, isRegister);
      case 'memory': return this.#memory(word);
      case 'string': return { kind: 'string', at, text: unquoted(word) };
      case 'character': return { kind: 'integer', at, value: BigInt(unquoted(word).codePointAt(0) ?? 0), type: S32 };
      case 'number': return number(word);
    }
  }

  /** `symbol(eip)`, `msr[0x10]`. */
  #call({ text: name, at }: Token): Written {
    const row = FUNCTIONS.get(name);
    if (row === undefined) {
      const guess = didYouMean(name, FUNCTIONS.keys());
      throw new ExpressionError(`There is no function '${shortened(name)}'.${guess}`, at);
    }
    if (row.ofTypes === true) return this.#ofType(name, at);
    const closing = this.#accept('[') ? ']' : ')';
    if (closing === ')') this.#expect('(');
    const operands: Written[] = [];
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

  /** sizeof, offsetof and container_of, which take types. */
  #ofType(name: string, at: number): Written {
    this.#expect('(');
    let written: Written;
    if (name === 'sizeof') {
      written = { kind: 'size', at, of: this.#typeOrExpression() };
    } else if (name === 'offsetof') {
      written = { kind: 'offset', at, ...this.#typeAndPath() };
    } else {
      const pointer = this.#expression();
      this.#expect(',');
      written = { kind: 'container', at, pointer, ...this.#typeAndPath() };
    }
    this.#expect(')');
    return written;
  }
  #typeOrExpression(): WrittenType | Written {
    const start = this.#at;
    const type = this.#type();
    const isEnd = this.#is(')') || this.#peek().kind === 'end';
    if (type !== null && isEnd && (type.made.includes('pointer') || this.#namesType(type)))
      return type;
    this.#at = start;
    return this.#expression();
  }
  /** Not the name of a variable that stands for its own size. */
  #namesType({ words }: WrittenType): boolean {
    return words.length > 1 || isIntegerWord(words[0]) || this.#isType(words[0]);
  }
  #typeAndPath(): { readonly type: WrittenType; readonly path: MemberPath } {
    const type = this.#type();
    if (type === null) throw this.#unexpected('a type');
    this.#expect(',');
    return { type, path: this.#path() };
  }

  #memory(word: Extract<Token, { kind: 'memory' }>): Written {
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

const isIntegerWord = (word: string): boolean => INTEGER_TYPES.has(word);

function wordOf({ text, at }: Token, isRegister: boolean): Written {
  const marked = text.startsWith('$');
  return {
    kind: 'word',
    at,
    name: marked ? text.slice(1) : text,
    isRegister: isRegister || marked,
  };
}

function number({ text, at }: Token): Leaf {
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

export const shortened = (name: string): string =>
  name.length > 40 ? `${name.slice(0, 40)}…` : name;

export function notWritable(at: number): ExpressionError {
  return new ExpressionError('Only registers and memory can be assigned to.', at);
}

const NONE: IsType = () => false;

/** Throws ExpressionError with a sentence and the place. */
export function parseWritten(text: string, isType = NONE): Written {
  return new Parser(text, isType).whole();
}

/** The same for the name of a type, or an expression that has one. */
export function parseTypeOrWritten(text: string, isType = NONE): WrittenType | Written {
  return new Parser(text, isType).typeOrWhole();
}

/** The same for what may be an assignment, `eax = 5`. */
export function parseWrittenStatement(text: string, isType = NONE): WrittenStatement {
  return new Parser(text, isType).statement();
}
