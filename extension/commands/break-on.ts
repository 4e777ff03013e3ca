/** Commands of the tree of events: conditions, log messages, clearing, and the way to launch.json. */
import * as vscode from 'vscode';
import type { EventDescription } from '../../debug-adapter/protocol.ts';
import type { EventBreakpoint, EventBreakpoints } from '../event-breakpoints.ts';

/** A text of a breakpoint that a person may write, and how it is asked for. */
interface Wording {
  readonly part: 'condition' | 'hitCondition' | 'logMessage';
  readonly prompt: (event: EventDescription) => string;
  readonly example: (event: EventDescription) => string;
}

const WORDINGS = {
  'guestscope.editEventCondition': {
    part: 'condition',
    prompt: ({ fields }) => {
      const names = fields.map(({ name, meaning }) => `${name} (${meaning})`).join(', ');
      return `${names === '' ? '' : `Fields: ${names}. `}Empty: every time.`;
    },
    example: ({ example }) => example ?? 'Condition over fields, registers and symbols',
  },
  'guestscope.editEventHitCondition': {
    part: 'hitCondition',
    prompt: () => '"3": from the third time on; "== 3": then only; "% 3": every third. Empty: every time.', // prettier-ignore
    example: () => '== 3',
  },
  'guestscope.logEvent': {
    part: 'logMessage',
    prompt: () => 'Printed in the debug console; expressions in braces. Empty: stop again.',
    example: ({ fields }) => `${fields[0] === undefined ? '' : `{${fields[0].name}} `}from {eip}`,
  },
} as const satisfies Record<string, Wording>;

async function reword(
  breakpoints: EventBreakpoints,
  event: EventDescription,
  { part, prompt, example }: Wording,
): Promise<void> {
  const known = breakpoints.of(event.id);
  const text = await vscode.window.showInputBox({
    title: `Break on ${event.label}`,
    prompt: prompt(event),
    placeHolder: example(event),
    value: known?.[part] ?? '',
  });
  if (text === undefined) return;
  const value = text.trim() === '' ? undefined : text.trim();
  const breakpoint: EventBreakpoint = { ...known, event: event.id, enabled: true, [part]: value };
  await breakpoints.set(breakpoint);
}

/** The tree's choice as launch.json writes it, on the clipboard. */
async function copy(breakpoints: EventBreakpoints): Promise<void> {
  const { selections } = breakpoints;
  if (selections.length === 0) {
    void vscode.window.showInformationMessage(
      'Nothing is chosen in Break On: tick an event first.',
    );
    return;
  }
  await vscode.env.clipboard.writeText(`"breakOn": ${JSON.stringify(selections, null, 2)}`);
  void vscode.window.showInformationMessage(
    'What Break On has chosen is on the clipboard, as "breakOn" of launch.json.',
  );
}

export function registerBreakOnCommands(breakpoints: EventBreakpoints): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(WORDINGS).map(([command, wording]) =>
      vscode.commands.registerCommand(command, (event: EventDescription) =>
        reword(breakpoints, event, wording),
      ),
    ),
    vscode.commands.registerCommand('guestscope.clearEvents', () => breakpoints.clear()),
    vscode.commands.registerCommand('guestscope.copyEvents', () => copy(breakpoints)),
  );
}
