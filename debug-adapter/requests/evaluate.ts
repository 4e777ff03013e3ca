/**
 * Expressions for watches, hovers and the debug console. All but the console only look; in the console
 * there are commands as well (console-commands.ts) and assignments to registers.
 */
import { failure } from '../errors.ts';
import { findCommand } from '../console-commands.ts';
import type { Guest } from '../guest.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { formatReference } from '../memory-reference.ts';
import { findRegister, registerRow } from '../registers.ts';
import type { GuestscopeSession } from '../session.ts';
import type { ValueFormat } from '../variables.ts';
import { valueFormat } from './variables.ts';

/** `eax = 5`, and not `eax == 5`. */
const ASSIGNMENT = /^\s*([A-Za-z]\w*)\s*=(?!=)\s*(.+)$/s;

export async function evaluate(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const expression = request.string('expression');
  const context = request.optionalString('context') ?? 'watch';
  const format = valueFormat(request);
  const inConsole = context === 'repl';
  if (inConsole && expression.trim() === '') return { result: '', variablesReference: 0 };
  const [, register, value] = ASSIGNMENT.exec(expression) ?? [];
  if (register !== undefined && value !== undefined) {
    if (!inConsole) throw failure('writeRefused', { context });
    await guest.writeRegister(register.toLowerCase(), await guest.evaluate(value));
    request.whenAnswered(async () => {
      session.event('invalidated', { areas: ['variables', 'stacks'] });
      await session.changed();
    });
    return valueOf(guest, register, format);
  }
  const command = inConsole ? findCommand(expression) : null;
  if (command !== null) {
    const result = await command.run(guest);
    return { result, variablesReference: 0 };
  }
  return valueOf(guest, expression, format);
}

/** A register by its name as the Variables view shows it, any other expression as a number. */
async function valueOf(guest: Guest, expression: string, format: ValueFormat): Promise<unknown> {
  const groups = await guest.registers();
  const register = findRegister(groups, expression.trim());
  if (register !== null) {
    const row = registerRow(guest.registerAccess(), groups, register, format);
    const { value, ...rest } = guest.variables.asVariable(row);
    const memoryReference =
      rest.memoryReference ?? formatReference({ space: 'linear', address: register.value });
    const { variablesReference, type } = rest;
    return {
      result: value,
      variablesReference,
      ...(type !== undefined && { type }),
      memoryReference,
    };
  }
  const value = await guest.evaluate(expression);
  const symbol = guest.symbols.describe(value);
  const number = format.hex ? `0x${value.toString(16)} (${value})` : String(value);
  return {
    result: number + (symbol === null ? '' : ` <${symbol}>`),
    variablesReference: 0,
    memoryReference: formatReference({ space: 'linear', address: value }),
  };
}
