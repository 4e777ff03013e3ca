/** Names of the program that can stand at the end of an unfinished expression. */
import { understand } from '../expressions/expressions.ts';
import { ExpressionError } from '../../emulator/expressions/syntax.ts';
import { completed } from './lowering.ts';
import { membersOf } from './members.ts';
import { localNames, type Surroundings } from './program-names.ts';
import { typeOf } from './typed.ts';
import { typeText } from './type-text.ts';
import { isStruct, pointee } from './types.ts';

export interface Completion {
  readonly name: string;
  /** Its type, where it has one. */
  readonly detail: string | null;
}

const MOST = 200;

/**
 * Members for what ends with `.`, `->` or the beginning of a member's name; null for anything else.
 * @param before the text up to the cursor
 */
export function memberCompletions(
  before: string,
  around: Surroundings,
): readonly Completion[] | null {
  const cut = lastSplit(lastOperand(before));
  if (cut === null || cut.whole === '') return null;
  try {
    const type = typeOf(understand(cut.whole, around));
    const held = type === null ? null : cut.throughPointer ? pointee(type) : type;
    const kind = held === null ? null : completed(held, around);
    if (kind === null || !isStruct(kind)) return null;
    return membersOf(kind).map(({ member }) => ({
      name: member.name ?? '',
      detail: typeText(member.type),
    }));
  } catch (cause) {
    if (cause instanceof ExpressionError) return null;
    throw cause;
  }
}

/** `a->b.` as what has members and how they are named. */
function lastSplit(
  text: string,
): { readonly whole: string; readonly throughPointer: boolean } | null {
  const found = /(\.|->)\s*\w*$/.exec(text);
  if (found === null) return null;
  return { whole: text.slice(0, found.index), throughPointer: found[1] === '->' };
}

/** The operand with members, elements and brackets that a text ends with. */
function lastOperand(text: string): string {
  let at = text.length;
  while (at > 0) {
    const before = text.slice(0, at);
    const word = /(?:[\w$]|\.|->)+$/.exec(before);
    const closing = before.at(-1);
    if (word !== null) at = word.index;
    else if (closing === ')' || closing === ']') at = opening(text, at - 1);
    else break;
  }
  return text.slice(at);
}

/** Where the bracket that closes at `end` is opened; 0 where it is not. */
function opening(text: string, end: number): number {
  let depth = 0;
  for (let at = end; at >= 0; at--) {
    const letter = text[at] ?? '';
    if (')]'.includes(letter)) depth++;
    if ('(['.includes(letter) && --depth === 0) return at;
  }
  return 0;
}

/** Variables of the frame, and functions, variables and types of the program. */
export function programCompletions(prefix: string, around: Surroundings): readonly string[] {
  const locals = localNames(around).filter((name) => name.startsWith(prefix));
  // without a beginning, tens of thousands would be as good
  const others = prefix === '' ? [] : around.information.flatMap((each) => each.namesFrom(prefix, MOST));
  return [...new Set([...locals, ...others])].slice(0, MOST);
} // prettier-ignore
