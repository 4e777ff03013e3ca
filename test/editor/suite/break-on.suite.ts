/** The tree of events in the side bar: ticked, it stops the guest; a condition, launch.json and the next guest. */
import assert from 'node:assert/strict';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun, eventually } from './debug-run.ts';
import { Ui } from './ui.ts';

const PANE = '.pane:has([aria-label^="Break On"])';
const row = (text: string): string => `${PANE} .monaco-list-row:has-text("${text}")`;

suite('break on', () => {
  const ui = Ui.here();
  let run: DebugRun;

  suiteSetup(async () => {
    await vscode.commands.executeCommand('workbench.view.debug');
    await vscode.commands.executeCommand('guestscope.clearEvents');
    const breakOn = [{ event: 'msr.read', condition: 'event.index == 0xffff' }];
    run = await DebugRun.start(() => DebugRun.launch({ exitBreakpoints: [], breakOn }));
    await run.nextStop();
    await vscode.commands.executeCommand('guestscope.breakOn.focus');
  });
  suiteTeardown(async () => {
    await vscode.commands.executeCommand('guestscope.clearEvents');
    await run.end();
  });

  test('an event that is ticked stops the guest', async function () {
    if (ui === null) return this.skip();
    await ui.click(`${row('Mode switches')} .monaco-tl-twistie`);
    await ui.waitFor(row('real, protected, virtual-8086'));
    await ui.click(`${row('real, protected, virtual-8086')} .monaco-checkbox`);
    await ui.waitFor(row('Mode switches'), { text: '1 of' });
    const stop = await run.continueToStop();
    assert.match(`${stop.description ?? ''} ${stop.text ?? ''}`, /protected/);
    const { mode } = await run.request<{ mode: string }>('guestscope/position');
    assert.match(mode, /^protected/);
    await ui.screenshot('break on');
  });

  test('a condition is asked for with the fields of the event', async function () {
    if (ui === null) return this.skip();
    const event = { id: 'cr3', label: 'address space (CR3)', description: '', stops: 'after' };
    const fields = [{ name: 'event.to', meaning: 'the new value' }];
    const edited = vscode.commands.executeCommand('guestscope.editEventCondition', {
      ...event,
      fields,
    });
    await ui.waitFor('.quick-input-widget', { text: 'event.to' });
    await ui.type('event.to == 0x10000');
    await ui.press('Enter');
    await edited;
    await ui.waitFor(row('address space (CR3)'), { text: 'event.to == 0x10000' });
    const stop = await run.continueToStop();
    assert.match(`${stop.description ?? ''} ${stop.text ?? ''}`, /CR3|0x10000/);
  });

  test('what launch.json has set is told beside', async function () {
    if (ui === null) return this.skip();
    // the list draws only the rows in sight
    await ui.click(`${row('Mode switches')} .monaco-tl-twistie`);
    await ui.click(row('Exceptions'));
    await ui.press('ArrowLeft');
    for (const _ of 'abc') await ui.press('ArrowDown');
    await ui.waitFor(row('Model-specific registers'), { text: '1 by launch.json' });
  });

  test('the choice is copied as launch.json writes it', async () => {
    await vscode.commands.executeCommand('guestscope.copyEvents');
    const text = await eventually('the clipboard', async () => {
      const copied = await vscode.env.clipboard.readText();
      return copied.startsWith('"breakOn"') ? copied : undefined;
    });
    const { breakOn } = JSON.parse(`{${text}}`) as { breakOn: { event: string }[] };
    assert.ok(breakOn.some(({ event }) => event === 'cr3'));
  });
});
