/** Command that copies the sample workspace, a small guest with its source, and opens it. */
import * as vscode from 'vscode';

export function registerSampleCommand(extensionUri: vscode.Uri): vscode.Disposable {
  return vscode.commands.registerCommand('guestscope.openSample', async () => {
    const picked = await vscode.window.showOpenDialog({
      title: 'Folder in which to put the sample',
      openLabel: 'Copy Sample Here',
      canSelectFiles: false,
      canSelectFolders: true,
    });
    const parent = picked?.[0];
    if (parent === undefined) return;
    const target = vscode.Uri.joinPath(parent, 'guestscope-sample');
    try {
      const source = vscode.Uri.joinPath(extensionUri, 'extension/sample');
      await vscode.workspace.fs.copy(source, target, { overwrite: false });
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      void vscode.window.showErrorMessage(
        `The sample could not be copied to ${target.fsPath}: ${cause}`,
      );
      return;
    }
    await vscode.commands.executeCommand('vscode.openFolder', target);
  });
}
