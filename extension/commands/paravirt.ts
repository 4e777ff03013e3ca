/** Commands of the Paravirt view: breakpoints on operations, and the way to a call site. */
import * as vscode from 'vscode';
import type { ParavirtSite } from '../../debug-adapter/protocol.ts';
import type { ParavirtNode, ParavirtView } from '../views/paravirt.ts';

/** A function breakpoint of the operation's name, which the adapter binds to all its call sites. */
function breakOnOperation(node: ParavirtNode): void {
  if (node.kind !== 'operation') return;
  const { name } = node.operation;
  const isSet = vscode.debug.breakpoints.some(
    (each) => each instanceof vscode.FunctionBreakpoint && each.functionName === name,
  );
  if (!isSet) vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(name)]);
}

/** In its source where that is here, else in guest memory. */
async function showSite({ source, address }: ParavirtSite): Promise<void> {
  if (source === undefined) {
    await vscode.commands.executeCommand('guestscope.openMemory', { space: 'linear', address });
    return;
  }
  const place = new vscode.Position(source.line - 1, 0);
  await vscode.window.showTextDocument(vscode.Uri.file(source.path), {
    selection: new vscode.Range(place, place),
    preview: true,
  });
}

export function registerParavirtCommands(view: ParavirtView): vscode.Disposable {
  const { registerCommand } = vscode.commands;
  return vscode.Disposable.from(
    registerCommand('guestscope.breakOnParavirtOperation', breakOnOperation),
    registerCommand('guestscope.showParavirtSite', (node: ParavirtNode) =>
      node.kind === 'site' ? showSite(node.site) : undefined,
    ),
    registerCommand('guestscope.openParavirtMemory', (node: ParavirtNode) => openMemory(node)),
    registerCommand('guestscope.moreParavirtSites', (operation: string) => view.showMore(operation)), // prettier-ignore
    registerCommand('guestscope.refreshParavirt', () => view.refresh()),
  );
}

async function openMemory(node: ParavirtNode): Promise<void> {
  const reference = node.kind === 'detail' ? node.detail.memoryReference : undefined;
  const [, physical, digits] = /^(phys:)?(0x[0-9a-f]+)$/i.exec(reference ?? '') ?? [];
  if (digits === undefined) return;
  const space = physical === undefined ? 'linear' : 'physical';
  await vscode.commands.executeCommand('guestscope.openMemory', { space, address: Number(digits) });
}
