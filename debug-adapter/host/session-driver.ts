/**
 * A guest that is run through the debug adapter by a program, without an editor: from launch to the first
 * stop, and from each stop to the next. What is done there is the business of who uses it: the text
 * session shows it to a person (text-session.ts), `guestscope run` tells it to a log (headless/).
 */
import type { LaunchArguments } from '../launch/launch-json.ts';
import type { GuestscopeSession } from '../session.ts';
import type { Body } from './session-client.ts';
import { SessionClient } from './session-client.ts';

export type Outcome =
  | { readonly kind: 'stopped'; readonly body: Body }
  /** `code` as the guest gave it; null when the session ended otherwise. */
  | { readonly kind: 'ended'; readonly code: number | null };

export class SessionDriver {
  readonly client: SessionClient;
  /** Of the last stop. */
  private threadId = 1;
  private outcomes: Outcome[] = [];
  private wakeUp: (() => void) | null = null;
  private exitCode: number | null = null;

  constructor(session: GuestscopeSession) {
    this.client = new SessionClient(session);
    this.client.on('stopped', (body) => {
      this.threadId = Number(body['threadId']);
      this.note({ kind: 'stopped', body });
    });
    this.client.on('exited', ({ exitCode }) => (this.exitCode = Number(exitCode)));
    this.client.on('terminated', () => this.note({ kind: 'ended', code: this.exitCode }));
  }

  get thread(): { readonly threadId: number } {
    return { threadId: this.threadId };
  }

  /**
   * Launches; the first outcome comes afterwards. Rejects with a sentence when the guest cannot be
   * launched.
   * @param configure sets breakpoints and the like before the guest's first instruction
   */
  async begin(
    clientID: string,
    configuration: LaunchArguments,
    configure?: () => Promise<void>,
  ): Promise<void> {
    await this.client.request('initialize', { adapterID: 'guestscope', clientID });
    const launched = new Promise<void>((resolve) => this.client.on('initialized', () => resolve()));
    await this.client.request('launch', configuration);
    await launched;
    await configure?.();
    await this.client.request('configurationDone');
  }

  /** The next stop, or the end. */
  async outcome(): Promise<Outcome> {
    for (;;) {
      const next = this.outcomes.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (this.wakeUp = resolve));
    }
  }

  /** `continue`, `stepIn`, …: what makes the guest run again. */
  async resume(command = 'continue'): Promise<void> {
    await this.client.request(command, this.thread);
  }

  /** Stops a running guest; for Ctrl+C. */
  pause(): void {
    // a guest that has stopped by itself meanwhile is as good
    this.client.request('pause', this.thread).catch(() => undefined);
  }

  /** What a line of the debug console gives. */
  async evaluate(expression: string): Promise<string> {
    const { result } = await this.client.request('evaluate', { expression, context: 'repl' });
    return String(result);
  }

  private note(outcome: Outcome): void {
    this.outcomes.push(outcome);
    this.wakeUp?.();
  }
}

/** One line about a stop. */
export function summaryOf(stop: Body): string {
  return String(stop['text'] ?? stop['description']);
}

/** The "machine" attribute with idle time skipped, unless the configuration says otherwise. */
export function withSkip(configuration: LaunchArguments): unknown {
  const { machine } = configuration;
  if (machine === undefined) return { idle: 'skip' };
  return typeof machine === 'object' && machine !== null ? { idle: 'skip', ...machine } : machine;
}
