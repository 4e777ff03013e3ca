/** The guest's screen in a tab: what it shows, and keys typed there. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun, STORY, eventually } from './debug-run.ts';
import { Ui } from './ui.ts';

/**
 * Writes "Hello, screen" in white on blue to B8000h, then each scan code (port 60h) that is a key pressed
 * to the second line, as a character in yellow on red:
 *
 *       xor ax, ax; mov ds, ax; mov ax, 0xb800; mov es, ax; xor di, di; mov si, text; mov ah, 0x1f
 *   1:  lodsb; test al, al; jz 2f; stosw; jmp 1b
 *   2:  in al, 0x64; test al, 1; jz 2b; in al, 0x60; mov ah, 0x4e; test al, 0x80; jnz 2b
 *       mov es:[160], ax; jmp 2b
 *   text: .asciz "Hello, screen"
 */
const GUEST =
  '31c08ed8b800b88ec031ffbe2c7cb41fac84c07403abebf8e464a80174fae460b44ea88075f226a3a000ebec48656c6c6f2c2073637265656e00';
const VIEW = 'canvas.picture';

suite('screen', () => {
  const ui = Ui.here();
  let run: DebugRun;

  suiteSetup(async () => {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const kernel = join(folder, 'screen.bin');
    writeFileSync(kernel, Buffer.from(GUEST, 'hex'));
    const guest = { kernel, format: 'flat', loadAddress: '0x7c00' };
    const changes = { guest, symbols: [], exitBreakpoints: [], stopOnEntry: false };
    run = await DebugRun.start(() => DebugRun.launch(changes, STORY));
    await vscode.commands.executeCommand('guestscope.openScreen');
  });
  suiteTeardown(async () => {
    await vscode.debug.stopDebugging();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  const shown = async (): Promise<string> => (await ui?.texts('pre.lines', VIEW))?.join('') ?? '';

  test('shows what the guest has written to its text memory', async function () {
    if (ui === null) return this.skip();
    await eventually('the text', async () => (await shown()).startsWith('Hello, screen') || undefined); // prettier-ignore
    await ui.screenshot('screen');
  });

  test('a key pressed on the picture is a scan code in the guest', async function () {
    if (ui === null) return this.skip();
    await ui.click(VIEW, { view: VIEW });
    await ui.press('KeyB');
    // 30h, the make code of B, is the character 0
    const text = await eventually('the key', async () => {
      const [, second = ''] = (await shown()).split('\n');
      return second.startsWith('0') ? second : undefined;
    });
    assert.equal(text.trim(), '0');
    await ui.screenshot('screen key');
  });

  test('keeps the last picture when the guest has ended', async function () {
    if (ui === null) return this.skip();
    await run.end();
    await ui.waitFor('.message', { text: 'The guest has ended', view: VIEW });
    assert.match(await shown(), /^Hello, screen/);
  });
});
