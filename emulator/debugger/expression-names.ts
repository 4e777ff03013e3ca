/**
 * What an expression may name: registers and their parts, model-specific registers ("msr.efer"), fields of
 * an exit ("leaf" or "exit.leaf") or of an event ("event.vector"), where the machine is, how many exits
 * there were ("exits", "exits.CPUID"), and constants: the exit reasons by name, and in conditions on an
 * event words for the values of its fields.
 */
import { U32 } from '../expressions/integers.ts';
import type { Meaning, Names } from '../expressions/resolve.ts';
import { type ExitMoment, exitNames } from '../hypervisor/describe-exit.ts';
import { EXIT_REASONS, findExitReason } from '../hypervisor/exit-reasons.ts';
import type { ExitReason } from '../hypervisor/exit-reasons.ts';
import { MACHINE_EVENTS, type MachineEventRow } from './machine-events.ts';
import { KVM_NAMES } from '../paravirt/kvm-names.ts';
import { registerNames } from './registers.ts';

const EXIT_PREFIX = 'exit.';
export const EVENT_PREFIX = 'event.';
/** Before the name of an exit reason: how many of them there were. */
export const COUNT_PREFIX = 'exits.';

/** Where the machine is (expression-scope.ts). */
export const PLACE_NAMES = ['position', 'time', 'exits', 'tsc'] as const;

const ALL_REASONS: readonly ExitReason[] = EXIT_REASONS;

/** The fields that some exit has. */
export function fieldNames(): ReadonlySet<string> {
  return new Set(ALL_REASONS.flatMap((row) => exitNames(row, 'after').map(({ name }) => name)));
}

/** What is known of an event: its fields, and words for their values. */
export interface EventNames {
  readonly fields: ReadonlySet<string>;
  readonly words: ReadonlyMap<string, number>;
}
const NO_EVENT: EventNames = { fields: new Set(), words: new Map() };

/** Of one event, words included; null: the fields that some event has. */
export function eventNames(row: MachineEventRow | null): EventNames {
  const fields = (row === null ? MACHINE_EVENTS : [row]).flatMap(({ decode }) => decode.fields);
  const words = row === null ? [] : fields.flatMap((field) => Object.entries(field.words ?? {}));
  return {
    fields: new Set(fields.map(({ name }) => EVENT_PREFIX + name)),
    words: new Map(words),
  };
}

const named = (name: string): Meaning => ({ kind: 'name', name });

/** Numbers by the name that a manual or a header has for them, and what they mean. */
const CONSTANTS: ReadonlyMap<string, { readonly value: number; readonly meaning: string }> =
  new Map([
    ...ALL_REASONS.map(
      ({ name, number, summary }) => [name, { value: number, meaning: summary }] as const,
    ),
    ...KVM_NAMES.map(({ name, value, meaning }) => [name, { value, meaning }] as const),
  ]);

/** One sentence about a constant, or null for any other name. */
export function constantMeaning(name: string): string | null {
  return CONSTANTS.get(name)?.meaning ?? null;
}

const constant = (value: number): Meaning => ({ kind: 'integer', value: BigInt(value), type: U32 });

/**
 * @param fields names of an exit's fields; none where the expression is not about an exit
 * @param event names of an event
 */
export function expressionNames(fields: ReadonlySet<string>, event = NO_EVENT): Names {
  return {
    resolve(name) {
      if (event.fields.has(name)) return named(name);
      const word = event.words.get(name);
      if (word !== undefined) return constant(word);
      const field = name.startsWith(EXIT_PREFIX) ? name.slice(EXIT_PREFIX.length) : name;
      if (fields.has(field)) return named(field);
      if (name.startsWith(COUNT_PREFIX)) return countOf(name.slice(COUNT_PREFIX.length));
      const lower = name.toLowerCase();
      if (isMachineName(lower)) return named(lower);
      const known = CONSTANTS.get(name);
      return known === undefined ? null : constant(known.value);
    },
    *list() {
      yield* fields;
      yield* event.fields;
      yield* event.words.keys();
      yield* registerNames.list();
      yield* PLACE_NAMES;
      yield* CONSTANTS.keys();
      for (const { name } of ALL_REASONS) yield COUNT_PREFIX + name;
    },
  };
}

/** By any name of the reason that people know it by. */
function countOf(reason: string): Meaning | null {
  const found = findExitReason(reason);
  return found === null ? null : named(COUNT_PREFIX + found.name);
}

function isMachineName(name: string): boolean {
  return registerNames.has(name) || PLACE_NAMES.some((each) => each === name);
}

/** Names for a condition on an event. */
export function eventExpressionNames(row: MachineEventRow): Names {
  return expressionNames(new Set(), eventNames(row));
}

/** Names for a condition on an exit of this reason; null: of any. */
export function exitExpressionNames(reason: ExitReason | null, when: ExitMoment = 'before'): Names {
  return expressionNames(new Set(exitNames(reason, when).map(({ name }) => name)));
}
