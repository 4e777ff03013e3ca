/** Guest memory in the editor: by physical and linear address, written back, fresh while it is open. */
import assert from 'node:assert/strict';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun, eventually } from './debug-run.ts';
import { Ui } from './ui.ts';

/** Elements that only the memory views' pages have. */
const PHYSICAL = '[aria-label="Guest memory, physical"]';
const LINEAR = '[aria-label="Guest memory, linear"]';
/** A place in low memory that the story does not use. */
const SCRATCH = 0x600;

suite('memory', () => {
  const ui = Ui.here();
  let run: DebugRun;

  suiteSetup(async () => {
    run = await DebugRun.start();
    await run.nextStop();
    // CPUID of the launch configuration: paging is on by then
    await run.continueToStop();
  });
  suiteTeardown(async () => {
    await run.end();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  /** Bytes of the row that begins at this address, as the view shows them. */
  async function shownRow(view: string, address: number): Promise<string | undefined> {
    const rows = (await ui?.texts('.row', view)) ?? [];
    const prefix = address.toString(16).padStart(8, '0');
    return rows.find((row) => row.trim().startsWith(prefix))?.replace(/\s+/g, '');
  }

  async function openAt(command: string, title: string, address: string): Promise<void> {
    assert.ok(ui);
    const opened = vscode.commands.executeCommand(command);
    await ui.waitFor('.quick-input-widget', { text: title });
    await ui.press('Control+A');
    await ui.type(address);
    await ui.press('Enter');
    await opened;
  }

  test('physical and linear address reach the same byte through the page tables', async () => {
    const { physical } = await run.request<{ physical: number | null }>('guestscope/translate', {
      address: 0x7c00,
    });
    assert.notEqual(physical, null);
    const linear = await run.readMemory('0x7c00', 16);
    assert.deepEqual(await run.readMemory(`phys:0x${(physical ?? 0).toString(16)}`, 16), linear);
    assert.ok(linear.some((byte) => byte !== 0));
  });

  test('the view opens at a physical address', async function () {
    if (ui === null) return this.skip();
    await openAt('guestscope.openPhysicalMemory', 'physical address', '0x7c00');
    const hex = (await run.readMemory('phys:0x7c00', 8)).toString('hex');
    await eventually('the bytes on the screen', async () =>
      (await shownRow(PHYSICAL, 0x7c00))?.includes(hex) ? true : undefined,
    );
    await ui.screenshot('physical memory');
  });

  test('bytes typed over others are written into the guest', async function () {
    if (ui === null) return this.skip();
    await openAt('guestscope.openPhysicalMemory', 'physical address', '0x600');
    await eventually('the row', () => shownRow(PHYSICAL, SCRATCH));
    await ui.click(`[data-address="${String(SCRATCH)}"]`, { view: PHYSICAL });
    await ui.type('c0de');
    await eventually('the bytes in the guest', async () => {
      const bytes = await run.readMemory('phys:0x600', 2);
      return bytes.toString('hex') === 'c0de' ? true : undefined;
    });
    await eventually('the bytes on the screen', async () =>
      (await shownRow(PHYSICAL, SCRATCH))?.includes('c0de') ? true : undefined,
    );
    await ui.screenshot('memory written');
  });

  test('the view opens at a linear address and says where it lies', async function () {
    if (ui === null) return this.skip();
    await openAt('guestscope.openLinearMemory', 'linear address', 'esp');
    const esp = parseInt(await run.evaluate('esp'), 16);
    await eventually('the row of ESP', () => shownRow(LINEAR, esp - (esp % 8)));
    await ui.waitFor('.status', { view: LINEAR, text: '→ physical 0x' });
    await ui.screenshot('linear memory');
  });

  /** What the editor itself makes of a memory reference, for its memory views. */
  function editorUri(memoryReference: string, from: number, to: number): vscode.Uri {
    return vscode.Uri.from({
      scheme: 'vscode-debug-memory',
      authority: run.session.id,
      path: `/${encodeURIComponent(memoryReference)}/memory.bin`,
      query: `?range=${String(from)}:${String(to)}`,
    });
  }

  test('the editor itself reads guest memory, linear and physical', async () => {
    for (const reference of ['0x00007c00', 'phys:0x00007c00']) {
      const bytes = await vscode.workspace.fs.readFile(editorUri(reference, 0, 16));
      assert.deepEqual(Buffer.from(bytes), await run.readMemory('phys:0x7c00', 16));
    }
  });

  test('the editor itself writes guest memory', async () => {
    const written = Buffer.from('guestscope');
    await vscode.workspace.fs.writeFile(editorUri('phys:0x00000610', 0, written.length), written);
    assert.deepEqual(await run.readMemory('phys:0x610', written.length), written);
  });

  test('the Hex Editor extension shows it, where the setting says so', async function () {
    if (ui === null) return this.skip();
    const setting = vscode.workspace.getConfiguration('guestscope');
    await setting.update('memoryView', 'hexEditor', vscode.ConfigurationTarget.Global);
    await vscode.commands.executeCommand('guestscope.openMemory', {
      space: 'linear',
      address: 0x7c00,
    });
    const hex = (await run.readMemory('0x7c00', 16)).toString('hex');
    await ui.waitFor('#hex', { view: '#hex', text: hex });
    await ui.screenshot('hex editor');
    await setting.update('memoryView', undefined, vscode.ConfigurationTarget.Global);
  });
});
