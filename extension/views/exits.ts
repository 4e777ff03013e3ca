/**
 * The log of VM exits in the panel: follows the guest in front, hands rows to its page as they come and
 * fetches older ones when the page scrolls to them. Nothing is kept here; the machine keeps the log.
 */
import * as vscode from 'vscode';
import { EXIT_ROWS_PER_PAGE } from '../../debug-adapter/protocol.ts';
import type { GuestSession, GuestSessions } from '../guest-session.ts';
import type { FromExitsPage, ToExitsPage } from './exits-messages.ts';
import { viewPage, webRoot } from './webview-page.ts';

export const EXITS_VIEW = 'guestscope.exits';

export class ExitsView implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #sessions: GuestSessions;
  readonly #log: vscode.LogOutputChannel;
  readonly #subscriptions: vscode.Disposable[];
  #view: vscode.WebviewView | undefined;
  #session: GuestSession | undefined;
  #following: vscode.Disposable | undefined;
  /** Oldest row that the machine still keeps, as last heard. */
  #first = 0;

  constructor(extensionUri: vscode.Uri, sessions: GuestSessions, log: vscode.LogOutputChannel) {
    this.#log = log;
    this.#extensionUri = extensionUri;
    this.#sessions = sessions;
    this.#subscriptions = [
      sessions.onActiveChanged((session) => {
        // the rows of a guest that has ended stay until another one starts
        if (session !== undefined) this.#follow(session);
      }),
      sessions.onRestarted((session) => {
        if (session === this.#session) this.#follow(session);
      }),
      sessions.onEnded((session) => {
        if (session === this.#session) this.#post({ kind: 'ended' });
      }),
      sessions.onStopped((session) => {
        if (session === this.#session) void this.#fetchNewest();
      }),
    ];
    this.#session = sessions.active;
  }

  dispose(): void {
    this.#following?.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    view.webview.options = {
      enableScripts: true,
      localResourceRoots: [webRoot(this.#extensionUri)],
    };
    view.webview.onDidReceiveMessage((message: FromExitsPage) => this.#receive(message));
    view.onDidDispose(() => {
      this.#view = undefined;
      this.#following?.dispose();
    });
    view.webview.html = viewPage(view.webview, this.#extensionUri, 'exits');
  }

  #receive(message: FromExitsPage): void {
    switch (message.kind) {
      case 'ready':
        if (this.#session === undefined) this.#post({ kind: 'session', name: null });
        else this.#follow(this.#session);
        break;
      case 'need':
        void this.#fetch(message.from, message.count);
        break;
      case 'openMemory':
        void vscode.commands.executeCommand('guestscope.openMemory', {
          space: 'linear',
          address: message.address,
        });
        break;
    }
  }

  #follow(session: GuestSession): void {
    this.#following?.dispose();
    this.#session = session;
    this.#first = 0;
    this.#post({ kind: 'session', name: session.debugSession.name });
    if (this.#view === undefined) return;
    this.#following = session.on('guestscope.exits', ({ rows }) => {
      const last = rows.at(-1);
      if (last === undefined) return;
      const total = (last.row ?? last.ordinal) + 1;
      this.#post({ kind: 'rows', rows, first: this.#first, total });
    });
    void this.#fetchNewest();
  }

  /** Also asks to be told of new ones; asking twice does no harm. */
  #fetchNewest(): Promise<void> {
    return this.#request({ limit: EXIT_ROWS_PER_PAGE, follow: true });
  }

  #fetch(from: number, count: number): Promise<void> {
    return this.#request({ from, limit: Math.min(Math.max(count, 1), EXIT_ROWS_PER_PAGE) });
  }

  async #request(argument: { from?: number; limit: number; follow?: true }): Promise<void> {
    const session = this.#session;
    if (session === undefined || this.#view === undefined) return;
    try {
      const { rows, first, end } = await session.request('guestscope/exits', argument);
      this.#first = first;
      if (session === this.#session) this.#post({ kind: 'rows', rows, first, total: end });
    } catch (error) {
      // a guest that has ended meanwhile has no more rows to give; the page keeps what it has
      if (session === this.#sessions.active) this.#log.warn(`guestscope/exits: ${String(error)}`);
    }
  }

  #post(message: ToExitsPage): void {
    void this.#view?.webview.postMessage(message);
  }
}
