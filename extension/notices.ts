/** Messages of the machine that a user should see, in the debug console: ignored ports, oddities. */
import * as vscode from 'vscode';
import type { GuestSessions } from './guest-session.ts';

export function registerNotices(sessions: GuestSessions): vscode.Disposable {
  return sessions.onStarted((session) => {
    session.on('guestscope.notice', ({ message }) => {
      vscode.debug.activeDebugConsole.appendLine(message);
    });
  });
}
