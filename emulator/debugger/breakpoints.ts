/**
 * Breakpoints of a debugger: places with conditions and hit counts, and exits by reason. Conditions are
 * compiled when they are set, so that a mistake is told at once; one that cannot be evaluated when it is
 * met (unreadable memory) stops, and says so once.
 */
import { compileExpression, compileHitCondition, ConditionError } from '../condition.ts';
import type { ConditionScope, Expression, HitCondition, KnownNames } from '../condition.ts';
import type { ExitBreakpoint, InstructionBreakpoint } from '../debug-port.ts';
import { exitNames } from '../hypervisor/describe-exit.ts';
import { findExitReason, unknownExitReason } from '../hypervisor/exit-reasons.ts';
import type { ExitReason } from '../hypervisor/exit-reasons.ts';
import type { VmExit } from '../hypervisor/vm-exit.ts';
import { checkedAddress } from './memory.ts';
import { registerNames } from './registers.ts';

interface Compiled {
  readonly id: number;
  readonly condition: Expression | null;
  readonly hit: HitCondition | null;
  hits: number;
  /** That the condition could not be evaluated has been said. */
  complained: boolean;
}

type Complain = (text: string) => void;

/** What an expression may name: registers, and fields of an exit. */
export function knownNames(fields: readonly { readonly name: string }[]): KnownNames {
  const extra = fields.map(({ name }) => name);
  return {
    has: (name) => registerNames.has(name) || extra.includes(name),
    list: () => [...extra, ...registerNames.list()],
  };
}

function compile(
  { id, condition, hitCondition }: { id: number; condition?: string; hitCondition?: string },
  known: KnownNames,
): Compiled {
  return {
    id,
    condition: condition === undefined ? null : compileExpression(condition, known),
    hit: hitCondition === undefined ? null : compileHitCondition(hitCondition),
    hits: 0,
    complained: false,
  };
}

/** Counts the hit and says whether to stop. */
function matches(breakpoint: Compiled, scope: ConditionScope, complain: Complain): boolean {
  const { condition } = breakpoint;
  if (condition !== null) {
    try {
      if (condition.evaluate(scope) === 0) return false;
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      if (!breakpoint.complained)
        complain(`The condition '${condition.text}' stopped the guest: ${error.message}`);
      breakpoint.complained = true;
    }
  }
  breakpoint.hits++;
  return breakpoint.hit === null || breakpoint.hit(breakpoint.hits);
}

export class InstructionBreakpoints {
  #byAddress = new Map<number, Compiled[]>();

  /**
   * Replaces all. Throws ConditionError for the first bad condition, RangeError for an address that is
   * none, and then keeps the old ones.
   */
  set(breakpoints: readonly InstructionBreakpoint[]): void {
    const byAddress = new Map<number, Compiled[]>();
    const known = knownNames([]);
    for (const breakpoint of breakpoints) {
      const compiled = compile(breakpoint, known);
      const address = checkedAddress('linear', breakpoint.address);
      byAddress.set(address, [...(byAddress.get(address) ?? []), compiled]);
    }
    this.#byAddress = byAddress;
  }
  get addresses(): Iterable<number> {
    return this.#byAddress.keys();
  }
  /** Identifiers of those at an address that want to stop now. */
  hit(address: number, scope: ConditionScope, complain: Complain): number[] {
    const here = this.#byAddress.get(address) ?? [];
    return here.filter((each) => matches(each, scope, complain)).map(({ id }) => id);
  }
}

interface CompiledExit extends Compiled {
  /** null: any reason. */
  readonly reason: ExitReason | null;
}

export class ExitBreakpoints {
  #all: readonly CompiledExit[] = [];

  /** Replaces all; throws ConditionError for an unknown reason or a bad condition. */
  set(breakpoints: readonly ExitBreakpoint[]): void {
    this.#all = breakpoints.map((breakpoint) => {
      const reason = breakpoint.reason === '*' ? null : findExitReason(breakpoint.reason);
      if (reason === null && breakpoint.reason !== '*') {
        throw new ConditionError(unknownExitReason(breakpoint.reason), 0);
      }
      return { ...compile(breakpoint, knownNames(exitNames(reason))), reason };
    });
  }
  hit(exit: VmExit, scope: ConditionScope, complain: Complain): number[] {
    if (this.#all.length === 0) return [];
    return this.#all
      .filter(({ reason }) => reason === null || reason.number === exit.reason)
      .filter((each) => matches(each, scope, complain))
      .map(({ id }) => id);
  }
}
