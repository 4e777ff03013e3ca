/**
 * Commands of the debug console about the types of the guest's program, by the names that gdb has for
 * them: what an expression is, what a type is made of, and a value in hexadecimal.
 */
import { valueText } from '../../emulator/expressions/value-text.ts';
import type { CommandResult, CommandRow } from './console-commands.ts';
import { failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import { itemOf, rowOf } from '../typed/value-rows.ts';
import { definitionText, typeText } from '../typed/type-text.ts';
import type { ValueFormat } from '../display/variables.ts';

const WHATIS = 'whatis EXPRESSION';
const PTYPE = 'ptype TYPE or EXPRESSION';

// prettier-ignore
export const TYPED_COMMANDS: readonly CommandRow[] = [
  { name: 'whatis',  usage: WHATIS,               help: 'gives the type of an expression',                                run: (guest, words) => Promise.resolve(whatis(guest, words.join(' '))) },
  { name: 'ptype',   usage: PTYPE,                help: 'shows what a type is made of, with the offsets of its members',  run: (guest, words) => Promise.resolve(ptype(guest, words.join(' '))) },
  { name: 'print',   usage: 'print EXPRESSION',   help: 'shows a value',                                                  run: (guest, words) => print(guest, words.join(' '), { hex: false }) },
  { name: 'print/x', usage: 'print/x EXPRESSION', help: 'shows a value with its numbers in hexadecimal',                  run: (guest, words) => print(guest, words.join(' '), { hex: true, isAsked: true }) },
];

function whatis(guest: Guest, text: string): string {
  const type = text === '' ? missing(WHATIS) : guest.typeAsked(text);
  return type === null ? `'${text}' has no type but that of its bits.` : typeText(type);
}

function ptype(guest: Guest, text: string): string {
  const type = text === '' ? missing(PTYPE) : guest.typeAsked(text);
  if (type === null) return `'${text}' has no type but that of its bits.`;
  return definitionText(type, (declared) => guest.program.view().text.completed(declared));
}

async function print(guest: Guest, text: string, format: ValueFormat): Promise<CommandResult> {
  if (text === '') missing('print EXPRESSION');
  const typed = guest.understand(text);
  if (typed.kind === 'plain')
    return { text: valueText(await guest.evaluateTyped(typed, text), format.hex) };
  const { value, children } = await rowOf(itemOf(text, typed), guest.program.view(), format);
  return { text: value, ...(children !== undefined && { rows: children }) };
}

function missing(usage: string): never {
  throw failure('commandUsage', { problem: 'Something is missing.', usage });
}
