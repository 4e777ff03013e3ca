/** Commands that add, change and remove breakpoints on VM exits. */
import * as vscode from 'vscode';
import type { ExitReasonDescription } from '../../debug-adapter/protocol.ts';
import type { ExitBreakpoint, ExitBreakpoints } from '../exit-breakpoints.ts';

interface ReasonItem extends vscode.QuickPickItem {
  readonly reason: ExitReasonDescription;
}

const ANY: ExitReasonDescription = {
  number: -1,
  name: '*',
  description: 'Every VM exit, whatever its reason.',
  fields: ['reason'],
};

/** Quick pick of the reasons, then the condition. Undefined when the user gives up. */
async function ask(
  reasons: readonly ExitReasonDescription[],
): Promise<{ readonly reason: string; readonly condition?: string } | undefined> {
  const items = [ANY, ...reasons].map((reason): ReasonItem => ({
    label: reason.name === '*' ? 'any exit' : reason.name,
    description: reason.number < 0 ? '' : String(reason.number),
    detail: reason.description,
    reason,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Break on VM exit',
    placeHolder: 'Reason of the exit',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (picked === undefined) return undefined;
  const condition = await askCondition(picked.reason, '');
  if (condition === undefined) return undefined;
  return { reason: picked.reason.name, ...(condition !== '' && { condition }) };
}

/** The condition, empty for none, undefined when the user gives up. */
async function askCondition(
  reason: ExitReasonDescription,
  value: string,
): Promise<string | undefined> {
  const fields = reason.fields.length > 0 ? `Fields: ${reason.fields.join(', ')}. ` : '';
  const text = await vscode.window.showInputBox({
    title: `Break on ${reason.name === '*' ? 'any exit' : reason.name}`,
    prompt: `${fields}Empty: every exit of this reason.`,
    placeHolder: reason.example ?? 'Condition over the fields of the exit and registers',
    value,
  });
  return text?.trim();
}

export function registerExitBreakpointCommands(
  breakpoints: ExitBreakpoints,
  reasons: () => Promise<readonly ExitReasonDescription[]>,
): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand(
      'guestscope.addExitBreakpoint',
      async (given?: { reason: string; condition?: string }) => {
        const breakpoint = given ?? (await ask(await reasons()));
        if (breakpoint !== undefined) await breakpoints.add(breakpoint);
      },
    ),
    vscode.commands.registerCommand(
      'guestscope.editExitBreakpoint',
      async (breakpoint: ExitBreakpoint) => {
        const known = (await reasons()).find(({ name }) => name === breakpoint.reason) ?? ANY;
        const text = await askCondition(known, breakpoint.condition ?? '');
        if (text === undefined) return;
        const { condition: _, ...rest } = breakpoint;
        await breakpoints.change(breakpoint, text === '' ? rest : { ...rest, condition: text });
      },
    ),
    vscode.commands.registerCommand(
      'guestscope.removeExitBreakpoint',
      (breakpoint: ExitBreakpoint) => breakpoints.remove(breakpoint),
    ),
    vscode.commands.registerCommand('guestscope.removeAllExitBreakpoints', () =>
      breakpoints.removeAll(),
    ),
  );
}
