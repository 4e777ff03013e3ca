/**
 * The main job on real input: Debian's kernel from the sample's second launch configuration, stopped at
 * VM exits, its memory read, then booted to its shell, in whose terminal one can type.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun, LINUX, eventually } from './debug-run.ts';
import { Ui } from './ui.ts';

/** Boot to the shell: 6.4 G instructions on a machine that may be busy. */
const BOOT_LIMIT = 10 * 60_000;
/** Where the 32-bit boot protocol puts the kernel (Documentation/arch/x86/boot.rst). */
const KERNEL = 0x100000;

suite('linux', () => {
  const ui = Ui.here();
  let run: DebugRun;

  suiteSetup(async function () {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const present = existsSync(join(folder, 'linux/vmlinuz'));
    if (!present && process.env['CI'] === undefined) return this.skip();
    assert.ok(present, 'the kernel could not be fetched');
    await vscode.commands.executeCommand('workbench.view.debug');
    // any CPUID: the one that launch.json names comes only after decompression
    await vscode.commands.executeCommand('guestscope.addExitBreakpoint', { reason: 'CPUID' });
    run = await DebugRun.start(() => DebugRun.launch({ exitBreakpoints: [] }, LINUX));
  });
  suiteTeardown(async () => {
    await vscode.commands.executeCommand('guestscope.removeAllExitBreakpoints');
    await vscode.debug.stopDebugging();
  });

  test('stops at the entry of the boot protocol', async () => {
    await run.nextStop();
    const [mode, eip] = await Promise.all([
      run.request<{ mode: string; linearEip: number }>('guestscope/position'),
      run.evaluate('eip'),
    ]);
    assert.equal(mode.mode, 'protected32');
    assert.equal(parseInt(eip, 16), mode.linearEip);
    assert.ok(mode.linearEip >= KERNEL, eip);
  });

  test('the zero page that ESI points to holds the setup header', async () => {
    const esi = parseInt(await run.evaluate('esi'), 16);
    // offset 0x202 of struct boot_params: "HdrS"
    const header = await run.readMemory(`phys:0x${(esi + 0x202).toString(16)}`, 4);
    assert.equal(header.toString('latin1'), 'HdrS');
  });

  test('stops at the first CPUID of the kernel', async () => {
    const stop = await run.continueToStop();
    assert.match(stop.text ?? '', /CPUID/);
    await ui?.screenshot('linux cpuid');
  });

  test('boots to a shell that answers what is typed', async function () {
    this.timeout(BOOT_LIMIT);
    await vscode.commands.executeCommand('guestscope.removeAllExitBreakpoints');
    await run.press('continue');
    await printed('GUESTSCOPE-READY', BOOT_LIMIT);
    await run.request('guestscope/consoleInput', { text: 'echo $((6 * 7)) on $(uname -m)\r' });
    await printed('42 on i686');
    await ui?.screenshot('linux shell');
  });

  test('switches the machine off when the shell is left', async () => {
    await run.request('guestscope/consoleInput', { text: 'exit\r' });
    await eventually('the end', () => run.events('terminated')[0]);
  });

  async function printed(text: string, patience?: number): Promise<void> {
    const what = `"${text}" on the console`;
    await eventually(what, () => (run.consoleText().includes(text) ? true : undefined), patience);
  }
});
