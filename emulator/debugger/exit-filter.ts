/**
 * Which exits the log keeps, as launch.json and the console say it: reasons and groups of them, those
 * left out nevertheless, and a condition. Compiled so that what a reason decides costs next to nothing.
 */
import type { ExitLogFilter } from '../debug-port.ts';
import type { Scope } from '../expressions/evaluator.ts';
import { compileExpression, holds } from '../expressions/expression.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import { exitNames } from '../hypervisor/describe-exit.ts';
import type { ExitFilter } from '../hypervisor/exit-log.ts';
import {
  EXIT_REASONS,
  type ExitReason,
  findExitReason,
  unknownExitReason,
} from '../hypervisor/exit-reasons.ts';
import type { RecordedExit } from '../hypervisor/vm-exit.ts';
import { expressionNames } from './expression-names.ts';

const ROWS: readonly ExitReason[] = EXIT_REASONS;

/** The reasons that a name, a number or the name of a group stands for. */
function reasonsOf(text: string): readonly ExitReason[] {
  const wanted = text.trim().toLowerCase();
  const group = ROWS.filter((row) => row.group.toLowerCase() === wanted);
  if (group.length > 0) return group;
  const reason = findExitReason(text);
  if (reason === null) throw new ExpressionError(unknownExitReason(text), 0);
  return [reason];
}

/** A condition has asked for what this exit does not have: it is not one that is meant. */
class NoSuchField extends Error {}

/** @param scope what a condition sees; a field of other exits ends its evaluation with NoSuchField */
function ofOneExit(scope: Scope, fields: ReadonlySet<string>): Scope {
  return {
    ...scope,
    value(name) {
      const value = scope.value(name);
      if (value === null && fields.has(name)) throw new NoSuchField();
      return value;
    },
  };
}

/**
 * Throws ExpressionError for an unknown reason or a bad condition. One that cannot be evaluated keeps the
 * exit, and that is said once.
 */
export function compileFilter({
  reasons,
  except,
  condition,
}: ExitLogFilter): (
  scopeOf: (exit: RecordedExit) => Scope,
  complain: (text: string) => void,
) => ExitFilter {
  const wanted = reasons.length === 0 ? ROWS : reasons.flatMap(reasonsOf);
  const unwanted = new Set(except.flatMap(reasonsOf));
  const kept = wanted.filter((row) => !unwanted.has(row));
  const all = reasons.length === 0 && except.length === 0;
  const numbers = all ? null : new Set(kept.map(({ number }) => number));
  if (condition === undefined) return () => ({ reasons: numbers, keeps: null });
  const fields = new Set(kept.flatMap((row) => exitNames(row, 'before').map(({ name }) => name)));
  const compiled = compileExpression(condition, expressionNames(fields));
  return (scopeOf, complain) => {
    let complained = false;
    const keeps = (exit: RecordedExit): boolean => {
      try {
        return holds(compiled, ofOneExit(scopeOf(exit), fields));
      } catch (error) {
        if (error instanceof NoSuchField) return false;
        if (!(error instanceof ExpressionError)) throw error;
        if (!complained) complain(`The condition of the exit log keeps exits: ${error.message}`);
        complained = true;
        return true;
      }
    };
    return { reasons: numbers, keeps };
  };
}
