/**
 * Breakpoints on VM exits: by reason or hypercall, with conditions on what was decoded, before the
 * hypervisor handles the exit or after, when its outcome is known. One with an action takes the
 * hypervisor's place and lets the guest go on.
 */
import type { ExitBreakpoint } from '../debug-port.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import type { ExitMoment } from '../hypervisor/describe-exit.ts';
import { findExitReason, REASON, unknownExitReason } from '../hypervisor/exit-reasons.ts';
import type { ExitReason } from '../hypervisor/exit-reasons.ts';
import { type Compiled, compile, type Meeting, stops } from './breakpoints.ts';
import { compileAction, type CompiledAction } from './exit-actions.ts';
import { exitExpressionNames } from './expression-names.ts';

interface CompiledExit extends Compiled {
  /** null: any reason. */
  readonly reason: ExitReason | null;
  /** Number of the hypercall; null: any, and any other exit. */
  readonly hypercall: number | null;
  readonly when: ExitMoment;
  readonly action: CompiledAction | null;
}

/** What a breakpoint looks at before its condition. */
interface Met {
  readonly reason: number;
  readonly eax: number;
}

/** What those that were met want. */
export interface ExitHit {
  /** Identifiers of those that stop. */
  readonly ids: readonly number[];
  /** Of the first that takes the hypervisor's place; null: none. */
  readonly action: CompiledAction | null;
}

const NOTHING: ExitHit = { ids: [], action: null };

export class ExitBreakpoints {
  #before: readonly CompiledExit[] = [];
  #after: readonly CompiledExit[] = [];

  /** Replaces all; throws ExpressionError for an unknown reason, a bad condition or action. */
  set(breakpoints: readonly ExitBreakpoint[]): void {
    const compiled = breakpoints.map(compileExit);
    this.#before = compiled.filter(({ when }) => when === 'before');
    this.#after = compiled.filter(({ when }) => when === 'after');
  }
  /** Whether any wants to know what has become of exits. */
  get waitForOutcomes(): boolean {
    return this.#after.length > 0;
  }
  /** @param meeting what conditions see; made only where there is a breakpoint */
  hit(exit: Met, when: ExitMoment, meeting: () => Meeting): ExitHit {
    const all = when === 'before' ? this.#before : this.#after;
    const here = all.filter(
      ({ reason, hypercall }) =>
        (reason === null || reason.number === exit.reason) &&
        (hypercall === null || hypercall === exit.eax),
    );
    if (here.length === 0) return NOTHING;
    const at = meeting();
    const met = here.filter((each) => stops(each, at));
    return {
      ids: met.filter(({ action }) => action === null).map(({ id }) => id),
      action: met.find(({ action }) => action !== null)?.action ?? null,
    };
  }
}

function compileExit(breakpoint: ExitBreakpoint): CompiledExit {
  const { reason: name, hypercall = null, when = 'before', action } = breakpoint;
  const reason = name === '*' ? null : findExitReason(name);
  if (reason === null && name !== '*') throw new ExpressionError(unknownExitReason(name), 0);
  if (hypercall !== null && reason?.number !== REASON.VMCALL) {
    throw new ExpressionError('A hypercall is an exit of reason VMCALL.', 0);
  }
  if (action !== undefined && when === 'after') {
    throw new ExpressionError(
      'What the hypervisor has done cannot be undone: an action comes before it, not after.',
      0,
    );
  }
  const known = exitExpressionNames(reason, when);
  return {
    ...compile(breakpoint, known),
    reason,
    hypercall,
    when,
    action: action === undefined ? null : compileAction(action, known),
  };
}
