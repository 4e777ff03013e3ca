/**
 * Completion in the debug console and in conditions: commands at the beginning, the words that they know,
 * and what an expression may name (registers and their parts, fields of exits, functions, symbols).
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { constantMeaning } from '../../emulator/debugger/expression-names.ts';
import { FUNCTIONS } from '../../emulator/expressions/functions.ts';
import { commandNames, nextWords } from '../console/console-commands.ts';
import { machineNames } from '../expressions/expressions.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';
import { type Completion, memberCompletions, programCompletions } from '../typed/completion.ts';
import { frameIdOf } from './evaluate.ts';

function memberItems(
  members: readonly Completion[],
  before: string,
): readonly DebugProtocol.CompletionItem[] {
  const word = /\w*$/.exec(before)?.[0] ?? '';
  return members
    .filter(({ name }) => name.startsWith(word))
    .map(({ name, detail }) => ({
      label: name,
      type: 'field',
      start: before.length - word.length,
      length: word.length,
      ...(detail !== null && { detail }),
    }));
}

export async function completions(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const { firstColumn } = session.abilities;
  const text = request.string('text');
  // The cursor stands before the column.
  const column = request.integer('column', text.length + firstColumn);
  const before = text.slice(0, Math.max(column - firstColumn, 0));
  const word = /#?[\w.$]*$/.exec(before)?.[0] ?? '';
  const start = before.length - word.length;
  const items = (
    names: Iterable<string>,
    type: DebugProtocol.CompletionItemType,
  ): DebugProtocol.CompletionItem[] =>
    [...names]
      .filter((name) => name.startsWith(word))
      .map((label) => {
        const detail = constantMeaning(label);
        return { label, type, start, length: word.length, ...(detail !== null && { detail }) };
      });
  // where a command has words of its own, what an expression may name is not meant
  const next = await nextWords(before.slice(0, start), guest);
  if (next.length > 0) return { targets: items(next, 'value') };
  await guest.select(frameIdOf(request));
  const around = guest.program.around();
  const members = memberCompletions(before, around);
  if (members !== null) return { targets: memberItems(members, before) };
  return {
    targets: [
      ...(before.trim() === word ? items(commandNames(), 'keyword') : []),
      ...items(new Set(machineNames()), 'variable'),
      ...items(FUNCTIONS.keys(), 'method'),
      ...items(programCompletions(word, around), 'variable'),
      ...items(guest.symbols.complete(word), 'function'),
    ],
  };
}
