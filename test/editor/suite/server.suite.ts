/** The debug adapter as a server that the editor reaches over TCP: "debugServer", and guests that wait there. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun, eventually } from './debug-run.ts';

const EXTENSION = 'guestscope.guestscope';

suite('adapter as a server', () => {
  let server: ChildProcess;
  let port = 0;

  suiteSetup(async () => {
    const extension = vscode.extensions.getExtension(EXTENSION);
    assert.ok(extension, `there is no extension ${EXTENSION}`);
    const adapter = join(extension.extensionPath, 'dist/adapter.cjs');
    // the editor's own executable is Node when it is told so
    server = spawn(process.execPath, [adapter, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    assert.ok(server.stdout);
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    port = Number(/:(\d+)$/.exec(line)?.[1]);
  });
  suiteTeardown(() => void server.kill());

  test('is reached by "debugServer", and keeps a guest for who attaches to it', async () => {
    const name = 'Left behind';
    const first = await DebugRun.start(() => DebugRun.launch({ debugServer: port, name }));
    assert.equal((await first.nextStop()).description, 'Paused on entry');
    await first.continueToStop();
    assert.equal(Number(await first.evaluate('eax')), 0x40000000);
    assert.equal(Number(await first.evaluate('esi = 0x1234')), 0x1234);
    let left = false;
    const leaving = vscode.debug.onDidTerminateDebugSession(({ id }) => {
      left ||= id === first.session.id;
    });
    await first.request('disconnect', { suspendDebuggee: true, terminateDebuggee: false });
    await eventually('the end of the session', () => left || undefined);
    leaving.dispose();

    const second = await DebugRun.start(
      () =>
      vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], {
        type: 'guestscope', request: 'attach', name: 'Attach', port, guest: name,
      }), // prettier-ignore
    );
    assert.match((await second.nextStop()).text ?? '', /CPUID/);
    assert.equal(Number(await second.evaluate('esi')), 0x1234);
    await second.end();
  });

  test('says where none is', async () => {
    const refused = await vscode.debug
      .startDebugging(undefined, { type: 'guestscope', request: 'attach', name: 'Nobody', port: 1 })
      .then((started) => !started, () => true); // prettier-ignore
    assert.ok(refused, 'nobody listens at port 1');
  });
});
