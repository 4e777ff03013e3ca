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
  group: 'All',
  description: 'Every VM exit, whatever its reason.',
  occurs: true,
  fields: [{ name: 'reason', meaning: 'number of the reason' }],
};

/** The reasons under headings, the reader's most likely choice ("any") last. */
function reasonItems(reasons: readonly ExitReasonDescription[]): vscode.QuickPickItem[] {
  const items: vscode.QuickPickItem[] = [];
  let group = '';
  for (const reason of [...reasons.filter(({ occurs }) => occurs), ANY]) {
    if (reason.group !== group) {
      group = reason.group;
      items.push({ label: group, kind: vscode.QuickPickItemKind.Separator });
    }
    const item: ReasonItem = {
      label: reasonTitle(reason),
      description: reason.number < 0 ? '' : String(reason.number),
      detail: reason.description,
      reason,
    };
    items.push(item);
  }
  return items;
}

function reasonTitle({ name }: ExitReasonDescription): string {
  return name === '*' ? 'any exit' : name;
}

/** Quick pick of the reasons, then the condition. Undefined when the user gives up. */
async function ask(
  reasons: readonly ExitReasonDescription[],
): Promise<{ readonly reason: string; readonly condition?: string } | undefined> {
  const picked = await vscode.window.showQuickPick(reasonItems(reasons), {
    title: 'Break on VM exit',
    placeHolder: 'Reason of the exit',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (picked === undefined || !('reason' in picked)) return undefined;
  const { reason } = picked as ReasonItem;
  const condition = await askCondition(reason, '');
  if (condition === undefined) return undefined;
  return { reason: reason.name, ...(condition !== '' && { condition }) };
}

/** The condition, empty for none, undefined when the user gives up. */
async function askCondition(
  reason: ExitReasonDescription,
  value: string,
): Promise<string | undefined> {
  const fields = reason.fields.map(({ name, meaning }) => `${name} (${meaning})`).join(', ');
  const text = await vscode.window.showInputBox({
    title: `Break on ${reasonTitle(reason)}`,
    prompt: `${fields === '' ? '' : `Fields: ${fields}. `}Empty: every exit of this reason.`,
    placeHolder: reason.example ?? 'Condition over the fields of the exit and registers',
    value,
  });
  return text?.trim();
}

export function registerExitBreakpointCommands(
  breakpoints: ExitBreakpoints,
  reasons: readonly ExitReasonDescription[],
): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand(
      'guestscope.addExitBreakpoint',
      async (given?: { reason: string; condition?: string }) => {
        const breakpoint = given ?? (await ask(reasons));
        if (breakpoint !== undefined) await breakpoints.add(breakpoint);
      },
    ),
    vscode.commands.registerCommand(
      'guestscope.editExitBreakpoint',
      async (breakpoint: ExitBreakpoint) => {
        const known = reasons.find(({ name }) => name === breakpoint.reason) ?? ANY;
        const text = await askCondition(known, breakpoint.condition ?? '');
        if (text === undefined) return;
        const { condition: _, ...rest } = breakpoint;
        await breakpoints.change(breakpoint, text === '' ? rest : { ...rest, condition: text });
      },
    ),
    vscode.commands.registerCommand(
      'guestscope.logExitBreakpoint',
      async (breakpoint: ExitBreakpoint) => {
        const text = await vscode.window.showInputBox({
          title: `Log ${breakpoint.reason} instead of stopping`,
          prompt: 'Printed in the debug console; expressions in braces. Empty: stop again.',
          placeHolder: 'leaf {leaf} from {eip}',
          value: breakpoint.logMessage ?? '',
        });
        if (text === undefined) return;
        const { logMessage: _, ...rest } = breakpoint;
        await breakpoints.change(breakpoint, text === '' ? rest : { ...rest, logMessage: text });
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
