/**
 * A small DAP client for a session in the same process: requests as promises, events by name. The text
 * session and tests drive the adapter with it exactly as an editor would.
 */
import type { GuestscopeSession } from '../session.ts';

export type Body = { readonly [name: string]: unknown };

interface Incoming {
  readonly type: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: unknown;
}

export class SessionClient {
  private readonly session: Pick<GuestscopeSession, 'handleMessage' | 'onDidSendMessage'>;
  private readonly open = new Map<
    number,
    { resolve(body: Body): void; reject(error: Error): void }
  >();
  private readonly listeners = new Map<string, ((body: Body) => void)[]>();
  private nextSeq = 1;

  constructor(session: Pick<GuestscopeSession, 'handleMessage' | 'onDidSendMessage'>) {
    this.session = session;
    session.onDidSendMessage((message) => this.hear(message));
  }

  /** The response's body; rejects with the adapter's sentence. */
  request(command: string, args?: unknown): Promise<Body> {
    const seq = this.nextSeq++;
    return new Promise((resolve, reject) => {
      this.open.set(seq, { resolve, reject });
      this.session.handleMessage({ type: 'request', seq, command, arguments: args });
    });
  }

  on(event: string, listener: (body: Body) => void): void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  }

  private hear(message: Incoming): void {
    const body = (message.body ?? {}) as Body;
    if (message.type === 'event') {
      for (const listener of this.listeners.get(message.event ?? '') ?? []) listener(body);
      return;
    }
    const call = this.open.get(message.request_seq ?? 0);
    this.open.delete(message.request_seq ?? 0);
    if (message.success === true) call?.resolve(body);
    else call?.reject(new Error(sentence(body, message.message)));
  }
}

function sentence(body: Body, message: string | undefined): string {
  const error = body['error'] as { readonly format?: string } | undefined;
  return error?.format ?? message ?? 'refused';
}
