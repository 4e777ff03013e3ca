/** The command that opens the guest's screen. */
import * as vscode from 'vscode';
import type { GuestSessions } from '../guest-session.ts';
import type { ScreenViews } from '../views/screen.ts';

export function registerScreenCommand(
  views: ScreenViews,
  sessions: GuestSessions,
): vscode.Disposable {
  return vscode.commands.registerCommand('guestscope.openScreen', () => {
    const session = sessions.active;
    if (session !== undefined) views.open(session);
    else void vscode.window.showInformationMessage('No guest is running: start one with F5, then open its screen.'); // prettier-ignore
  });
}
