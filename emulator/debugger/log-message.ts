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
export interface LogLine {
  /** Text, and linear addresses that are to be shown as symbols. */
  readonly parts: readonly (string | { readonly symbolAt: number })[];
  /** Of the serial output that is taken with it, the bytes that came before it. */
  readonly after: number;
}

/** Lines that wait for the host before run() returns to let it take them. */
const BACKLOG = 1000;
/** Lines kept until somebody takes them: more than one run can print on top of the backlog. */
const LIMIT = 16_384;

/** An expression without a value is replaced by what is wrong with it. */
function fillIn(message: LogMessage, scope: Scope): LogLine['parts'] {
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
  readonly #printed: () => number;
  #lines: LogLine[] = [];
  #dropped = 0;

  /** @param printed bytes of serial output that wait to be taken */
  constructor(printed: () => number) {
    this.#printed = printed;
  }

  /** It is time to take them. */
  get isFull(): boolean {
    return this.#lines.length >= BACKLOG;
  }

  add(message: LogMessage, scope: Scope): void {
    if (this.#lines.length >= LIMIT) this.#dropped++;
    else this.#lines.push({ parts: fillIn(message, scope), after: this.#printed() });
  }
  /** All since the last call. */
  take(): { readonly lines: readonly LogLine[]; readonly dropped: number } {
    const taken = { lines: this.#lines, dropped: this.#dropped };
    this.#lines = [];
    this.#dropped = 0;
    return taken;
  }
}
