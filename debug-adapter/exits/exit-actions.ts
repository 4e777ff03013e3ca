/**
 * What to do with an exit in the hypervisor's place, as people write it in the debug console, in
 * launch.json and in requests:
 *
 *   skip [REGISTER=VALUE, …]        pass over the instruction
 *   return REGISTER=VALUE, …        let the hypervisor handle it, then change what the guest gets
 *   inject #GP(0)                   an exception instead, with its error code
 *   inject #PF ADDRESS [ERROR]      a page fault
 *   inject interrupt VECTOR         an interrupt, and
 *   inject nmi
 *
 * Values are expressions of the debug console.
 */
import { VECTOR } from '../../emulator/cpu/processor.ts';
import type { EventAction, ExitAction, RegisterAction } from '../../emulator/debug-port.ts';
import type { ParsedExpression } from '../../emulator/expressions/expression.ts';
import { didYouMean } from '../../emulator/nearest-name.ts';
import { failure } from '../errors.ts';

type Parse = (text: string) => ParsedExpression;

export const ACTION_USAGE =
  'skip [REGISTER=VALUE, …] | return REGISTER=VALUE, … | inject #GP(0) | inject #PF ADDRESS [ERROR] | inject interrupt VECTOR | inject nmi';

/** Exceptions that push an error code (SDM vol. 3, table 6-1). */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([
  VECTOR.DF, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC,
]); // prettier-ignore

/** Throws the numbered error for what is no action, and for a mistake in an expression. */
export function parseExitAction(text: string, parse: Parse): ExitAction {
  const [verb = '', ...words] = text.trim().split(/\s+/);
  const rest = words.join(' ');
  switch (verb.toLowerCase()) {
    case 'skip':
      return { kind: 'skip', registers: registersOf(rest, parse) };
    case 'return':
      if (rest === '') throw usage('Name a register and its value.');
      return { kind: 'return', registers: registersOf(rest, parse) };
    case 'inject':
      return { kind: 'inject', event: parseEvent(rest, parse) };
    default:
      throw usage(`'${verb}' is nothing that can be done with an exit.`);
  }
}

/** What may follow "inject". */
export function eventNames(): readonly string[] {
  return [...Object.keys(VECTOR).filter((name) => name !== 'NMI').map((name) => `#${name}`), 'interrupt', 'nmi']; // prettier-ignore
}

/** "#PF 0x1000 2", "interrupt 0x20", "nmi"; throws as parseExitAction(). */
export function parseEvent(text: string, parse: Parse): EventAction {
  const trimmed = text.trim();
  if (/^nmi$/i.test(trimmed)) return { kind: 'nmi' };
  const interrupt = /^interrupt\s+(.+)$/i.exec(trimmed)?.[1];
  if (interrupt !== undefined) return { kind: 'interrupt', vector: parse(interrupt) };
  const [, name, inside, rest = ''] = /^#([A-Za-z]{2})(?:\(([^)]*)\))?(.*)$/.exec(trimmed) ?? [];
  if (name === undefined) throw usage(`'${trimmed}' is no event: name #GP, interrupt or nmi.`);
  return exception(name.toUpperCase(), inside, rest.trim(), parse);
}

function exception(
  name: string,
  inside: string | undefined,
  rest: string,
  parse: Parse,
): EventAction {
  const known = Object.entries(VECTOR).find(([each]) => each === name);
  if (known === undefined) {
    const names = Object.keys(VECTOR);
    throw usage(`There is no exception #${name}.${didYouMean(name, names)}`);
  }
  const vector = known[1];
  const words = rest === '' ? [] : rest.split(/\s+/);
  const address = vector === VECTOR.PF ? words.shift() : undefined;
  const code = inside ?? words.shift();
  if (words.length > 0) throw usage(`'${words.join(' ')}' is more than #${name} has.`);
  const pushes = WITH_ERROR_CODE.has(vector);
  if (!pushes && code !== undefined) throw usage(`#${name} has no error code.`);
  return {
    kind: 'exception',
    vector,
    errorCode: pushes ? parse(code ?? '0') : null,
    address: address === undefined ? null : parse(address),
  };
}

/** "eax=1, ebx=max(2, 3)": commas within brackets belong to the value. */
function registersOf(text: string, parse: Parse): readonly RegisterAction[] {
  return pieces(text).map((piece) => {
    const [, register, value] = /^\s*(\w+)\s*=(?!=)(.*)$/s.exec(piece) ?? [];
    if (register === undefined || value === undefined || value.trim() === '') {
      throw usage(`'${piece.trim()}' is no REGISTER=VALUE.`);
    }
    return { register, value: parse(value.trim()) };
  });
}

function pieces(text: string): readonly string[] {
  if (text.trim() === '') return [];
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    else if (character === ',' && depth === 0) {
      found.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...found, text.slice(from)];
}

function usage(problem: string): Error {
  return failure('commandUsage', { problem, usage: ACTION_USAGE });
}
