/**
 * A running Guestscope debug session as the rest of the extension sees it: the typed custom requests and
 * events of debug-adapter/protocol.ts over the editor's own session object, and the list of sessions
 * with the one that is in front.
 */
import * as vscode from 'vscode';
import type {
  CustomEventName,
  CustomEvents,
  CustomRequestName,
  CustomRequests,
} from '../debug-adapter/protocol.ts';

export const DEBUG_TYPE = 'guestscope';

/** What readMemory answers (Debug Adapter Protocol), decoded. */
export interface MemoryBytes {
  readonly bytes: Uint8Array;
  /** Bytes after these that cannot be read. */
  readonly unreadable: number;
}

/** Requests whose success means that the guest runs, until an event says that it has stopped. */
const RESUMING: ReadonlySet<string> = new Set([
  ...['configurationDone', 'continue', 'goto', 'next', 'restart', 'stepIn', 'stepOut'],
]);

type EventListener<Name extends CustomEventName> = (body: CustomEvents[Name]) => void;

export class GuestSession {
  readonly debugSession: vscode.DebugSession;
  /** Kept by GuestSessions. */
  running = false;
  readonly #listeners = new Map<string, Set<(body: never) => void>>();

  constructor(debugSession: vscode.DebugSession) {
    this.debugSession = debugSession;
  }

  get id(): string {
    return this.debugSession.id;
  }

  /** Sends a custom request. Rejects with the adapter's sentence. */
  async request<Name extends CustomRequestName>(
    command: Name,
    argument: CustomRequests[Name]['arguments'],
  ): Promise<CustomRequests[Name]['body']> {
    return (await this.debugSession.customRequest(
      command,
      argument,
    )) as CustomRequests[Name]['body'];
  }

  /** Calls the listener for each such event until the returned object is disposed. */
  on<Name extends CustomEventName>(name: Name, listener: EventListener<Name>): vscode.Disposable {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return new vscode.Disposable(() => listeners.delete(listener));
  }

  deliver(name: string, body: unknown): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(body as never);
  }

  /** Reads guest memory at "0x1000" or "phys:0x1000" plus `offset`; rejects where nothing is mapped. */
  async readMemory(memoryReference: string, offset: number, count: number): Promise<MemoryBytes> {
    const body = (await this.debugSession.customRequest('readMemory', {
      memoryReference,
      offset,
      count,
    })) as { data?: string; unreadableBytes?: number } | undefined;
    return {
      bytes: Buffer.from(body?.data ?? '', 'base64'),
      unreadable: body?.unreadableBytes ?? 0,
    };
  }

  /** Writes guest memory; rejects with the adapter's sentence where that is not possible. */
  async writeMemory(memoryReference: string, offset: number, bytes: Uint8Array): Promise<void> {
    await this.debugSession.customRequest('writeMemory', {
      memoryReference,
      offset,
      data: Buffer.from(bytes).toString('base64'),
    });
  }
}

/** All Guestscope sessions of this window. */
export class GuestSessions implements vscode.Disposable {
  readonly #sessions = new Map<string, GuestSession>();
  readonly #started = new vscode.EventEmitter<GuestSession>();
  readonly #configuring = new vscode.EventEmitter<GuestSession>();
  readonly #restarted = new vscode.EventEmitter<GuestSession>();
  readonly #resumed = new vscode.EventEmitter<GuestSession>();
  readonly #ended = new vscode.EventEmitter<GuestSession>();
  readonly #activeChanged = new vscode.EventEmitter<GuestSession | undefined>();
  readonly #stopped = new vscode.EventEmitter<GuestSession>();
  readonly #memoryChanged = new vscode.EventEmitter<GuestSession>();
  readonly #subscriptions: vscode.Disposable[];
  #active: GuestSession | undefined;

  /** The guest has been launched: requests are answered. */
  readonly onStarted = this.#started.event;
  /** The adapter takes breakpoints now, before the guest's first instruction. */
  readonly onConfiguring = this.#configuring.event;
  readonly onEnded = this.#ended.event;
  readonly onActiveChanged = this.#activeChanged.event;
  readonly onStopped = this.#stopped.event;
  readonly onResumed = this.#resumed.event;
  /** The same session boots its guest again. */
  readonly onRestarted = this.#restarted.event;
  readonly onMemoryChanged = this.#memoryChanged.event;

  constructor() {
    this.#subscriptions = [
      this.#started,
      this.#configuring,
      this.#restarted,
      this.#resumed,
      this.#ended,
      this.#activeChanged,
      this.#stopped,
      this.#memoryChanged,
      vscode.debug.onDidChangeActiveDebugSession(() => this.#chooseActive()),
      vscode.debug.onDidTerminateDebugSession((session) => this.#end(session)),
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
        this.#sessions.get(session.id)?.deliver(event, body);
      }),
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
        createDebugAdapterTracker: (session) => ({
          onDidSendMessage: (message: unknown) => this.#observe(session, message),
        }),
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** The session in front of the user, or the only one there is. */
  get active(): GuestSession | undefined {
    return this.#active;
  }

  /** Watches what the adapter says, since the editor tells extensions neither of stops nor of launches. */
  #observe(debugSession: vscode.DebugSession, message: unknown): void {
    const { type, event, command, success } = message as Record<string, unknown>;
    const name = typeof event === 'string' ? event : typeof command === 'string' ? command : '';
    if (type === 'response' && success === true && name === 'launch') this.#start(debugSession);
    const session = this.#sessions.get(debugSession.id);
    if (session === undefined) return;
    if (type === 'event') this.#observeEvent(session, name);
    else if (type === 'response' && success === true) {
      if (name === 'restart') this.#restarted.fire(session);
      if (RESUMING.has(name)) this.#setRunning(session, true);
    }
  }

  #observeEvent(session: GuestSession, event: string): void {
    switch (event) {
      case 'initialized':
        this.#configuring.fire(session);
        break;
      case 'stopped':
        this.#setRunning(session, false);
        break;
      case 'continued':
        this.#setRunning(session, true);
        break;
      case 'memory':
      case 'invalidated':
        this.#memoryChanged.fire(session);
        break;
    }
  }

  #start(debugSession: vscode.DebugSession): void {
    const session = new GuestSession(debugSession);
    this.#sessions.set(session.id, session);
    this.#started.fire(session);
    this.#chooseActive();
  }

  #setRunning(session: GuestSession, running: boolean): void {
    session.running = running;
    if (running) this.#resumed.fire(session);
    else this.#stopped.fire(session);
  }

  #end(debugSession: vscode.DebugSession): void {
    const session = this.#sessions.get(debugSession.id);
    if (session === undefined) return;
    this.#sessions.delete(debugSession.id);
    this.#ended.fire(session);
    this.#chooseActive();
  }

  #chooseActive(): void {
    const front = vscode.debug.activeDebugSession;
    const found = front === undefined ? undefined : this.#sessions.get(front.id);
    // a session of another debugger in front does not hide the guest
    const kept = this.#active && this.#sessions.get(this.#active.id);
    const active = found ?? kept ?? this.#sessions.values().next().value;
    if (active === this.#active) return;
    this.#active = active;
    this.#activeChanged.fire(active);
  }
}
