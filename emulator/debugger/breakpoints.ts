/**
 * Breakpoints of a debugger: what all kinds have in common, and those on places. Conditions are compiled when they are set, so that a mistake is told at once; one that cannot be evaluated when it is
 * met (unreadable memory) stops, and says so once.
 */
import type { InstructionBreakpoint } from '../debug-port.ts';
import type { Scope } from '../expressions/evaluator.ts';
import { compileExpression, holds, type ParsedExpression } from '../expressions/expression.ts';
import { compileHitCondition, type HitCondition } from '../expressions/hit-condition.ts';
import type { Names } from '../expressions/resolve.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import type { LogLines, LogMessage } from './log-message.ts';
import { checkedAddress } from './memory.ts';
import { expressionNames } from './expression-names.ts';

export interface Compiled {
  readonly id: number;
  /** Whether the place is the one that is meant. */
  readonly where: ParsedExpression | null;
  readonly condition: ParsedExpression | null;
  readonly hit: HitCondition | null;
  /** Printed instead of stopping. */
  readonly log: LogMessage | null;
  readonly count: Count;
}

/** What is counted of a breakpoint, over all its places. */
interface Count {
  hits: number;
  /** That the condition could not be evaluated has been said. */
  complained: boolean;
}

type Complain = (text: string) => void;

/** Where breakpoints are met: what their conditions see, and where they print. */
export interface Meeting {
  readonly scope: Scope;
  readonly logs: LogLines;
  readonly complain: Complain;
}

export function compile(
  {
    id,
    where,
    condition,
    hitCondition,
    log,
  }: Pick<InstructionBreakpoint, 'id' | 'where' | 'condition' | 'hitCondition' | 'log'>,
  known: Names,
  count: Count = { hits: 0, complained: false },
): Compiled {
  return {
    id,
    where: where === undefined ? null : compileExpression(where, known),
    condition: condition === undefined ? null : compileExpression(condition, known),
    hit: hitCondition === undefined ? null : compileHitCondition(hitCondition),
    log: log === undefined ? null : checkedLog(log, known),
    count,
  };
}

/** Throws ExpressionError for a name that is not known here. */
function checkedLog(log: LogMessage, known: Names): LogMessage {
  return log.map((part) => (typeof part === 'string' ? part : compileExpression(part, known)));
}

/** Counts the hit and says whether to stop; prints instead where that is wanted. */
export function stops(breakpoint: Compiled, { scope, logs, complain }: Meeting): boolean {
  const { where, condition, hit, log, count } = breakpoint;
  if (where !== null && !isThere(where, scope)) return false;
  if (condition !== null) {
    try {
      if (!holds(condition, scope)) return false;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      if (!count.complained)
        complain(`The condition '${condition.text}' stopped the guest: ${error.message}`);
      count.complained = true;
    }
  }
  count.hits++;
  if (hit !== null && !hit(count.hits)) return false;
  if (log === null) return true;
  logs.add(log, scope);
  return false;
}

/** A place that cannot be told is another one. */
function isThere(where: ParsedExpression, scope: Scope): boolean {
  try {
    return holds(where, scope);
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}

export class InstructionBreakpoints {
  #byAddress = new Map<number, Compiled[]>();

  /**
   * Replaces all. Throws ExpressionError for the first bad condition, RangeError for an address that is
   * none, and then keeps the old ones.
   */
  set(breakpoints: readonly InstructionBreakpoint[]): void {
    const byAddress = new Map<number, Compiled[]>();
    const counts = new Map<number, Count>();
    const known = expressionNames(new Set());
    for (const breakpoint of breakpoints) {
      const compiled = compile(breakpoint, known, counts.get(breakpoint.id));
      counts.set(breakpoint.id, compiled.count);
      const address = checkedAddress('linear', breakpoint.address);
      byAddress.set(address, [...(byAddress.get(address) ?? []), compiled]);
    }
    this.#byAddress = byAddress;
  }
  get addresses(): Iterable<number> {
    return this.#byAddress.keys();
  }
  /** Identifiers of those at an address that want to stop now; the others may print. */
  hit(address: number, meeting: Meeting): number[] {
    const here = this.#byAddress.get(address) ?? [];
    return here.filter((each) => stops(each, meeting)).map(({ id }) => id);
  }
}
