/** Commands of the log of VM exits: of a row's context menu, and writing the log to a file. */
import * as vscode from 'vscode';
import type { DisassemblyDocuments } from '../disassembly-documents.ts';
import type { ExitBreakpoints } from '../exit-breakpoints.ts';
import type { GuestSession, GuestSessions } from '../guest-session.ts';
import type { ExitContext } from '../views/exits-messages.ts';
import { resolveAddress } from '../views/memory.ts';

/** "leaf == 0x40000000 && subleaf == 0x0". */
function conditionOf(fields: ExitContext['fields']): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name} == 0x${value.toString(16)}`)
    .join(' && ');
}

/** Runs an action with the guest in front; says so where there is none, or what went wrong. */
async function withGuest(
  sessions: GuestSessions,
  action: (session: GuestSession) => Promise<void>,
): Promise<void> {
  const session = sessions.active;
  if (session === undefined) {
    void vscode.window.showInformationMessage('No guest is running: start one with F5.');
    return;
  }
  try {
    await action(session);
  } catch (error) {
    void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

async function exportLog(session: GuestSession): Promise<void> {
  const uri = await vscode.window.showSaveDialog({
    title: 'Write the log of VM exits to a file',
    filters: { 'VM exit log': ['exitlog'], CSV: ['csv'], JSON: ['json'] },
  });
  if (uri === undefined) return;
  const ending = /\.(csv|json)$/.exec(uri.path)?.[1];
  const format = ending === 'csv' || ending === 'json' ? ending : 'text';
  const { text } = await session.request('guestscope/exportExits', { format, what: 'log' });
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  await vscode.window.showTextDocument(uri);
}

async function goToAddress(session: GuestSession, documents: DisassemblyDocuments): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: 'Disassembly: linear address',
    prompt: 'A number such as 0x100000, a register, a symbol, or an expression of them',
    value: 'eip',
  });
  if (text === undefined || text.trim() === '') return;
  await documents.disassembly(session, await resolveAddress(session, text.trim()));
}

export function registerExitCommands(
  sessions: GuestSessions,
  breakpoints: ExitBreakpoints,
  documents: DisassemblyDocuments,
): vscode.Disposable {
  const { registerCommand } = vscode.commands;
  return vscode.Disposable.from(
    registerCommand('guestscope.breakOnExit', ({ reason }: ExitContext) =>
      breakpoints.add({ reason }),
    ),
    registerCommand('guestscope.breakOnSameExit', ({ reason, fields }: ExitContext) => {
      const condition = conditionOf(fields);
      return breakpoints.add({ reason, ...(condition !== '' && { condition }) });
    }),
    registerCommand('guestscope.copyExit', ({ text }: ExitContext) =>
      vscode.env.clipboard.writeText(text),
    ),
    registerCommand('guestscope.showExit', ({ address }: ExitContext) =>
      withGuest(sessions, (session) => documents.show(session, address)),
    ),
    registerCommand('guestscope.showAddress', (address: number) =>
      withGuest(sessions, (session) => documents.show(session, address)),
    ),
    registerCommand('guestscope.goToAddress', () =>
      withGuest(sessions, (session) => goToAddress(session, documents)),
    ),
    registerCommand('guestscope.exportExits', () => withGuest(sessions, exportLog)),
  );
}
