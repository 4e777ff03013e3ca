/**
 * The debug adapter as this editor wants it. VS Code focuses a stack frame without source, shows its
 * registers and opens the disassembly only when the guest stopped for an "instruction breakpoint" (or an
 * instruction step, which it does not ask for while another editor is in front). So a stop in code
 * without a source is told with that reason; what it really was stands in the description, and in full
 * in the debug console.
 */
import type * as vscode from 'vscode';
import type { PositionBody } from '../debug-adapter/protocol.ts';

/** The shape that a session has, and a process that runs one. */
export interface MessageEnd {
  handleMessage(message: unknown): void;
  onDidSendMessage(listener: (message: object) => void): { dispose(): void };
  dispose(): void;
}

interface PositionEvent {
  readonly event: 'guestscope.position';
  readonly body: PositionBody;
}

interface StoppedEvent {
  readonly type: 'event';
  readonly event: 'stopped';
  readonly seq: number;
  readonly body: { readonly reason: string; readonly description?: string; readonly text?: string };
}

function isPosition(message: object): message is PositionEvent {
  return 'event' in message && message.event === 'guestscope.position';
}

function isStopped(message: object): message is StoppedEvent {
  return 'event' in message && message.event === 'stopped' && 'body' in message;
}

/** The call stack's head has room for what decides; the address stands below it anyway. */
function shortText(text: string | undefined): string | undefined {
  return text?.replace(/ at 0x[0-9a-f]+( <[^>]*>)?/, '');
}

/**
 * The messages to hand to the editor in place of one of the adapter's.
 * @param inSource the guest is where there is a source to show
 */
function forEditor(message: object, inSource: boolean): readonly object[] {
  if (!isStopped(message)) return [message];
  const { body } = message;
  const { text } = body;
  const stopped = {
    ...message,
    body: {
      ...body,
      reason: inSource ? body.reason : 'instruction breakpoint',
      description: shortText(text) ?? body.description,
    },
  };
  if (text === undefined) return [stopped];
  const output = { category: 'console', output: `${text}\n` };
  return [{ type: 'event', event: 'output', seq: message.seq, body: output }, stopped];
}

/** A debug adapter of the editor over a session. */
export function editorAdapter(end: MessageEnd): vscode.DebugAdapter {
  let inSource = false;
  return {
    handleMessage: (message) => end.handleMessage(message),
    onDidSendMessage: (listener: (message: vscode.DebugProtocolMessage) => unknown) =>
      end.onDidSendMessage((message) => {
        // comes before every stop
        if (isPosition(message)) inSource = message.body.source !== undefined;
        for (const told of forEditor(message, inSource)) listener(told);
      }),
    dispose: () => end.dispose(),
  };
}
