/**
 * The log of VM exits in the panel: follows the guest in front, hands rows to its page as they come and
 * fetches older ones when the page scrolls to them, or those that its filter lets through. Nothing is
 * kept here; the machine keeps the log.
 */
import * as vscode from 'vscode';
import { exitReasonDescriptions } from '../../debug-adapter/exits/exception-filters.ts';
import { EXIT_ROWS_PER_PAGE } from '../../debug-adapter/protocol.ts';
import type { GuestSession, GuestSessions } from '../guest-session.ts';
import type { FromExitsPage, ToExitsPage } from './exits-messages.ts';
import { viewPage, webRoot } from './webview-page.ts';

export const EXITS_VIEW = 'guestscope.exits';

/** How often a running guest's counts and matches are brought up to date, ms. */
const REFRESH = 500;

export class ExitsView implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #sessions: GuestSessions;
  readonly #log: vscode.LogOutputChannel;
  readonly #subscriptions: vscode.Disposable[];
  #view: vscode.WebviewView | undefined;
  #session: GuestSession | undefined;
  #following: vscode.Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Oldest row that the machine still keeps, as last heard. */
  #first = 0;
  #filter = '';
  /** Number of the row at which the search for matches goes on. */
  #searched = 0;
  #searching = false;
  #showsCounts = false;

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
        if (session !== this.#session) return;
        void this.#fetchNewest();
        this.#refresh();
      }),
    ];
    this.#session = sessions.active;
  }

  dispose(): void {
    this.#forget();
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
      this.#forget();
    });
    view.webview.html = viewPage(view.webview, this.#extensionUri, 'exits');
  }

  #receive(message: FromExitsPage): void {
    switch (message.kind) {
      case 'ready':
        this.#post({ kind: 'reasons', reasons: exitReasonDescriptions() });
        if (this.#session === undefined) this.#post({ kind: 'session', name: null });
        else this.#follow(this.#session);
        break;
      case 'need':
        void this.#fetch(message.from, message.count);
        break;
      case 'filter':
        this.#filter = message.text;
        this.#searched = 0;
        this.#post({ kind: 'filterProblem', text: '' });
        this.#refresh();
        break;
      case 'groups':
        this.#showsCounts = message.shown;
        this.#refresh();
        break;
      case 'show':
        void vscode.commands.executeCommand('guestscope.showAddress', message.address);
        break;
    }
  }

  #forget(): void {
    this.#following?.dispose();
    clearInterval(this.#timer);
  }

  #follow(session: GuestSession): void {
    this.#forget();
    this.#session = session;
    this.#first = 0;
    this.#searched = 0;
    this.#post({ kind: 'session', name: session.debugSession.name });
    if (this.#view === undefined) return;
    this.#following = session.on('guestscope.exits', ({ rows }) => {
      const last = rows.at(-1);
      if (last === undefined) return;
      const total = (last.row ?? last.ordinal) + 1;
      this.#post({ kind: 'rows', rows, first: this.#first, total });
    });
    this.#timer = setInterval(() => {
      if (session.running && this.#view?.visible === true) this.#refresh();
    }, REFRESH);
    void this.#fetchNewest();
    this.#refresh();
  }

  /** Brings up to date what is no page of the log. */
  #refresh(): void {
    const session = this.#session;
    if (session === undefined || this.#view === undefined) return;
    if (this.#filter !== '') void this.#search(session);
    if (this.#showsCounts) {
      void this.#attempt(session, async () => {
        const { counts } = await session.request('guestscope/exitCounts', undefined);
        this.#post({ kind: 'counts', counts });
      });
    }
  }

  /** Looks through the rows that have not been looked at yet for those that the filter lets through. */
  async #search(session: GuestSession): Promise<void> {
    if (this.#searching) return;
    this.#searching = true;
    await this.#attempt(session, async () => {
      for (;;) {
        const [filter, from] = [this.#filter, this.#searched];
        if (filter === '' || session !== this.#session) return;
        const found = await session.request('guestscope/findExits', { filter, from });
        // another filter was typed meanwhile
        if (filter !== this.#filter || from !== this.#searched) continue;
        this.#searched = found.next;
        if (found.rows.length > 0) this.#post({ kind: 'matches', filter, rows: found.rows });
        if (found.next >= found.end) return;
      }
    });
    this.#searching = false;
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
    await this.#attempt(session, async () => {
      const { rows, first, end } = await session.request('guestscope/exits', argument);
      this.#first = first;
      if (session === this.#session) this.#post({ kind: 'rows', rows, first, total: end });
    });
  }

  async #attempt(session: GuestSession, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      // a guest that has ended meanwhile has no more rows to give; the page keeps what it has
      if (session !== this.#sessions.active) return;
      const text = error instanceof Error ? error.message : String(error);
      this.#log.warn(text);
      if (this.#filter !== '') this.#post({ kind: 'filterProblem', text });
    }
  }

  #post(message: ToExitsPage): void {
    void this.#view?.webview.postMessage(message);
  }
}
