/** The Paravirt view: what guest and hypervisor have agreed on, hooks with their call sites, breakpoints on them. */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { ParavirtOperationsBody, ParavirtSitesBody } from '../../../debug-adapter/protocol.ts';
import { DebugRun, eventually } from './debug-run.ts';
import { Ui } from './ui.ts';

const PANE = '.pane:has([aria-label^="Paravirt"])';
const row = (text: string): string => `${PANE} .monaco-list-row:has-text("${text}")`;
/** Its hook number 4 is write_cr3; this is called when the table has been filled. */
const AFTER_FILLING = 'two_address_spaces';
const WRITE_CR3 = 'pv_ops[4]';

suite('paravirt', () => {
  const ui = Ui.here();
  /** Other views of the side bar away, so that the rows of this one are in sight, and back. */
  const toggleOthers = async (): Promise<void> => {
    for (const name of ['Variables', 'Watch', 'Breakpoints'])
      await ui?.click(`.pane-header:has-text("${name}")`);
  };
  let run: DebugRun;

  suiteSetup(async () => {
    await vscode.commands.executeCommand('workbench.view.debug');
    vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(AFTER_FILLING)]);
    run = await DebugRun.start(() => DebugRun.launch({ exitBreakpoints: [] }));
    await run.nextStop();
    await run.continueToStop();
    await vscode.commands.executeCommand('guestscope.paravirt.focus');
    await toggleOthers();
  });
  suiteTeardown(async () => {
    await toggleOthers();
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await run.end();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  test('shows features and shared structures, hooks and their functions', async function () {
    if (ui === null) return this.skip();
    await ui.waitFor(row('Interface'), { text: 'KVM' });
    await ui.click(`${row('pv_ops')} .monaco-tl-twistie`);
    await ui.waitFor(row('kvm_get_time'));
    await ui.click(`${row('native_write_cr3')} .monaco-tl-twistie`);
    await ui.waitFor(row('call through the table of native_write_cr3'));
    await ui.screenshot('paravirt hooks');
    await ui.click(`${row('pv_ops')} .monaco-tl-twistie`);
    await ui.click(`${row('Interface')} .monaco-tl-twistie`);
    await ui.waitFor(row('pvclock_vcpu_time_info'), { text: 'system_time' });
    await ui.screenshot('paravirt interface');
  });

  test('a breakpoint on an operation stops where it is performed', async () => {
    const { groups } = await run.request<ParavirtOperationsBody>('guestscope/paravirtOperations');
    const operation = groups.flatMap(({ operations }) => operations).find(({ name }) => name === WRITE_CR3); // prettier-ignore
    const node = { kind: 'operation', operation };
    await vscode.commands.executeCommand('guestscope.breakOnParavirtOperation', node);
    await vscode.commands.executeCommand('guestscope.breakOnParavirtOperation', node);
    const set = vscode.debug.breakpoints.filter(
      (each) => each instanceof vscode.FunctionBreakpoint && each.functionName === WRITE_CR3,
    );
    assert.equal(set.length, 1);
    await eventually('the breakpoint', () => {
      const last = run.answers('setFunctionBreakpoints').at(-1) as { breakpoints?: unknown[] } | undefined;
      return last?.breakpoints?.length === 2 ? true : undefined;
    }); // prettier-ignore
    const { text } = await run.continueToStop();
    assert.equal(text, `${WRITE_CR3}: call through the table of native_write_cr3`);
  });

  test('a call site is shown in its source', async () => {
    const { sites } = await run.request<ParavirtSitesBody>('guestscope/paravirtSites', { operation: WRITE_CR3 }); // prettier-ignore
    const [site] = sites;
    assert.ok(site?.source);
    await vscode.commands.executeCommand('guestscope.showParavirtSite', { kind: 'site', site });
    const editor = await eventually('the source', () => vscode.window.activeTextEditor);
    assert.equal(basename(editor.document.fileName), 'paging.s');
    assert.match(editor.document.lineAt(editor.selection.active.line).text, /PV_WRITE_CR3/);
  });
});
