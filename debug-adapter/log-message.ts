/**
 * Log messages of exit breakpoints: text with expressions in braces, which are replaced by the values they
 * have at the exit.
 */
import type { DebugPort } from '../emulator/debug-port.ts';
import type { ExitRecord } from '../emulator/stop-reason.ts';
import { describeFailure } from './errors.ts';

const BRACES = /\{([^{}]*)\}/g;

/** Changes the expressions of a message. */
export function mapExpressions(message: string, change: (expression: string) => string): string {
  return message.replace(BRACES, (_, expression: string) => `{${change(expression)}}`);
}

/** The finished text; an expression without a value is replaced by what is wrong with it. */
export function formatLog(message: string, exit: ExitRecord, machine: DebugPort): string {
  return message.replace(BRACES, (_, expression: string) => {
    const name = expression.trim();
    const field = Object.hasOwn(exit.fields, name) ? exit.fields[name] : undefined;
    try {
      return `0x${(field ?? machine.evaluate(name)).toString(16)}`;
    } catch (cause) {
      return `<${describeFailure(cause)}>`;
    }
  });
}
