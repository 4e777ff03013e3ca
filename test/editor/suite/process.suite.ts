/** The debug adapter as a process of its own, by the setting: the same session over standard streams. */
import assert from 'node:assert/strict';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun } from './debug-run.ts';

suite('adapter process', () => {
  const setting = vscode.workspace.getConfiguration('guestscope');

  suiteSetup(() => setting.update('adapter', 'process', vscode.ConfigurationTarget.Global));
  suiteTeardown(() => setting.update('adapter', undefined, vscode.ConfigurationTarget.Global));

  test('launches, stops, continues to an exit and ends', async () => {
    const run = await DebugRun.start();
    assert.equal((await run.nextStop()).description, 'Paused on entry');
    assert.match((await run.continueToStop()).text ?? '', /CPUID/);
    assert.equal(Number(await run.evaluate('eax')), 0x40000000);
    await run.end();
  });
});
