/**
 * Log messages of breakpoints: text and expressions, which are replaced by the values they have when the
 * breakpoint is met. Names of addresses are left for the adapter, which knows the symbols.
 */
import { evaluate, type Scope } from '../expressions/evaluator.ts';
import type { ParsedExpression } from '../expressions/expression.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import { valueText } from '../expressions/value-text.ts';

/** Text and expressions in turn. */
export type LogMessage = readonly (string | ParsedExpression)[];
/** A printed message: text, and linear addresses that are to be shown as symbols. */
export type LogLine = readonly (string | { readonly symbolAt: number })[];

/** Lines kept until somebody takes them. */
const LIMIT = 1000;

/** An expression without a value is replaced by what is wrong with it. */
function fillIn(message: LogMessage, scope: Scope): LogLine {
  return message.map((part) => {
    if (typeof part === 'string') return part;
    try {
      const value = evaluate(part.syntax, scope);
      const isSymbol = value.kind === 'integer' && value.asSymbol === true;
      return isSymbol ? { symbolAt: Number(value.value) } : valueText(value, true);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return `<${error.message}>`;
    }
  });
}

/** What breakpoints have printed: bounded, what is too much is counted. */
export class LogLines {
  #lines: LogLine[] = [];
  #dropped = 0;

  add(message: LogMessage, scope: Scope): void {
    if (this.#lines.length < LIMIT) this.#lines.push(fillIn(message, scope));
    else this.#dropped++;
  }
  /** All since the last call. */
  take(): { readonly lines: readonly LogLine[]; readonly dropped: number } {
    const taken = { lines: this.#lines, dropped: this.#dropped };
    this.#lines = [];
    this.#dropped = 0;
    return taken;
  }
}
