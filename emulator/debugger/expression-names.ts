/**
 * What an expression may name: registers and their parts, model-specific registers ("msr.efer"), fields of
 * an exit ("leaf" or "exit.leaf"), where the machine is, and constants: the exit reasons by name.
 */
import { U32 } from '../expressions/integers.ts';
import type { Meaning, Names } from '../expressions/parser.ts';
import { exitNames } from '../hypervisor/describe-exit.ts';
import { EXIT_REASONS } from '../hypervisor/exit-reasons.ts';
import type { ExitReason } from '../hypervisor/exit-reasons.ts';
import { registerNames } from './registers.ts';

const EXIT_PREFIX = 'exit.';
export const MSR_PREFIX = 'msr.';

/** Where the machine is (expression-scope.ts). */
export const PLACE_NAMES = ['position', 'time', 'exits', 'tsc'] as const;

const ALL_REASONS: readonly ExitReason[] = EXIT_REASONS;
const REASONS: ReadonlyMap<string, number> = new Map(
  ALL_REASONS.map(({ name, number }) => [name, number]),
);

/** The fields that some exit has. */
export function fieldNames(): ReadonlySet<string> {
  return new Set(ALL_REASONS.flatMap((row) => exitNames(row).map(({ name }) => name)));
}

const named = (name: string): Meaning => ({ kind: 'name', name });

/** @param fields names of an exit's fields; none where the expression is not about an exit. */
export function expressionNames(fields: ReadonlySet<string>): Names {
  return {
    resolve(name) {
      const field = name.startsWith(EXIT_PREFIX) ? name.slice(EXIT_PREFIX.length) : name;
      if (fields.has(field)) return named(field);
      const lower = name.toLowerCase();
      if (isMachineName(lower)) return named(lower);
      const number = REASONS.get(name);
      return number === undefined ? null : { kind: 'integer', value: BigInt(number), type: U32 };
    },
    *list() {
      yield* fields;
      yield* registerNames.list();
      yield* PLACE_NAMES;
      yield* REASONS.keys();
    },
  };
}

function isMachineName(name: string): boolean {
  const isMsr = name.startsWith(MSR_PREFIX) && name.length > MSR_PREFIX.length;
  return isMsr || registerNames.has(name) || PLACE_NAMES.some((each) => each === name);
}

/** Names for a condition on an exit of this reason; null: of any. */
export function exitExpressionNames(reason: ExitReason | null): Names {
  return expressionNames(new Set(exitNames(reason).map(({ name }) => name)));
}
