/**
 * Expressions on their way to the machine: the adapter parses them, since it knows the symbols, and sends
 * the tree with addresses in their place. Registers and an exit's fields come before symbols of that name.
 */
import { eventNames, expressionNames, fieldNames } from '../emulator/debugger/expression-names.ts';
import type { MachineEventRow } from '../emulator/debugger/machine-events.ts';
import type { ParsedExpression } from '../emulator/expressions/expression.ts';
import { U32 } from '../emulator/expressions/integers.ts';
import type { Meaning, Names } from '../emulator/expressions/resolve.ts';
import { parseExpression, parseStatement } from '../emulator/expressions/resolve.ts';
import type { SymbolTable } from './symbols/symbol-table.ts';

/** Symbols up to which a mistyped name is compared with all. */
const NAMES_COMPARED = 5000;
/** What the machine knows, whatever the expression is about: it refuses what is not there. */
const MACHINE = expressionNames(fieldNames(), eventNames(null));

/** Names whose value the adapter knows, such as `console`. */
export type Constants = ReadonlyMap<string, Meaning>;
const NONE: Constants = new Map();

/** Words for the values of an event's fields. */
export function eventWords(event: MachineEventRow | null): Constants {
  if (event === null) return NONE;
  return new Map(
    [...eventNames(event).words].map(([word, value]) => [
      word,
      { kind: 'integer', value: BigInt(value), type: U32 },
    ]),
  );
}

export function namesWith(symbols: SymbolTable, constants: Constants): Names {
  return {
    resolve(name): Meaning | null {
      const constant = constants.get(name);
      if (constant !== undefined) return constant;
      const known = MACHINE.resolve(name);
      if (known?.kind === 'name') return known;
      const symbol = symbols.find(name);
      return symbol === null
        ? known
        : { kind: 'integer', value: BigInt(symbol.address), type: U32 };
    },
    *list() {
      yield* constants.keys();
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
export function parse(text: string, symbols: SymbolTable, constants = NONE): ParsedExpression {
  return { text, syntax: parseExpression(text, namesWith(symbols, constants)) };
}

/** The parts of `eax = 5`; the target of anything else is null. */
export function parseAssignment(
  text: string,
  symbols: SymbolTable,
  constants = NONE,
): { readonly target: ParsedExpression | null; readonly value: ParsedExpression } {
  const { target, value } = parseStatement(text, namesWith(symbols, constants));
  return {
    target: target === null ? null : { text, syntax: target },
    value: { text, syntax: value },
  };
}
