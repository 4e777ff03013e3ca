/**
 * Log messages of breakpoints, from the text that a person writes to what the machine prints
 * (emulator/debugger/log-message.ts), and from there to the finished line.
 */
import type { LogLine, LogMessage } from '../../emulator/debugger/log-message.ts';
import type { ParsedExpression } from '../../emulator/expressions/expression.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';

/** "{{" and "}}" are braces; else what stands between braces is an expression. */
const PART = /\{\{|\}\}|\{[^{}]*\}|[^{}]+|[{}]/g;

/** @param parse throws for an expression that is wrong. */
export function parseLogMessage(
  message: string,
  parse: (expression: string) => ParsedExpression,
): LogMessage {
  return [...message.matchAll(PART)].map(([part]) => {
    if (part === '{{' || part === '}}') return part.slice(1);
    return part.length > 1 && part.startsWith('{') ? parse(part.slice(1, -1)) : part;
  });
}

export function logText(line: LogLine, symbols: SymbolTable): string {
  return line.parts
    .map((part) => {
      if (typeof part === 'string') return part;
      return symbols.describe(part.symbolAt) ?? `0x${part.symbolAt.toString(16)}`;
    })
    .join('');
}
