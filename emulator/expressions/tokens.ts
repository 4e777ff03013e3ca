/** Words of an expression: numbers, names, strings, memory forms and operators, each with its place. */
import { type IntegerType, S16, S32, S64, S8, U16, U32, U64, U8 } from './integers.ts';
import { ExpressionError, type Space } from './syntax.ts';

export type Token = { readonly text: string; readonly at: number } & (
  | { readonly kind: 'number' | 'name' | 'string' | 'character' | 'symbol' | 'end' }
  | { readonly kind: 'memory'; readonly space: Space; readonly type: IntegerType }
);

/** What a memory form or a cast calls its integer; C's types as on i386. */
export const INTEGER_TYPES: ReadonlyMap<string, IntegerType> = new Map([
  ['byte', U8],
  ['word', U16],
  ['dword', U32],
  ['qword', U64],
  ['u8', U8],
  ['u16', U16],
  ['u32', U32],
  ['u64', U64],
  ['s8', S8],
  ['s16', S16],
  ['s32', S32],
  ['s64', S64],
  ['uint8_t', U8],
  ['uint16_t', U16],
  ['uint32_t', U32],
  ['uint64_t', U64],
  ['int8_t', S8],
  ['int16_t', S16],
  ['int32_t', S32],
  ['int64_t', S64],
  ['char', S8],
  ['short', S16],
  ['int', S32],
  ['long', S32],
  ['unsigned', U32],
  ['signed', S32],
]);

const SPACE = /\s+/y;
/** `dword[`, `phys:dword[`, `dword ptr [`: the word before the bracket. */
const MEMORY = /(phys:)?(byte|word|dword|qword|[us](?:8|16|32|64))(?:\s+ptr)?(?=\s*\[)/iy;
const NAME = /[A-Za-z_$][\w$]*(?:\.[A-Za-z_\d][\w$]*)*/y;
const NUMBER = /\d[\w]*(?:\.\d+(?:[eE][-+]?\d+)?)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const CHARACTER = /'(?:[^'\\]|\\.)'/y;
const SYMBOL = /->|\|\||&&|<<|>>|<=|>=|==|!=|[-+*/%&|^~!<>?:()[\]=,.]/y;

export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const found = wordAt(text, at);
    if (found === null) {
      throw new ExpressionError(`'${text[at]}' has no meaning here.`, at);
    }
    if (found.kind !== 'space') tokens.push(found);
    at += found.text.length;
  }
  tokens.push({ kind: 'end', text: '', at });
  return tokens;
}

function wordAt(
  text: string,
  at: number,
): Token | { readonly kind: 'space'; readonly text: string } | null {
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const space = match(SPACE);
  if (space !== null) return { kind: 'space', text: space[0] };
  const memory = match(MEMORY);
  if (memory !== null) {
    const type = INTEGER_TYPES.get(memory[2].toLowerCase()) ?? U32;
    const where = memory[1] === undefined ? 'linear' : 'physical';
    return { kind: 'memory', text: memory[0], at, space: where, type };
  }
  const rules = [
    ['name', NAME],
    ['number', NUMBER],
    ['string', STRING],
    ['character', CHARACTER],
    ['symbol', SYMBOL],
  ] as const;
  for (const [kind, pattern] of rules) {
    const word = match(pattern);
    if (word !== null) return { kind, text: word[0], at };
  }
  return null;
}

const ESCAPES: { readonly [letter: string]: string } = { n: '\n', t: '\t', r: '\r', 0: '\0' };

/** What stands between the quotes. */
export function unquoted({ text }: Token): string {
  return text
    .slice(1, -1)
    .replace(/\\(.)/gs, (_, letter: string) =>
      Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : letter,
    );
}
