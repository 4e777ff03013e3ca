/**
 * What a debugger does with VM exits: whether to stop at one, before or after the hypervisor, taking the
 * hypervisor's place there, and which of them the log keeps.
 */
import type { EventAction, ExitAction, ExitBreakpoint, ExitLogFilter } from '../debug-port.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import type { ExitOutcome } from '../hypervisor/exit-outcome.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import { injectEvent, injectionProblem, interventionProblem } from '../hypervisor/intervention.ts';
import type { VmExit } from '../hypervisor/vm-exit.ts';
import type { MachineStop } from '../machine-stop.ts';
import type { Machine } from '../machine.ts';
import type { StopReason } from '../stop-reason.ts';
import type { Meeting } from './breakpoints.ts';
import { compileAction, type CompiledAction, compileEvent } from './exit-actions.ts';
import { ExitBreakpoints } from './exit-breakpoints.ts';
import { compileFilter } from './exit-filter.ts';
import {
  type ExitAtHand,
  expressionScope,
  namesHere,
  scopeHere,
  type StopAtHand,
} from './expression-scope.ts';

type ExitStop = Extract<MachineStop, { readonly kind: 'exit' }>;

export class ExitControl {
  readonly #machine: Machine;
  readonly #meeting: (at: ExitAtHand) => Meeting;
  readonly #complain: (text: string) => void;
  readonly #breakpoints = new ExitBreakpoints();
  /** Identifiers of the breakpoints that met the last exit observed. */
  #hits: readonly number[] = [];
  /** The exit after which the machine stands. */
  #handled: ExitAtHand | null = null;

  constructor(
    machine: Machine,
    meeting: (at: ExitAtHand) => Meeting,
    complain: (text: string) => void,
  ) {
    this.#machine = machine;
    this.#meeting = meeting;
    this.#complain = complain;
  }

  /** Replaces all; throws ExpressionError. */
  setBreakpoints(breakpoints: readonly ExitBreakpoint[]): void {
    this.#breakpoints.set(breakpoints);
    const wait = this.#breakpoints.waitForOutcomes;
    this.#machine.observeOutcomes(wait ? (exit, outcome) => this.meet(exit, outcome) : null);
  }
  /** Which exits the log keeps; throws ExpressionError. */
  setFilter(filter: ExitLogFilter | null): void {
    const compiled = filter === null ? null : compileFilter(filter);
    const scopeOf = (exit: ExitAtHand['exit']) =>
      expressionScope(this.#machine, { exit, outcome: null });
    this.#machine.exitLog.setFilter(compiled?.(scopeOf, this.#complain) ?? null);
  }

  /** Whether to stop at the exit; a breakpoint with an action takes the hypervisor's place. */
  meet(exit: VmExit, outcome: ExitOutcome | null): boolean {
    const when = outcome === null ? 'before' : 'after';
    const { ids, action } = this.#breakpoints.hit(exit, when, () =>
      this.#meeting({ exit, outcome }),
    );
    if (action !== null) this.#act(exit, action);
    this.#hits = ids;
    return ids.length > 0;
  }
  #act(exit: VmExit, action: CompiledAction): void {
    const machine = this.#machine;
    const { guest, hypervisor } = machine.looked;
    try {
      const intervention = action(machine, exit, expressionScope(machine, { exit, outcome: null }));
      const problem = interventionProblem(guest, exit, intervention);
      if (problem === null) hypervisor.intervene(intervention);
      else this.#complain(`An action on an exit was left out: ${problem}`);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.#complain(`An action on an exit was left out: ${error.message}`);
    }
  }

  /** As the debugger's client is told of it; the exit is at hand then. */
  stopAt({ exit, outcome }: ExitStop, hypervisor: Hypervisor): StopReason {
    if (outcome !== null) this.#handled = { exit, outcome };
    return { kind: 'exit', ids: this.#hits, exit: hypervisor.describe({ ...exit, outcome }) };
  }
  /** The machine runs again. */
  leave(): void {
    this.#handled = null;
  }
  /** The exit at which the vCPU that is looked at stands, or after which it does. */
  get atHand(): ExitAtHand | null {
    const { hypervisor, index } = this.#machine.looked;
    if (hypervisor.pending !== null) return { exit: hypervisor.pending, outcome: null };
    return this.#handled?.exit.vcpu === index ? this.#handled : null;
  }

  /** Takes the hypervisor's place when the machine goes on; null: not after all. */
  intervene(action: ExitAction | null, at: StopAtHand): void {
    const machine = this.#machine;
    const { hypervisor, guest } = machine.looked;
    const exit = hypervisor.pending;
    if (exit === null) {
      throw new RangeError('The guest is not at a VM exit that waits for the hypervisor.');
    }
    if (action === null) {
      hypervisor.intervene(null);
      return;
    }
    const intervention = compileAction(action, namesHere(at))(
      machine,
      exit,
      scopeHere(machine, at),
    );
    const problem = interventionProblem(guest, exit, intervention);
    if (problem !== null) throw new RangeError(problem);
    hypervisor.intervene(intervention);
  }
  /** Gives the guest an event: at an exit when the machine goes on, else at once. */
  inject(action: EventAction, at: StopAtHand): void {
    const { hypervisor, guest } = this.#machine.looked;
    if (hypervisor.pending !== null) {
      this.intervene({ kind: 'inject', event: action }, at);
      return;
    }
    const event = compileEvent(action, namesHere(at))(scopeHere(this.#machine, at));
    const problem = injectionProblem(guest, event);
    if (problem !== null) throw new RangeError(problem);
    injectEvent(guest, event);
  }
}
