/**
 * The main job in the editor: F5 boots the sample guest, it stops where it was asked to, runs on, pauses
 * and steps. Addresses and texts come from extension/sample/story.
 */
import assert from 'node:assert/strict';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { DebugRun, eventually } from './debug-run.ts';
import { Ui } from './ui.ts';

/** Where a PC loads a boot sector, and where the story begins. */
const ENTRY = 0x7c00;

suite('launch', () => {
  const ui = Ui.here();
  let run: DebugRun;
  let started = 0;

  suiteSetup(async () => {
    await vscode.commands.executeCommand('guestscope.removeAllExitBreakpoints');
    await vscode.commands.executeCommand('workbench.view.debug');
    started = performance.now();
    // as a person does it, where there is a keyboard
    run = await DebugRun.start(ui ? () => ui.press('F5') : undefined);
  });
  suiteTeardown(async () => {
    await run.end();
    await vscode.commands.executeCommand('guestscope.removeAllExitBreakpoints');
  });

  /** Linear address of the instruction to come, as the call stack has it. */
  async function topFrame(): Promise<{ name: string; address: number }> {
    const { stackFrames } = await run.request<{
      stackFrames: { name: string; instructionPointerReference: string }[];
    }>('stackTrace', { threadId: 1 });
    const top = stackFrames[0];
    assert.ok(top, 'the call stack is empty');
    return { name: top.name, address: Number(top.instructionPointerReference) };
  }

  test('F5 stops the guest before its first instruction', async function () {
    assert.equal((await run.nextStop()).description, 'Paused on entry');
    // a figure to report; how long it may take depends on what else the computer does
    const milliseconds = Math.round(performance.now() - started);
    if (this.test) this.test.title += `, ${String(milliseconds)} ms after the key`;
    assert.equal((await topFrame()).address, ENTRY);
  });

  test('the editor shows where it stopped', async function () {
    if (ui === null) return this.skip();
    await ui.waitFor('.debug-call-stack .monaco-list-row', { text: 'start' });
    await ui.waitFor('.statusbar', { text: 'real mode' });
    await ui.screenshot('entry');
  });

  test('shows the source line of the guest', async function () {
    const editor = await eventually('the source in an editor', () =>
      vscode.window.activeTextEditor?.document.fileName.endsWith('real-mode.s')
        ? vscode.window.activeTextEditor
        : undefined,
    );
    const line = await eventually('the line in the source', async () => {
      const { stackFrames } = await run.request<{ stackFrames: { line: number }[] }>('stackTrace', {
        threadId: 1,
      });
      return stackFrames[0]?.line;
    });
    assert.match(editor.document.lineAt(line - 1).text, /^\s+cli\b/);
    await ui?.waitFor('.monaco-editor .debug-top-stack-frame-line');
    await ui?.screenshot('source line');
  });

  test('disassembles sixteen bits in real mode', async () => {
    const { instructions } = await run.request<{
      instructions: { address: string; instruction: string }[];
    }>('disassemble', { memoryReference: '0x7c00', instructionOffset: 0, instructionCount: 8 });
    assert.equal(instructions.length, 8);
    assert.equal(Number(instructions[0]?.address), ENTRY);
    // cli; or whatever real-mode.s begins with: an instruction and no data
    assert.match(instructions[0]?.instruction ?? '', /^[a-z]/);
  });

  test('steps by one instruction', async () => {
    const before = await topFrame();
    await run.press('stepInto');
    assert.equal((await run.nextStop()).description, 'Paused on step');
    const after = await topFrame();
    assert.notEqual(after.address, before.address);
    assert.ok(after.address - before.address < 16, 'no instruction is longer than 15 bytes');
  });

  test('stops at a breakpoint on a source line', async () => {
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor);
    const { document } = editor;
    const index = document
      .getText()
      .split('\n')
      .findIndex((text) => /^\s+lgdt\b/.test(text));
    const breakpoint = new vscode.SourceBreakpoint(
      new vscode.Location(document.uri, new vscode.Position(index, 0)),
    );
    vscode.debug.addBreakpoints([breakpoint]);
    await eventually('the breakpoint is bound', async () => {
      const bound = await run.session.getDebugProtocolBreakpoint(breakpoint);
      return (bound as { verified?: boolean } | undefined)?.verified === true ? true : undefined;
    });
    assert.equal((await run.continueToStop()).reason, 'breakpoint');
    await ui?.waitFor('.monaco-editor .debug-top-stack-frame-line');
    await ui?.screenshot('source breakpoint');
    vscode.debug.removeBreakpoints([breakpoint]);
  });

  test('stops at the CPUID leaf that launch.json names', async () => {
    const stop = await run.continueToStop();
    assert.match(stop.text ?? stop.description ?? '', /CPUID.*0x40000000/);
    assert.equal(await run.evaluate('eax').then(Number), 0x40000000);
    assert.equal((await topFrame()).name.split('+')[0], 'find_hypervisor');
  });

  test('the call stack, the registers and the exit are on the screen', async function () {
    if (ui === null) return this.skip();
    await ui.waitFor('.debug-call-stack .monaco-list-row', { text: 'find_hypervisor' });
    await ui.waitFor('.debug-variables .monaco-list-row', { text: 'Registers' });
    await ui.screenshot('cpuid exit');
  });

  test('disassembles thirty-two bits in protected mode', async () => {
    const { address } = await topFrame();
    const { instructions } = await run.request<{ instructions: { instruction: string }[] }>(
      'disassemble',
      { memoryReference: `0x${address.toString(16)}`, instructionOffset: 0, instructionCount: 3 },
    );
    assert.equal(instructions[0]?.instruction, 'cpuid');
    // "mov [signature], ebx" with its 32-bit address
    assert.match(instructions[1]?.instruction ?? '', /^mov .*ebx/);
  });

  test('the disassembly view of the editor opens on it', async function () {
    if (ui === null) return this.skip();
    await vscode.commands.executeCommand('debug.action.openDisassemblyView');
    await ui.waitFor('.disassembly-view .monaco-list-row', { text: 'cpuid' });
    await ui.screenshot('disassembly');
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  test('stops at a hypercall by its number', async () => {
    await vscode.commands.executeCommand('guestscope.addExitBreakpoint', {
      reason: 'VMCALL',
      condition: 'nr == 42',
    });
    const stop = await run.continueToStop();
    assert.match(stop.text ?? stop.description ?? '', /VMCALL/);
    assert.equal(await run.evaluate('eax').then(Number), 42);
    assert.equal((await topFrame()).name.split('+')[0], 'kvm_hypercall');
    await vscode.commands.executeCommand('guestscope.removeAllExitBreakpoints');
  });

  test('steps over a call and out of a function', async () => {
    await run.press('stepOver');
    await run.nextStop();
    await run.press('stepOut');
    await run.nextStop();
    assert.equal((await topFrame()).name.split('+')[0], 'try_hypercalls');
    // the call of print_decimal: over it, not into it
    await run.press('stepOver');
    await run.nextStop();
    assert.equal((await topFrame()).name.split('+')[0], 'try_hypercalls');
  });

  test('stops at a write to an I/O port', async () => {
    await vscode.commands.executeCommand('guestscope.addExitBreakpoint', {
      reason: 'IO_INSTRUCTION',
      condition: 'port == 0x3f8',
    });
    const stop = await run.continueToStop();
    assert.match(stop.text ?? stop.description ?? '', /IO_INSTRUCTION.*0x3f8/);
    await ui?.waitFor('.debug-variables .monaco-list-row', { text: 'Registers' });
    await ui?.screenshot('port exit');
    await vscode.commands.executeCommand('guestscope.removeAllExitBreakpoints');
  });

  test('pauses while the guest waits for a line', async function () {
    const soFar = run.events('stopped').length;
    await run.press('continue');
    await eventually('the prompt', () =>
      run.consoleText().includes('type a line') ? true : undefined,
    );
    assert.equal(run.events('stopped').length, soFar);
    const asked = performance.now();
    await run.press('pause');
    assert.equal((await run.nextStop()).description, 'Paused');
    // a figure to report, as above
    const milliseconds = Math.round(performance.now() - asked);
    if (this.test) this.test.title += `, ${String(milliseconds)} ms after the command`;
  });
});
