/**
 * Stands in for ms-vscode.hexeditor, which the npm registry does not have: the same publisher, name and
 * custom editor, reading what the editor gives it in the same way (a range of the document's URI). It
 * shows the first sixteen bytes.
 */
const vscode = require('vscode');

exports.activate = ({ subscriptions }) => {
  subscriptions.push(
    vscode.window.registerCustomEditorProvider('hexEditor.hexedit', {
      openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
      async resolveCustomEditor({ uri }, { webview }) {
        const bytes = await vscode.workspace.fs.readFile(uri.with({ query: '?range=0:16' }));
        const hex = Buffer.from(bytes).toString('hex');
        webview.html = `<!DOCTYPE html><html lang="en"><body><pre id="hex">${hex}</pre></body></html>`;
      },
    }),
  );
};
