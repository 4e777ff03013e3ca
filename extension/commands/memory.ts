/**
 * Commands that open guest memory: at a linear or guest-physical address that the user types, or at the
 * address that a variable holds.
 */
import * as vscode from 'vscode';
import { DEBUG_TYPE, type GuestSession, type GuestSessions } from '../guest-session.ts';
import type { AddressSpace } from '../views/memory-messages.ts';
import {
  memoryReference,
  parseMemoryReference,
  resolveAddress,
  type MemoryViews,
} from '../views/memory.ts';

const NO_GUEST = 'No guest is running: start one with F5, then open its memory.';

interface Place {
  readonly space: AddressSpace;
  readonly address: number;
}

/** Opens the view that the setting names: ours, or the Hex Editor extension (the editor offers it). */
async function show(
  views: MemoryViews,
  session: GuestSession,
  place: Place,
  text: string,
): Promise<void> {
  const setting = vscode.workspace.getConfiguration(DEBUG_TYPE).get<string>('memoryView');
  if (setting !== 'hexEditor') {
    views.open(session, place.space, place.address, text);
    return;
  }
  await vscode.commands.executeCommand('workbench.debug.viewlet.action.viewMemory', {
    sessionId: session.id,
    variable: { memoryReference: memoryReference(place.space, place.address) },
  });
}

async function askAndShow(
  views: MemoryViews,
  sessions: GuestSessions,
  space: AddressSpace,
): Promise<void> {
  const session = sessions.active;
  if (session === undefined) {
    void vscode.window.showInformationMessage(NO_GUEST);
    return;
  }
  const text = await vscode.window.showInputBox({
    title: space === 'linear' ? 'Guest memory: linear address' : 'Guest memory: physical address',
    prompt: 'A number such as 0x100000, a register, a symbol, or an expression of them',
    value: space === 'linear' ? 'esp' : '0x00000000',
  });
  if (text === undefined || text.trim() === '') return;
  try {
    const address = await resolveAddress(session, text);
    await show(views, session, { space, address }, text.trim());
  } catch (error) {
    void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

/** What the Variables view hands to a command of its context menu, as far as it is used. */
interface VariableContext {
  readonly sessionId?: string;
  readonly variable?: { readonly memoryReference?: string };
}

export function registerMemoryCommands(
  views: MemoryViews,
  sessions: GuestSessions,
): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand('guestscope.openLinearMemory', () =>
      askAndShow(views, sessions, 'linear'),
    ),
    vscode.commands.registerCommand('guestscope.openPhysicalMemory', () =>
      askAndShow(views, sessions, 'physical'),
    ),
    vscode.commands.registerCommand('guestscope.openMemory', async (place: Place) => {
      const session = sessions.active;
      if (session === undefined) return;
      await show(views, session, place, memoryReference('linear', place.address));
    }),
    vscode.commands.registerCommand(
      'guestscope.openVariableMemory',
      async (context: VariableContext) => {
        const session = sessions.active;
        const reference = context.variable?.memoryReference;
        const place = reference === undefined ? null : parseMemoryReference(reference);
        if (session === undefined || place === null) {
          void vscode.window.showInformationMessage('This value is not an address in the guest.');
          return;
        }
        await show(views, session, place, reference ?? '');
      },
    ),
  );
}
