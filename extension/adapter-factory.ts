/**
 * Gives the editor its debug adapter: the session object in the extension host, or, by the setting
 * guestscope.adapter, a process that speaks over its standard streams.
 */
import * as vscode from 'vscode';
import { exitReasonDescriptions } from '../debug-adapter/exit-filters.ts';
import type { ExitReasonDescription } from '../debug-adapter/protocol.ts';

interface AdapterFactory extends vscode.DebugAdapterDescriptorFactory, vscode.Disposable {
  exitReasons(): Promise<readonly ExitReasonDescription[]>;
}

export function createAdapterFactory(extensionUri: vscode.Uri): AdapterFactory {
  const file = (name: string) => vscode.Uri.joinPath(extensionUri, 'dist', name).fsPath;
  return {
    createDebugAdapterDescriptor: () =>
      new vscode.DebugAdapterExecutable(process.execPath, [file('adapter.cjs')]),
    exitReasons: () => Promise.resolve(exitReasonDescriptions()),
    dispose: () => undefined,
  };
}
