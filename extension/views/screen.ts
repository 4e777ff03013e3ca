/**
 * The guest's screen in an editor tab: what its display adapter shows, in text and in graphics, and the
 * keys that a person presses there for the guest's keyboard. One tab for each guest. The picture is
 * asked for while the tab is in sight, more seldom when nothing changes.
 */
import * as vscode from 'vscode';
import type { GuestSession, GuestSessions } from '../guest-session.ts';
import type { FromScreenPage, ToScreenPage } from './screen-messages.ts';
import { viewPage, webRoot } from './webview-page.ts';

/** Between two pictures of a running guest, ms: at first, and when nothing has changed for a while. */
const FAST = 100;
const SLOW = 500;
/** Unchanged pictures before it is asked more seldom. */
const PATIENCE = 20;

class ScreenPanel {
  readonly panel: vscode.WebviewPanel;
  readonly #session: GuestSession;
  readonly #subscriptions: readonly vscode.Disposable[];
  #seen: number | undefined;
  #unchanged = 0;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  #ended = false;

  constructor(
    extensionUri: vscode.Uri,
    sessions: GuestSessions,
    session: GuestSession,
    onClosed: () => void,
  ) {
    this.#session = session;
    this.panel = vscode.window.createWebviewPanel(
      'guestscope.screen',
      `Screen: ${session.debugSession.name}`,
      { viewColumn: vscode.ViewColumn.Beside },
      {
        enableScripts: true,
        retainContextWhenHidden: true,
        localResourceRoots: [webRoot(extensionUri)],
      },
    );
    const { webview } = this.panel;
    const whenOurs = (action: () => void) => (changed: GuestSession) => {
      if (changed === session) action();
    };
    const look = whenOurs(() => this.#look());
    this.#subscriptions = [
      webview.onDidReceiveMessage((message: FromScreenPage) => void this.#receive(message)),
      this.panel.onDidChangeViewState(() => this.#look()),
      sessions.onStopped(look),
      sessions.onResumed(look),
      sessions.onMemoryChanged(look),
      sessions.onRestarted(look),
      sessions.onEnded(whenOurs(() => this.#end())),
    ];
    this.panel.onDidDispose(() => {
      this.#ended = true;
      clearTimeout(this.#timer);
      for (const subscription of this.#subscriptions) subscription.dispose();
      onClosed();
    });
    webview.html = viewPage(webview, extensionUri, 'screen');
  }

  async #receive(message: FromScreenPage): Promise<void> {
    if (message.kind === 'ready') {
      this.#seen = undefined;
      this.#look();
      return;
    }
    if (this.#ended) return;
    const { scanCodes, text } = { scanCodes: undefined, text: undefined, ...message };
    try {
      await this.#session.request('guestscope/keyboardInput', {
        ...(scanCodes !== undefined && { scanCodes }),
        ...(text !== undefined && { text }),
      });
      this.#look();
    } catch (error) {
      this.#say(error);
    }
  }

  /** Asks now, and from now on as often as the guest changes its screen. */
  #look(): void {
    this.#unchanged = 0;
    this.#post({ kind: 'running', running: this.#session.running });
    void this.#ask();
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#asking || this.#ended || !this.panel.visible) return;
    this.#asking = true;
    try {
      const seen = this.#seen;
      const { changes, picture } = await this.#session.request(
        'guestscope/screen',
        seen === undefined ? {} : { seen },
      );
      this.#seen = changes;
      this.#unchanged = picture === undefined ? this.#unchanged + 1 : 0;
      if (picture !== undefined) this.#post({ kind: 'picture', picture });
    } catch (error) {
      this.#refused(error);
    }
    this.#asking = false;
    if (!this.#session.running) return;
    this.#timer = setTimeout(() => void this.#ask(), this.#unchanged < PATIENCE ? FAST : SLOW);
  }

  /** A guest that has ended meanwhile need not say why it has no picture. */
  #refused(error: unknown): void {
    if (!this.#ended) this.#say(error);
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#post({ kind: 'running', running: false });
    this.#say('The guest has ended; this is what it showed last.');
  }

  #say(what: unknown): void {
    this.#post({ kind: 'say', text: what instanceof Error ? what.message : String(what) });
  }

  #post(message: ToScreenPage): void {
    void this.panel.webview.postMessage(message);
  }
}

export class ScreenViews implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #sessions: GuestSessions;
  readonly #panels = new Map<string, ScreenPanel>();

  constructor(extensionUri: vscode.Uri, sessions: GuestSessions) {
    this.#extensionUri = extensionUri;
    this.#sessions = sessions;
  }

  dispose(): void {
    for (const { panel } of [...this.#panels.values()]) panel.dispose();
  }

  /** Shows the screen of a guest: its tab, or a new one beside the editor in use. */
  open(session: GuestSession): void {
    const known = this.#panels.get(session.id);
    if (known !== undefined) {
      known.panel.reveal();
      return;
    }
    const closed = (): void => void this.#panels.delete(session.id);
    const opened = new ScreenPanel(this.#extensionUri, this.#sessions, session, closed);
    this.#panels.set(session.id, opened);
  }
}
