/**
 * The guest's serial console (COM1) as an editor terminal: what the guest sends is shown, what is typed
 * goes to the guest. One terminal for each launch configuration; a later launch takes over its place.
 */
import * as vscode from 'vscode';
import type { GuestSession, GuestSessions } from './guest-session.ts';

/** A terminal that is not connected to a process but to a guest's serial port. */
class ConsoleTerminal implements vscode.Pseudoterminal {
  readonly #written = new vscode.EventEmitter<string>();
  readonly onDidWrite = this.#written.event;
  readonly #session: GuestSession;
  readonly #subscription: vscode.Disposable;
  /** Output that came before the editor opened the terminal; null from then on. */
  #early: string | null = '';
  #ended = false;
  #last = '';

  constructor(session: GuestSession) {
    this.#session = session;
    this.#subscription = session.on('guestscope.console', ({ text, dropped }) => {
      if (dropped > 0)
        this.#show(`\r\n[${String(dropped)} bytes lost: the guest sent too fast]\r\n`);
      this.#show(this.#withReturns(text));
    });
  }

  open(): void {
    const early = this.#early ?? '';
    this.#early = null;
    if (early !== '') this.#written.fire(early);
  }

  close(): void {
    this.#subscription.dispose();
    this.#written.dispose();
  }

  handleInput(text: string): void {
    if (this.#ended) return;
    this.#session.request('guestscope/consoleInput', { text }).then(undefined, (error: unknown) => {
      this.#show(`\r\n[not sent: ${error instanceof Error ? error.message : String(error)}]\r\n`);
    });
  }

  /** The guest is gone; the text stays. */
  end(): void {
    this.#ended = true;
    this.#subscription.dispose();
    this.#show('\r\n\x1b[2m[The guest has ended.]\x1b[0m\r\n');
  }

  #show(text: string): void {
    if (this.#early === null) this.#written.fire(text);
    else this.#early += text;
  }

  /** Guests that send line feeds alone mean new lines all the same. */
  #withReturns(text: string): string {
    const whole = this.#last + text;
    this.#last = text.slice(-1) || this.#last;
    return whole.replace(/(?<!\r)\n/g, '\r\n').slice(whole.length - text.length);
  }
}

export function registerConsoleTerminals(sessions: GuestSessions): vscode.Disposable {
  /** Terminals by the launch configuration's name, to take over the place of an earlier run. */
  const terminals = new Map<string, vscode.Terminal>();
  const consoles = new Map<string, ConsoleTerminal>();

  return vscode.Disposable.from(
    sessions.onStarted((session) => {
      // before the first instruction, so that no output is missed
      if (session.debugSession.configuration['console'] === 'debugConsole') return;
      const console = new ConsoleTerminal(session);
      consoles.set(session.id, console);
      const { name } = session.debugSession;
      terminals.get(name)?.dispose();
      const terminal = vscode.window.createTerminal({
        name: `Console: ${name}`,
        pty: console,
        iconPath: new vscode.ThemeIcon('vm'),
        isTransient: true,
      });
      terminals.set(name, terminal);
      terminal.show(true);
    }),
    sessions.onEnded((session) => {
      consoles.get(session.id)?.end();
      consoles.delete(session.id);
    }),
    vscode.window.onDidCloseTerminal((closed) => {
      for (const [name, terminal] of terminals) if (terminal === closed) terminals.delete(name);
    }),
  );
}
