/**
 * Expressions as breakpoints and the debugger's door take them: a text, or a text that the adapter has
 * parsed already, with its symbols in it as constants.
 */
import { evaluate, isTrue, type Scope, type Value } from './evaluator.ts';
import { type Names, parseExpression, unknownName } from './resolve.ts';
import { namesIn, type Syntax } from './syntax.ts';

export interface ParsedExpression {
  readonly text: string;
  readonly syntax: Syntax;
}
export type ExpressionSource = string | ParsedExpression;

/** Throws ExpressionError, with the place, for a mistake or a name that is not known here. */
export function compileExpression(source: ExpressionSource, names: Names): ParsedExpression {
  if (typeof source === 'string') return { text: source, syntax: parseExpression(source, names) };
  for (const { name, at } of namesIn(source.syntax)) {
    if (names.resolve(name) === null) throw unknownName(name, at, names.list());
  }
  return source;
}

/** Throws ExpressionError for what has no value: unreadable memory, a division by zero. */
export function valueOf(source: ExpressionSource, names: Names, scope: Scope): Value {
  return evaluate(compileExpression(source, names).syntax, scope);
}

export function holds({ syntax }: ParsedExpression, scope: Scope): boolean {
  return isTrue(evaluate(syntax, scope));
}
