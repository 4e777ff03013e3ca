/** The log of VM exits as they come, and the breakpoints on them in the side bar. */
import assert from 'node:assert/strict';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun, eventually } from './debug-run.ts';
import { Ui } from './ui.ts';

const VIEW = '[aria-label="VM exits"]';

suite('exits', () => {
  const ui = Ui.here();
  let run: DebugRun;

  suiteSetup(async () => {
    await vscode.commands.executeCommand('workbench.view.debug');
    await vscode.commands.executeCommand('guestscope.exits.focus');
    run = await DebugRun.start();
    await run.nextStop();
    await run.continueToStop();
    await vscode.commands.executeCommand('guestscope.exits.focus');
  });
  suiteTeardown(async () => {
    await run.end();
    await vscode.commands.executeCommand('guestscope.removeAllExitBreakpoints');
  });

  async function rows(): Promise<readonly string[]> {
    const texts = (await ui?.texts('.rows .row', VIEW)) ?? [];
    return texts.map((text) => text.replace(/\s+/g, ' ').trim());
  }

  test('shows reason, qualification, address with symbol and position of each exit', async function () {
    if (ui === null) return this.skip();
    const { rows: logged } = await run.request<{
      rows: { position: number; name: string; detail: string; linearRip: number }[];
    }>('guestscope/exits', { limit: 1 });
    const last = logged.at(-1);
    assert.equal(last?.name, 'CPUID');
    const shown = await eventually('the last exit in the view', async () =>
      (await rows()).find((row) => row.includes(last.detail) && row.includes('CPUID')),
    );
    assert.ok(shown.includes(last.position.toLocaleString('en-US')), shown);
    assert.ok(shown.includes(`0x${last.linearRip.toString(16).padStart(8, '0')}`), shown);
    assert.match(shown, /find_hypervisor/);
    await ui.screenshot('exits');
  });

  test('scrolls back to the first exit', async function () {
    if (ui === null) return this.skip();
    await ui.click('.scroller', { view: VIEW });
    await ui.press('Control+Home');
    await eventually('exit 0', async () => (await rows()).find((row) => row.startsWith('0 ')));
    await ui.press('Control+End');
    // the view follows again once its end is in sight
    await eventually('the last exit', async () =>
      (await rows()).find((row) => row.includes('leaf 0x40000000')),
    );
  });

  test('shows what a filter lets through, and what a row means', async function () {
    if (ui === null) return this.skip();
    await ui.click('input.filter', { view: VIEW });
    await ui.type('cpuid leaf==0x40000000');
    const found = await eventually('one row', async () => {
      const shown = await rows();
      return shown.length === 1 ? shown[0] : undefined;
    });
    assert.match(found, /CPUID leaf 0x40000000/);
    await ui.click('.rows .row', { view: VIEW });
    await ui.waitFor('.explained', { text: 'appendix C', view: VIEW });
    await ui.click('button.toggle:has-text("By reason")', { view: VIEW });
    await ui.waitFor('.groups li', { text: 'IO_INSTRUCTION', view: VIEW });
    await ui.screenshot('exits filtered');
    await ui.click('.groups li button:has-text("CR_ACCESS")', { view: VIEW });
    await eventually('the rows of a reason', async () => {
      const shown = await rows();
      return shown.length > 1 && shown.every((text) => text.includes('CR_ACCESS')) ? 1 : undefined;
    });
  });

  test('a row offers its breakpoint, its code and its text', async function () {
    if (ui === null) return this.skip();
    await ui.click('.rows .row', { view: VIEW, button: 'right' });
    await ui.waitFor('.context-view', { text: 'Break on This Reason with These Values' });
    await ui.screenshot('exits menu');
    await ui.press('Escape');
    await ui.click('.rows .row', { view: VIEW, count: 2 });
    await eventually('the code of the exit', () => {
      const { activeTextEditor } = vscode.window;
      const path = activeTextEditor?.document.uri.path ?? '';
      return /\.s$|^\/0x/.test(path) ? path : undefined;
    });
    await ui.click('input.filter', { view: VIEW });
    await ui.press('Control+A');
    await ui.press('Delete');
    await eventually('all rows', async () => ((await rows()).length > 3 ? 1 : undefined));
  });

  test('code at an address is a document with symbols', async function () {
    if (ui === null) return this.skip();
    const opened = vscode.commands.executeCommand('guestscope.goToAddress');
    await ui.waitFor('.quick-input-widget', { text: 'linear address' });
    await ui.press('Control+A');
    await ui.type('find_hypervisor');
    await ui.press('Enter');
    await opened;
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /^find_hypervisor:\n0x[0-9a-f]{8} {2}(?:[0-9a-f]{2} ?)+/m);
    await ui.screenshot('disassembly document');
  });

  test('follows while the guest runs', async function () {
    if (ui === null) return this.skip();
    await run.press('continue');
    await eventually('a hypercall in the view', async () =>
      (await rows()).find((row) => row.includes('HLT') || row.includes('VMCALL')),
    );
    await ui.screenshot('exits running');
  });

  test('a breakpoint is added from a list of reasons with a condition', async function () {
    if (ui === null) return this.skip();
    const added = vscode.commands.executeCommand('guestscope.addExitBreakpoint');
    await ui.waitFor('.quick-input-widget', { text: 'Break on VM exit' });
    await ui.type('RDMSR');
    await ui.screenshot('exit reasons');
    await ui.press('Enter');
    await ui.waitFor('.quick-input-widget', { text: 'Break on RDMSR' });
    await ui.type('msr == 0x1b');
    await ui.press('Enter');
    await added;
    await ui.waitFor('.pane .monaco-list-row', { text: 'msr == 0x1b' });
    await ui.screenshot('exit breakpoints');
  });
});
