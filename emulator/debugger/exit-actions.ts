/**
 * What a person, or a breakpoint, has done with an exit instead of what the hypervisor would do
 * (hypervisor/intervention.ts). Values are expressions until it comes to it; then they are numbers, which
 * is what a run that is to be the same again has to be given.
 */
import type { EventAction, ExitAction, RegisterAction } from '../debug-port.ts';
import { evaluate, type Scope } from '../expressions/evaluator.ts';
import {
  compileExpression,
  type ExpressionSource,
  type ParsedExpression,
} from '../expressions/expression.ts';
import type { Names } from '../expressions/resolve.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import {
  type InjectedEvent,
  type Intervention,
  RESULT_REGISTERS,
  type ResultRegister,
} from '../hypervisor/intervention.ts';
import type { VmExit } from '../hypervisor/vm-exit.ts';
import type { Machine } from '../machine.ts';
import { didYouMean } from '../nearest-name.ts';
import { CodeView } from './code-view.ts';

/** An action whose expressions are known to name what there is; gives the numbers at a place. */
export type CompiledAction = (machine: Machine, exit: VmExit, scope: Scope) => Intervention;
export type CompiledEvent = (scope: Scope) => InjectedEvent;

const EXCEPTIONS = 32;
const VECTORS = 256;

/** Throws ExpressionError for a name that is not known here. */
export function compileAction(action: ExitAction, known: Names): CompiledAction {
  switch (action.kind) {
    case 'inject': {
      const event = compileEvent(action.event, known);
      return (_machine, _exit, scope) => ({ kind: 'inject', event: event(scope) });
    }
    case 'skip': {
      const registers = compileRegisters(action.registers, known);
      return (machine, exit, scope) => ({
        kind: 'skip',
        length: exit.instructionLength || lengthAt(machine, exit),
        registers: registers(scope),
      });
    }
    case 'return': {
      const registers = compileRegisters(action.registers, known);
      return (_machine, _exit, scope) => ({ kind: 'return', registers: registers(scope) });
    }
  }
}

export function compileEvent(event: EventAction, known: Names): CompiledEvent {
  switch (event.kind) {
    case 'nmi':
      return () => ({ kind: 'nmi' });
    case 'interrupt': {
      const vector = number(event.vector, known);
      return (scope) => ({ kind: 'interrupt', vector: below(vector(scope), VECTORS, 'vector') });
    }
    case 'exception': {
      const code = event.errorCode === null ? null : number(event.errorCode, known);
      const address = event.address === null ? null : number(event.address, known);
      const vector = below(event.vector, EXCEPTIONS, 'exception');
      return (scope) => ({
        kind: 'exception',
        vector,
        errorCode: code?.(scope) ?? null,
        address: address?.(scope) ?? 0,
      });
    }
  }
}

function compileRegisters(
  actions: readonly RegisterAction[],
  known: Names,
): (scope: Scope) => { readonly register: ResultRegister; readonly value: number }[] {
  const compiled = actions.map(({ register, value }) => ({
    register: checkedRegister(register),
    value: number(value, known),
  }));
  return (scope) => compiled.map(({ register, value }) => ({ register, value: value(scope) }));
}

function checkedRegister(name: string): ResultRegister {
  const lower = name.toLowerCase();
  if (isRegister(lower)) return lower;
  const guess = didYouMean(lower, Object.keys(RESULT_REGISTERS));
  throw new ExpressionError(
    `'${name}' is no register that an exit can return in.${guess || ' Name a general one, such as eax or al.'}`,
    0,
  );
}
const isRegister = (name: string): name is ResultRegister => Object.hasOwn(RESULT_REGISTERS, name);

/** An integer of 32 bits, unsigned. */
function number(source: ExpressionSource, known: Names): (scope: Scope) => number {
  const expression: ParsedExpression = compileExpression(source, known);
  return (scope) => {
    const value = evaluate(expression.syntax, scope);
    if (value.kind !== 'integer') {
      throw new ExpressionError(`'${expression.text}' is no integer.`, 0);
    }
    return Number(BigInt.asUintN(32, value.value));
  };
}

function below(value: number, limit: number, what: string): number {
  if (value < limit) return value;
  throw new ExpressionError(
    `There is no ${what} ${String(value)}: they end at ${String(limit - 1)}.`,
    0,
  );
}

/** Bytes of the instruction at the exit, for reasons that do not tell; 0 where none can be read. */
function lengthAt(machine: Machine, { csBase, rip, vcpu }: VmExit): number {
  const { cpu } = machine.vcpus[vcpu];
  return new CodeView(cpu).instructionAt((csBase + rip) >>> 0)?.length ?? 0;
}
