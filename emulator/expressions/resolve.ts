/**
 * The machine's tree of an expression whose names are resolved, but for which no types are known: of
 * conditions and watches in a guest without debugging information. Names are resolved before anything
 * runs, so that a mistake is told where it stands.
 */
import { FUNCTIONS } from './functions.ts';
import { didYouMean } from '../nearest-name.ts';
import { type IntegerType, S32, S64, U32 } from './integers.ts';
import { notWritable, parseWritten, parseWrittenStatement, shortened } from './parser.ts';
import { ExpressionError, type Syntax, type TypeName } from './syntax.ts';
import { INTEGER_TYPES } from './tokens.ts';
import {
  isWrittenType,
  type Written,
  type WrittenNode,
  type WrittenType,
  wordsOf,
} from './written.ts';

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

const WRITABLE: readonly Syntax['kind'][] = ['name', 'memory', 'target', 'element', 'call'];

/** Whether a value can be stored there, as far as the tree tells. */
export const isWritable = ({ kind }: Syntax): boolean => WRITABLE.includes(kind);

export function unknownName(name: string, at: number, known: Iterable<string>): ExpressionError {
  const guess = didYouMean(name, known);
  return new ExpressionError(`There is no name '${shortened(name)}' here.${guess}`, at);
}

/** Throws ExpressionError for a name that is not known, and for what needs types. */
export function resolveNames(written: Written, names: Names): Syntax {
  const resolved = (node: Written): Syntax => resolveNames(node, names);
  switch (written.kind) {
    case 'integer':
    case 'real':
    case 'string':
      return written;
    case 'word':
      return named(written, names);
    case 'unary':
      return { ...written, operand: resolved(written.operand) };
    case 'binary':
      return { ...written, left: resolved(written.left), right: resolved(written.right) };
    case 'conditional': {
      const [test, yes, no] = [written.test, written.yes, written.no].map(resolved);
      return { ...written, test, yes, no };
    }
    case 'cast':
      return { ...written, type: knownType(written.type), operand: resolved(written.operand) };
    case 'memory': {
      const segment = written.segment === null ? null : resolved(written.segment);
      return { ...written, segment, address: resolved(written.address) };
    }
    case 'target':
      return { ...written, pointer: resolved(written.pointer) };
    case 'address':
      return addressOf(resolved(written.operand), written.at);
    case 'element':
      return { ...written, pointer: resolved(written.pointer), index: resolved(written.index) };
    case 'call':
      if (FUNCTIONS.get(written.name)?.ofSystem === true) throw ofSystem(written.name, written.at);
      return { ...written, operands: written.operands.map(resolved) };
    case 'size':
      return sizeOf(written);
    case 'member':
    case 'offset':
    case 'container':
      throw new ExpressionError(NO_TYPES, written.at);
  }
}

const NO_TYPES =
  'Members are known from debugging information: name the guest\'s ELF file, compiled with -g, under "symbols" of launch.json.';

/** A function that only the symbols of an operating system can tell. */
export function ofSystem(name: string, at: number): ExpressionError {
  return new ExpressionError(
    `'${name}' is known from the debugging information of a Linux kernel: list its vmlinux under "symbols" of launch.json.`,
    at,
  );
}

function named({ name, at }: WrittenNode<'word'>, names: Names): Syntax {
  const meaning = names.resolve(name);
  if (meaning === null) throw unknownName(name, at, names.list());
  return { ...meaning, at };
}

/** A symbol's value is its address already, and C's & before it says the same. */
export function addressOf(operand: Syntax, at: number): Syntax {
  switch (operand.kind) {
    case 'target':
      return operand.pointer;
    case 'memory':
      if (operand.space === 'linear' && operand.segment === null) return operand.address;
      break;
    case 'integer':
    case 'name':
      return operand;
    default:
  }
  throw new ExpressionError("'&' applies to what lies in linear memory.", at);
}

function sizeOf({ of, at }: WrittenNode<'size'>): Syntax {
  if (!isWrittenType(of)) throw new ExpressionError(NO_TYPES, at);
  const { integer, pointers } = knownType({ ...of, made: of.made.filter(isPointer) });
  const counts = of.made.filter((each) => each !== 'pointer');
  const size = counts.reduce((product, count) => product * BigInt(count), BigInt(pointers > 0 ? 4 : integer.bits / 8)); // prettier-ignore
  return { kind: 'integer', at, value: size, type: U32 };
}

const isPointer = (made: 'pointer' | number): made is 'pointer' => made === 'pointer';

/** A type of the language's own. Throws ExpressionError for any other. */
function knownType(type: WrittenType): TypeName {
  const known = typeName(type);
  if (known !== null) return known;
  const words = wordsOf(type);
  const guess = didYouMean(words, INTEGER_TYPES.keys());
  throw new ExpressionError(`There is no type '${shortened(words)}' here.${guess}`, type.at);
}

/** An integer, or a pointer to one; null for what only a program's types can tell. */
export function typeName({ words, made }: WrittenType): TypeName | null {
  const integer = integerType(words);
  return integer === null || !made.every(isPointer) ? null : { integer, pointers: made.length };
}

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

/** Throws ExpressionError with a sentence and the place. */
export function parseExpression(text: string, names: Names): Syntax {
  return resolveNames(parseWritten(text), names);
}

/** The same for what may be an assignment, `eax = 5`. */
export function parseStatement(text: string, names: Names): Statement {
  const { target, value, at } = parseWrittenStatement(text);
  const resolved = target === null ? null : resolveNames(target, names);
  if (resolved !== null && !isWritable(resolved)) throw notWritable(at);
  return { target: resolved, value: resolveNames(value, names) };
}
