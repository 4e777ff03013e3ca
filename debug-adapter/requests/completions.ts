/** Completion in the debug console: commands at the beginning, then registers and symbols. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { commandNames } from '../console-commands.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';

export async function completions(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const text = request.string('text');
  // The cursor stands before the column.
  const column = request.integer('column', text.length + session.firstColumn);
  const before = text.slice(0, Math.max(column - session.firstColumn, 0));
  const word = /[\w.$]*$/.exec(before)?.[0] ?? '';
  const start = before.length - word.length;
  const item = (
    label: string,
    type: DebugProtocol.CompletionItemType,
  ): DebugProtocol.CompletionItem => ({ label, type, start, length: word.length });
  const begins = (name: string): boolean => name.startsWith(word);
  const commands = before.trim() === word ? commandNames().filter(begins) : [];
  const groups = await guest.registers();
  const registers = groups
    .flatMap((group) => group.registers.map(({ name }) => name.toLowerCase()))
    .filter(begins);
  return {
    targets: [
      ...commands.map((name) => item(name, 'keyword')),
      ...registers.map((name) => item(name, 'variable')),
      ...guest.symbols.complete(word).map((name) => item(name, 'function')),
    ],
  };
}
