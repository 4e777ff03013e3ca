/**
 * What the user has chosen of the tree of events (guestscope/events): kept with the workspace, sent to
 * every guest that starts and again whenever it changes. What launch.json's "breakOn" sets belongs to one
 * configuration; it is only asked for, to be shown beside.
 */
import * as vscode from 'vscode';
import type { BreakpointOutcome, EventSelection, EventSetting } from '../debug-adapter/protocol.ts';
import type { GuestSession, GuestSessions } from './guest-session.ts';

const STORAGE_KEY = 'guestscope.eventBreakpoints';

/** What is wished of one event; conditions outlive a check box that is cleared. */
export interface EventBreakpoint extends EventSelection {
  readonly enabled: boolean;
}

/** "when event.vector == 0x80, hit % 3, logs: {eip}". */
export function conditionText({
  condition,
  hitCondition,
  logMessage,
}: Omit<EventSelection, 'event'>): string {
  // prettier-ignore
  return [
    ...(condition === undefined ? [] : [`when ${condition}`]),
    ...(hitCondition === undefined ? [] : [`hit ${hitCondition}`]),
    ...(logMessage === undefined ? [] : [`logs: ${logMessage}`]),
  ].join(', ');
}

export class EventBreakpoints implements vscode.Disposable {
  readonly #storage: vscode.Memento;
  readonly #sessions: GuestSessions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: readonly vscode.Disposable[];
  #breakpoints: ReadonlyMap<string, EventBreakpoint>;
  /** Why the guest in front refuses one, by event. */
  #refusals: ReadonlyMap<string, string> = new Map();
  /** What launch.json sets in the guest in front, by event. */
  #ofLaunch: ReadonlyMap<string, EventSetting> = new Map();

  readonly onChanged = this.#changed.event;

  constructor(storage: vscode.Memento, sessions: GuestSessions) {
    this.#storage = storage;
    this.#sessions = sessions;
    const stored = storage.get<readonly EventBreakpoint[]>(STORAGE_KEY, []);
    this.#breakpoints = new Map(stored.map((breakpoint) => [breakpoint.event, breakpoint]));
    this.#subscriptions = [
      this.#changed,
      sessions.onConfiguring((session) => void this.#send(session)),
      sessions.onActiveChanged((session) => void this.#ask(session)),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  of(event: string): EventBreakpoint | undefined {
    return this.#breakpoints.get(event);
  }

  refusal(event: string): string | undefined {
    return this.#refusals.get(event);
  }

  ofLaunch(event: string): EventSetting | undefined {
    return this.#ofLaunch.get(event);
  }

  /** Those that stop or log, as launch.json's "breakOn" has them. */
  get selections(): readonly EventSelection[] {
    const enabled = [...this.#breakpoints.values()].filter((breakpoint) => breakpoint.enabled);
    return enabled.map(({ enabled: _, ...selection }) => selection);
  }

  async set(...breakpoints: readonly EventBreakpoint[]): Promise<void> {
    const all = new Map(this.#breakpoints);
    for (const breakpoint of breakpoints) {
      const { event, enabled } = breakpoint;
      // one that is off and says nothing more need not be remembered
      if (enabled || conditionText(breakpoint) !== '') all.set(event, breakpoint);
      else all.delete(event);
    }
    await this.#replace(all);
  }

  async clear(): Promise<void> {
    await this.#replace(new Map());
  }

  async #replace(breakpoints: ReadonlyMap<string, EventBreakpoint>): Promise<void> {
    this.#breakpoints = breakpoints;
    this.#changed.fire();
    await this.#storage.update(STORAGE_KEY, [...breakpoints.values()]);
    const { active } = this.#sessions;
    if (active !== undefined) await this.#send(active);
  }

  async #send(session: GuestSession): Promise<void> {
    const events = this.selections;
    let outcomes: readonly BreakpointOutcome[];
    try {
      ({ breakpoints: outcomes } = await session.request('guestscope/setEvents', { events }));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      void vscode.window.showErrorMessage(`The events to break on could not be set: ${text}`);
      return;
    }
    const refusals = new Map<string, string>();
    for (const [index, { verified, message }] of outcomes.entries()) {
      const event = events[index]?.event;
      if (event !== undefined && !verified) refusals.set(event, message ?? 'not set');
    }
    this.#refusals = refusals;
    await this.#ask(session);
  }

  /** What launch.json has set, which the adapter alone knows. */
  async #ask(session: GuestSession | undefined): Promise<void> {
    const found = new Map<string, EventSetting>();
    if (session !== undefined) {
      const { groups } = await session
        .request('guestscope/events', undefined)
        // before the guest is configured, and after its end, nothing is set
        .catch(() => ({ groups: [] }));
      for (const { events } of groups) {
        for (const { id, set } of events) {
          const ofLaunch = set.find(({ by }) => by === 'launch');
          if (ofLaunch !== undefined) found.set(id, ofLaunch);
        }
      }
    }
    this.#ofLaunch = found;
    this.#changed.fire();
  }
}
