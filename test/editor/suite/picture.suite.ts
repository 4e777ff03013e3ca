/**
 * The picture of a session that the README begins with (extension/media/session.png is a copy of the
 * dark one): a stop at a VM exit with registers, memory, disassembly and the log.
 */
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun } from './debug-run.ts';
import { Ui } from './ui.ts';

suite('picture', () => {
  const ui = Ui.here();
  let run: DebugRun;

  suiteSetup(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('workbench.view.debug');
    await vscode.commands.executeCommand('guestscope.addExitBreakpoint', {
      reason: 'VMCALL',
      condition: 'nr == 1',
    });
    run = await DebugRun.start();
    await run.nextStop();
    await run.continueToStop();
    await run.continueToStop();
  });
  suiteTeardown(async () => {
    await run.end();
    await vscode.commands.executeCommand('guestscope.removeAllExitBreakpoints');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  test('a guest at a hypercall', async function () {
    if (ui === null) return this.skip();
    await vscode.commands.executeCommand('guestscope.openMemory', {
      space: 'linear',
      address: 0x18200,
    });
    await ui.waitFor('.row', { view: '[aria-label="Guest memory, linear"]' });
    await vscode.commands.executeCommand('guestscope.exits.focus');
    await ui.click('.pane-header:has-text("Watch")');
    await ui.click('.debug-variables .monaco-list-row:has-text("General")');
    await ui.waitFor('.debug-variables .monaco-list-row', { text: 'eax' });
    await ui.waitFor('.rows .row', { view: '[aria-label="VM exits"]', text: 'VMCALL' });
    await ui.screenshot('session');
    await ui.click('.pane-header:has-text("Watch")');
  });
});
