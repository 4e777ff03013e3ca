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

/** Names that a condition on some exit may use. */
const FIELDS: ReadonlySet<string> = new Set(
  (EXIT_REASONS as readonly ExitReason[]).flatMap((row) => exitNames(row).map(({ name }) => name)),
);

const TOKEN = /\s+|[A-Za-z_$][\w.$]*|\d\w*|./gs;
const NAME = /^[A-Za-z_$]/;
const OPERAND = /^[\w$)\]]/;

/**
 * The expression with symbols as hexadecimal addresses; other names stay for the machine to judge. The &
 * that C puts before a name whose address is meant is dropped.
 */
export function resolveSymbols(expression: string, symbols: SymbolTable): string {
  if (symbols.size === 0) return expression;
  const resolved: string[] = [];
  /** Last token that is no space, and where an "address of" waits for its symbol. */
  let last = '';
  let addressOf = -1;
  for (const [token] of expression.matchAll(TOKEN)) {
    const symbol = NAME.test(token) && !isTaken(token) ? symbols.find(token) : null;
    if (symbol !== null && addressOf >= 0) resolved[addressOf] = '';
    resolved.push(symbol === null ? token : `0x${symbol.address.toString(16)}`);
    if (token.trim() === '') continue;
    addressOf = token === '&' && !OPERAND.test(last) && last !== '&' ? resolved.length - 1 : -1;
    last = token;
  }
  return resolved.join('');
}

function isTaken(name: string): boolean {
  return REGISTER.test(name) || FIELDS.has(name);
}
