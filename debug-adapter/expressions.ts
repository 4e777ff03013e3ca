/**
 * Expressions on their way to the machine: the adapter parses them, since it knows the symbols, and sends
 * the tree with addresses in their place. Registers and an exit's fields come before symbols of that name.
 */
import { eventNames, expressionNames, fieldNames } from '../emulator/debugger/expression-names.ts';
import type { MachineEventRow } from '../emulator/debugger/machine-events.ts';
import type { ParsedExpression } from '../emulator/expressions/expression.ts';
import { U32 } from '../emulator/expressions/integers.ts';
import type { Meaning, Names } from '../emulator/expressions/parser.ts';
import { parseExpression, parseStatement } from '../emulator/expressions/parser.ts';
import type { SymbolTable } from './symbols/symbol-table.ts';

/** What the machine knows, whatever the expression is about: it refuses what is not there. */
/** Symbols up to which a mistyped name is compared with all. */
const NAMES_COMPARED = 5000;
const MACHINE = expressionNames(fieldNames(), eventNames(null));

/** @param event whose words for values are known besides */
export function namesWith(symbols: SymbolTable, event: MachineEventRow | null = null): Names {
  const words = event === null ? null : eventNames(event).words;
  return {
    resolve(name): Meaning | null {
      const word = words?.get(name);
      if (word !== undefined) return { kind: 'integer', value: BigInt(word), type: U32 };
      const known = MACHINE.resolve(name);
      if (known?.kind === 'name') return known;
      const symbol = symbols.find(name);
      return symbol === null
        ? known
        : { kind: 'integer', value: BigInt(symbol.address), type: U32 };
    },
    *list() {
      yield* MACHINE.list();
      // every near name of a large kernel would take too long to look for
      if (symbols.size <= NAMES_COMPARED) yield* symbols.names();
    },
  };
}

/** Everything that an expression may name beside symbols. */
export function machineNames(): Iterable<string> {
  return MACHINE.list();
}

/** Throws ExpressionError with the place. */
export function parse(
  text: string,
  symbols: SymbolTable,
  event: MachineEventRow | null = null,
): ParsedExpression {
  return { text, syntax: parseExpression(text, namesWith(symbols, event)) };
}

/** The parts of `eax = 5`; the target of anything else is null. */
export function parseAssignment(
  text: string,
  symbols: SymbolTable,
): { readonly target: ParsedExpression | null; readonly value: ParsedExpression } {
  const { target, value } = parseStatement(text, namesWith(symbols));
  return {
    target: target === null ? null : { text, syntax: target },
    value: { text, syntax: value },
  };
}
