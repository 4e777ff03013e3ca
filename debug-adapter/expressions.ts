/**
 * Expressions on their way to the machine: it knows registers, numbers, memory and an exit's fields, the
 * adapter knows symbols, so names of symbols are replaced by their addresses here.
 */
import { exitNames } from '../emulator/hypervisor/describe-exit.ts';
import type { ExitReason } from '../emulator/hypervisor/exit-reasons.ts';
import { EXIT_REASONS } from '../emulator/hypervisor/exit-reasons.ts';
import type { SymbolTable } from './symbols/symbol-table.ts';

/** Register names of IA-32 and their parts, which no symbol may hide. */
const REGISTER =
  /^(e?[abcd]x|[abcd][hl]|e?[sd]i|e?[sb]p|e?ip|r(ip|flags)|[cdefgs]s|e?flags|cr\d|dr\d|st\d?|mm\d|xmm\d|mxcsr|[gil]dtr?|tr|tsc|cpl|efer|[coszapid]f|if|tf|nt|rf|vm|ac|iopl)$/i;

/** An identifier, with the & that C puts before a name whose address is meant. */
const IDENTIFIER = /(^|[-+*/%(,<>=!&|^~[\s])?(&\s*)?\b([A-Za-z_$][\w$.]*)/g;

/** Names that a condition on some exit may use. */
const FIELDS: ReadonlySet<string> = new Set(
  (EXIT_REASONS as readonly ExitReason[]).flatMap((row) => exitNames(row).map(({ name }) => name)),
);

/** The expression with symbols as hexadecimal addresses; other names stay for the machine to judge. */
export function resolveSymbols(expression: string, symbols: SymbolTable): string {
  if (symbols.size === 0) return expression;
  return expression.replace(
    IDENTIFIER,
    (whole, before: string | undefined, ampersand: string | undefined, name: string) => {
      if (REGISTER.test(name) || FIELDS.has(name)) return whole;
      const symbol = symbols.find(name);
      if (symbol === null) return whole;
      const address = `0x${symbol.address.toString(16)}`;
      // After an operand, & is the bitwise operator and not "address of".
      const binary = ampersand !== undefined && before === undefined;
      return `${before ?? ''}${binary ? '& ' : ''}${address}`;
    },
  );
}
