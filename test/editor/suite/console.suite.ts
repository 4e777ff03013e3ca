/** The serial console as a terminal: it shows what the guest sends, and what is typed reaches the guest. */
import assert from 'node:assert/strict';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun, eventually } from './debug-run.ts';
import { Ui } from './ui.ts';

suite('console', () => {
  const ui = Ui.here();
  let run: DebugRun;

  suiteSetup(async () => {
    run = await DebugRun.start(() =>
      DebugRun.launch({ stopOnEntry: false, exitBreakpoints: [], name: 'Console test' }),
    );
    await eventually('the prompt', () =>
      run.consoleText().includes('type a line') ? true : undefined,
    );
  });
  suiteTeardown(async () => {
    if (vscode.debug.activeDebugSession) await vscode.debug.stopDebugging();
  });

  test('a terminal carries the name of the launch', () => {
    const names = vscode.window.terminals.map(({ name }) => name);
    assert.ok(names.includes('Console: Console test'), names.join(', '));
  });

  test('shows what the guest printed', async function () {
    if (ui === null) return this.skip();
    await ui.waitFor('.terminal-wrapper.active .xterm-rows', { text: 'Hypercalls' });
    await ui.screenshot('console');
  });

  test('what is typed reaches the guest', async function () {
    if (ui === null) return this.skip();
    await ui.click('.terminal-wrapper.active .xterm-screen');
    await ui.type('hello guest');
    await ui.press('Enter');
    await ui.waitFor('.terminal-wrapper.active .xterm-rows', {
      text: 'You typed 11 characters: hello guest',
    });
    assert.match(run.consoleText(), /You typed 11 characters: hello guest/);
  });

  test('the guest powers off and the session ends', async function () {
    if (ui === null) return this.skip();
    await eventually('the end', () => (run.events('terminated').length > 0 ? true : undefined));
    assert.deepEqual(run.events('exited')[0], { exitCode: 0 });
    await ui.waitFor('.terminal-wrapper.active .xterm-rows', { text: 'The guest has ended' });
    await ui.screenshot('console ended');
  });
});
