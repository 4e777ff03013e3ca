/**
 * Expressions for watches, hovers and the debug console, and writing what one names. All but the console
 * only look; in the console there are commands as well (console-commands.ts) and assignments.
 */
import { constantMeaning } from '../../emulator/debugger/expression-names.ts';
import type { Value } from '../../emulator/expressions/evaluator.ts';
import { valueText } from '../../emulator/expressions/value-text.ts';
import { coloured } from '../console/colours.ts';
import type { CommandResult } from '../console/console-commands.ts';
import { findCommand } from '../console/console-commands.ts';
import { failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { formatReference } from '../display/memory-reference.ts';
import { findRegister, registerRow, withoutAnnotation } from '../display/registers.ts';
import type { GuestscopeSession } from '../session.ts';
import type { Typed } from '../typed/typed.ts';
import { itemOf, rowOf } from '../typed/value-rows.ts';
import type { ValueFormat } from '../display/variables.ts';
import { valueFormat } from './variables.ts';

export async function evaluate(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const expression = request.string('expression');
  const context = request.optionalString('context') ?? 'watch';
  const format = valueFormat(request);
  const inConsole = context === 'repl';
  await guest.select(frameIdOf(request));
  if (inConsole && expression.trim() === '') return { result: '', variablesReference: 0 };
  const command = inConsole ? findCommand(expression) : null;
  if (command !== null) {
    const result = await command.run(guest, request.progress);
    const { text, rows, changed, isData }: CommandResult =
      typeof result === 'string' ? { text: result } : result;
    if (changed === true) tellChange(session, request);
    const inColour = session.abilities.ansi && isData !== true;
    return { result: inColour ? coloured(text) : text, ...(await guest.variables.below(rows)) };
  }
  const { target, value } = guest.parseAssignment(expression);
  if (target === null) return described(guest, expression, value, format);
  if (!inConsole) throw failure('writeRefused', { context });
  return assign(session, request, target, value);
}

export async function setExpression(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  await guest.select(frameIdOf(request));
  const target = guest.parseTarget(request.string('expression'));
  const value = guest.understand(withoutAnnotation(request.string('value')));
  const { result, ...rest } = await assign(session, request, target, value);
  return { value: result, ...rest };
}

/** Of the frame that the client shows; null where it names none. */
export function frameIdOf(request: IncomingRequest): number | null {
  return request.has('frameId') ? request.integer('frameId') : null;
}

/** Stores the value and shows what is there then. */
async function assign(
  session: GuestscopeSession,
  request: IncomingRequest,
  target: Typed,
  value: Typed,
): Promise<EvaluateBody> {
  const { guest } = session;
  const text = request.string('expression');
  if (target.kind === 'object') await guest.assignObject(target, value);
  else await guest.assign({ text, syntax: target.syntax }, guest.lowered(value));
  request.whenAnswered(() => session.changed());
  const format = valueFormat(request);
  if (target.kind !== 'plain') return typedBody(guest, text, target, format);
  const { syntax } = target;
  if (syntax.kind === 'name') return plainBody(guest, syntax.name, target, format);
  return shown(guest, await guest.evaluateTyped(target), format);
}

/** Once the request is answered, the client learns that the guest is no longer as it was. */
export function tellChange(session: GuestscopeSession, request: IncomingRequest): void {
  session.guest.changed();
  request.whenAnswered(() => session.changed());
}

interface EvaluateBody {
  readonly result: string;
  readonly variablesReference: number;
  readonly indexedVariables?: number;
  readonly type?: string;
  readonly memoryReference?: string;
}

/** A value as the views show it; with its type where the program has one for it. */
export function described(
  guest: Guest,
  expression: string,
  typed: Typed,
  format: ValueFormat,
): Promise<EvaluateBody> {
  return typed.kind === 'plain'
    ? plainBody(guest, expression, typed, format)
    : typedBody(guest, expression, typed, format);
}

async function typedBody(
  guest: Guest,
  expression: string,
  typed: Exclude<Typed, { kind: 'plain' }>,
  format: ValueFormat,
): Promise<EvaluateBody> {
  const item = itemOf(expression.trim(), typed);
  const row = await rowOf(item, guest.program.view(), format);
  const { value, variablesReference, indexedVariables, type, memoryReference } =
    await guest.variables.asVariable(row);
  return {
    result: value,
    variablesReference,
    ...(indexedVariables !== undefined && { indexedVariables }),
    ...(type !== undefined && { type }),
    ...(memoryReference !== undefined && { memoryReference }),
  };
}

/** A register by its name as the Variables view shows it, any other expression by its value. */
async function plainBody(
  guest: Guest,
  expression: string,
  typed: Typed,
  format: ValueFormat,
): Promise<EvaluateBody> {
  const groups = await guest.registers();
  const register = findRegister(groups, expression.trim().replace(/^[%$]/, ''));
  if (register === null) {
    const body = shown(guest, await guest.evaluateTyped(typed, expression), format);
    const meaning = constantMeaning(expression.trim());
    return meaning === null ? body : { ...body, result: `${body.result}  ${meaning}` };
  }
  const row = registerRow(guest.registerAccess(), groups, register, format);
  const { value, ...rest } = await guest.variables.asVariable(row);
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

function shown(guest: Guest, value: Value, format: ValueFormat): EvaluateBody {
  const text = valueText(value, format.hex);
  if (value.kind !== 'integer') return { result: text, variablesReference: 0 };
  const address = Number(BigInt.asUintN(32, value.value));
  const isAddress = value.type.bits === 32;
  const symbol = isAddress ? guest.symbols.describe(address) : null;
  const memoryReference = formatReference({ space: 'linear', address });
  if (value.asSymbol === true) {
    return { result: symbol ?? text, variablesReference: 0, memoryReference };
  }
  const number = format.hex ? `${text} (${String(value.value)})` : text;
  return {
    result: number + (symbol === null ? '' : ` <${symbol}>`),
    variablesReference: 0,
    ...(isAddress && { memoryReference }),
  };
}
