/**
 * The user's breakpoints on VM exits: kept with the workspace, sent to every guest that starts and again
 * whenever they change. What launch.json sets for one configuration is not listed here.
 */
import * as vscode from 'vscode';
import type {
  ExitBreakpointDescription,
  SetExitBreakpointsBody,
} from '../debug-adapter/protocol.ts';
import type { GuestSession, GuestSessions } from './guest-session.ts';

const STORAGE_KEY = 'guestscope.exitBreakpoints';

export interface ExitBreakpoint extends ExitBreakpointDescription {
  readonly enabled: boolean;
}

/** "CPUID when leaf == 0x40000000, hit % 3, logs: leaf {leaf}". */
export function breakpointText(breakpoint: ExitBreakpointDescription): string {
  const { when, condition, hitCondition, logMessage, action } = breakpoint;
  return [
    exitTitle(breakpoint),
    when === 'after' ? ' after the hypervisor' : '',
    condition === undefined ? '' : ` when ${condition}`,
    hitCondition === undefined ? '' : `, hit ${hitCondition}`,
    logMessage === undefined ? '' : `, logs: ${logMessage}`,
    action === undefined ? '' : `, does: ${action}`,
  ].join('');
}

/** "CPUID", "any exit", "hypercall KICK_CPU". */
export function exitTitle({ reason, hypercall }: ExitBreakpointDescription): string {
  if (hypercall !== undefined) return `hypercall ${hypercall}`;
  return reason === undefined || reason === '*' ? 'any exit' : reason;
}

export class ExitBreakpoints implements vscode.Disposable {
  readonly #storage: vscode.Memento;
  readonly #sessions: GuestSessions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscription: vscode.Disposable;
  #breakpoints: readonly ExitBreakpoint[];
  /** Why a guest refused a breakpoint. */
  #refusals: ReadonlyMap<ExitBreakpoint, string> = new Map();

  readonly onChanged = this.#changed.event;

  constructor(storage: vscode.Memento, sessions: GuestSessions) {
    this.#storage = storage;
    this.#sessions = sessions;
    this.#breakpoints = storage.get<readonly ExitBreakpoint[]>(STORAGE_KEY, []);
    this.#subscription = sessions.onConfiguring((session) => void this.#send(session));
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changed.dispose();
  }

  get all(): readonly ExitBreakpoint[] {
    return this.#breakpoints;
  }

  refusal(breakpoint: ExitBreakpoint): string | undefined {
    return this.#refusals.get(breakpoint);
  }

  async add(breakpoint: ExitBreakpointDescription): Promise<void> {
    await this.#replace([...this.#breakpoints, { ...breakpoint, enabled: true }]);
  }

  async remove(breakpoint: ExitBreakpoint): Promise<void> {
    await this.#replace(this.#breakpoints.filter((other) => other !== breakpoint));
  }

  async removeAll(): Promise<void> {
    await this.#replace([]);
  }

  async change(breakpoint: ExitBreakpoint, changed: ExitBreakpoint): Promise<void> {
    await this.#replace(this.#breakpoints.map((other) => (other === breakpoint ? changed : other)));
  }

  async #replace(breakpoints: readonly ExitBreakpoint[]): Promise<void> {
    this.#breakpoints = breakpoints;
    this.#changed.fire();
    await this.#storage.update(STORAGE_KEY, breakpoints);
    const { active } = this.#sessions;
    if (active !== undefined) await this.#send(active);
  }

  async #send(session: GuestSession): Promise<void> {
    const enabled = this.#breakpoints.filter((breakpoint) => breakpoint.enabled);
    const breakpoints = enabled.map(({ enabled: _, ...description }) => description);
    let answer: SetExitBreakpointsBody;
    try {
      answer = await session.request('guestscope/setExitBreakpoints', { breakpoints });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      void vscode.window.showErrorMessage(`The exit breakpoints could not be set: ${text}`);
      return;
    }
    const refusals = new Map<ExitBreakpoint, string>();
    answer.breakpoints.forEach(({ verified, message }, index) => {
      const breakpoint = enabled[index];
      if (breakpoint !== undefined && !verified) refusals.set(breakpoint, message ?? 'not set');
    });
    this.#refusals = refusals;
    this.#changed.fire();
  }
}
