/**
 * The HTML around a view's script: nothing but the script, the style sheet and a place to draw in. The
 * content policy forbids everything else, so no page of ours can load or send anything.
 */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** Where the bundled scripts and style sheets of the views lie. */
export function webRoot(extensionUri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extensionUri, 'dist/web');
}

/** Page that runs dist/web/<name>.js with dist/web/<name>.css. */
export function viewPage(webview: vscode.Webview, extensionUri: vscode.Uri, name: string): string {
  const nonce = randomBytes(16).toString('base64url');
  const file = (ending: string) =>
    webview
      .asWebviewUri(vscode.Uri.joinPath(webRoot(extensionUri), `${name}.${ending}`))
      .toString();
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}';">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="stylesheet" href="${file('css')}">
<title>Guestscope</title>
</head>
<body>
<script nonce="${nonce}" src="${file('js')}"></script>
</body>
</html>`;
}
