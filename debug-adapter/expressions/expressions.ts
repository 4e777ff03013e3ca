/**
 * Expressions on their way to the machine: the adapter parses them, since it knows the program, and sends
 * a tree with addresses and registers in the place of its names. Without debugging information a name is
 * a register, a field of an exit or a symbol's address, in this order; with it, what typed/ makes of it.
 */
import {
  eventNames,
  expressionNames,
  fieldNames,
} from '../../emulator/debugger/expression-names.ts';
import type { MachineEventRow } from '../../emulator/debugger/machine-events.ts';
import type { ParsedExpression } from '../../emulator/expressions/expression.ts';
import { U32 } from '../../emulator/expressions/integers.ts';
import {
  notWritable,
  parseTypeOrWritten,
  parseWritten,
  parseWrittenStatement,
} from '../../emulator/expressions/parser.ts';
import {
  isWritable,
  type Meaning,
  type Names,
  resolveNames,
} from '../../emulator/expressions/resolve.ts';
import { isWrittenType, type Written } from '../../emulator/expressions/written.ts';
import type { CType } from '../symbols/c-types.ts';
import { lower, typeWritten } from '../typed/lowering.ts';
import { isTypeName, type Surroundings } from '../typed/program-names.ts';
import { plain, type Typed, typeOf, valueOf } from '../typed/typed.ts';

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

/** Where an expression stands; of nothing that is left out there is any. */
export function surroundings(
  given: Pick<Surroundings, 'symbols'> & Partial<Surroundings>,
): Surroundings {
  return { information: [], machine: MACHINE, constants: NONE, frame: null, ...given };
}

function namesWith({ symbols, constants, machine }: Surroundings): Names {
  return {
    resolve(name): Meaning | null {
      const constant = constants.get(name);
      if (constant !== undefined) return constant;
      const known = machine.resolve(name);
      if (known?.kind === 'name') return known;
      const symbol = symbols.find(name);
      return symbol === null
        ? known
        : { kind: 'integer', value: BigInt(symbol.address), type: U32 };
    },
    *list() {
      yield* constants.keys();
      yield* machine.list();
      // every near name of a large kernel would take too long to look for
      if (symbols.size <= NAMES_COMPARED) yield* symbols.names();
    },
  };
}

/** Everything that an expression may name beside the program's own. */
export function machineNames(): Iterable<string> {
  return MACHINE.list();
}

const isType = (around: Surroundings) => (word: string) => isTypeName(word, around);

function meaning(written: Written, around: Surroundings): Typed {
  if (around.information.length > 0) return lower(written, around);
  return plain(resolveNames(written, namesWith(around)));
}

/** Throws ExpressionError with the place. */
export function understand(text: string, around: Surroundings): Typed {
  return meaning(parseWritten(text, isType(around)), around);
}

/** The type that a text names, or that the expression in it has; null for one without a type. */
export function typeAsked(text: string, around: Surroundings): CType | null {
  const asked = parseTypeOrWritten(text, isType(around));
  if (!isWrittenType(asked)) return typeOf(meaning(asked, around));
  return typeWritten(asked, around);
}

/** What the machine computes for it. Throws ExpressionError, for what is no single value too. */
export function parse(text: string, around: Surroundings): ParsedExpression {
  return { text, syntax: valueOf(understand(text, around)) };
}

/** The parts of `eax = 5`; the target of anything else is null. */
export function parseAssignment(
  text: string,
  around: Surroundings,
): { readonly target: Typed | null; readonly value: Typed } {
  const { target: written, value, at } = parseWrittenStatement(text, isType(around));
  const target = written === null ? null : meaning(written, around);
  if (target !== null && !isTarget(target)) throw notWritable(at);
  return { target, value: meaning(value, around) };
}

/** Whether something can be stored there, as far as its form tells. */
export const isTarget = (typed: Typed): boolean =>
  typed.kind === 'object' || (typed.kind === 'plain' && isWritable(typed.syntax));
