/** A debug session of the sample guest as a suite uses it: what the adapter says is recorded by tracker. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';

interface ProtocolMessage {
  readonly type: string;
  readonly event?: string;
  /** Of an answer: what it answers. */
  readonly command?: string;
  readonly body?: Record<string, unknown>;
}

export interface StoppedBody {
  readonly reason: string;
  readonly description?: string;
  readonly text?: string;
  readonly hitBreakpointIds?: readonly number[];
}

const PATIENCE = 60_000;
export const STORY = 'Story: a guest that finds its hypervisor';
export const LINUX = 'Linux: boot to a shell under KVM';

/** Resolves once the probe gives something else than undefined; rejects with `what` after a while. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | PromiseLike<T | undefined>,
  patience = PATIENCE,
): Promise<T> {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline)
      throw new Error(`${what} did not happen within ${String(patience)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export class DebugRun {
  readonly session: vscode.DebugSession;
  readonly #messages: ProtocolMessage[];
  #stopsTaken = 0;
  /** Frame that was in focus when the guest was last let go. */
  #frameBefore: number | undefined;

  private constructor(session: vscode.DebugSession, messages: ProtocolMessage[]) {
    this.session = session;
    this.#messages = messages;
  }

  /** A launch configuration of the sample, changed by `overrides`. */
  static configuration(
    overrides: Record<string, unknown>,
    wanted: string,
  ): vscode.DebugConfiguration {
    const found = vscode.workspace
      .getConfiguration('launch')
      .get<vscode.DebugConfiguration[]>('configurations')
      ?.find(({ name }) => name === wanted);
    assert.ok(found, `launch.json of the sample has no "${wanted}"`);
    return { ...found, ...overrides };
  }

  /** Starts a session and waits until the adapter knows it. */
  static async start(
    start: () => Thenable<boolean> | Promise<unknown> = () => DebugRun.launch({}),
  ): Promise<DebugRun> {
    const messages: ProtocolMessage[] = [];
    let session: vscode.DebugSession | undefined;
    const tracker = vscode.debug.registerDebugAdapterTrackerFactory('guestscope', {
      createDebugAdapterTracker: (created) => {
        session ??= created;
        return { onDidSendMessage: (message: ProtocolMessage) => void messages.push(message) };
      },
    });
    try {
      await start();
      return new DebugRun(await eventually('a debug session', () => session), messages);
    } finally {
      tracker.dispose();
    }
  }

  static launch(overrides: Record<string, unknown>, wanted = STORY): Thenable<boolean> {
    const folder = vscode.workspace.workspaceFolders?.[0];
    return vscode.debug.startDebugging(folder, DebugRun.configuration(overrides, wanted));
  }

  events(name: string): readonly Record<string, unknown>[] {
    return this.#messages
      .filter(({ type, event }) => type === 'event' && event === name)
      .map(({ body }) => body ?? {});
  }

  /** What the adapter has answered to a request, each time. */
  answers(wanted: string): readonly Record<string, unknown>[] {
    return this.#messages
      .filter(({ type, command }) => type === 'response' && command === wanted)
      .map(({ body }) => body ?? {});
  }

  /** All that the guest's serial port has sent. */
  consoleText(): string {
    return this.events('guestscope.console')
      .map(({ text }) => (typeof text === 'string' ? text : ''))
      .join('');
  }

  /** The next stop that was not waited for yet. */
  async nextStop(): Promise<StoppedBody> {
    const stop = await eventually('a stop', () => this.events('stopped')[this.#stopsTaken]);
    this.#stopsTaken++;
    // the adapter has said so; the editor's buttons work once it has a frame in focus
    await eventually('a frame in focus', () => {
      const item = vscode.debug.activeStackItem;
      if (!(item instanceof vscode.DebugStackFrame)) return undefined;
      const ours = item.session.id === this.session.id && item.frameId !== this.#frameBefore;
      return ours ? true : undefined;
    });
    return stop as unknown as StoppedBody;
  }

  async request<T>(command: string, argument: unknown = {}): Promise<T> {
    return (await this.session.customRequest(command, argument)) as T;
  }

  /** Goes on as the button or key does: continue, pause, stepInto, stepOver, stepOut. */
  async press(button: 'continue' | 'pause' | 'stepInto' | 'stepOver' | 'stepOut'): Promise<void> {
    const item = vscode.debug.activeStackItem;
    if (item instanceof vscode.DebugStackFrame) this.#frameBefore = item.frameId;
    await vscode.commands.executeCommand(`workbench.action.debug.${button}`);
  }

  async continueToStop(): Promise<StoppedBody> {
    await this.press('continue');
    return this.nextStop();
  }

  /** Value of an expression as the debug console shows it. */
  async evaluate(expression: string): Promise<string> {
    const { result } = await this.request<{ result: string }>('evaluate', {
      expression,
      context: 'repl',
    });
    return result;
  }

  async readMemory(memoryReference: string, count: number): Promise<Buffer> {
    const body = await this.request<{ data?: string }>('readMemory', { memoryReference, count });
    return Buffer.from(body.data ?? '', 'base64');
  }

  async end(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      const subscription = vscode.debug.onDidTerminateDebugSession((session) => {
        if (session.id !== this.session.id) return;
        subscription.dispose();
        resolve();
      });
    });
    await vscode.debug.stopDebugging(this.session);
    await ended;
  }
}
