/**
 * A DAP client for tests: sends requests to a session in the same process, awaits responses and events,
 * and keeps everything that was said for transcripts.
 */
import type { GuestscopeSession } from '../session.ts';

export interface Said {
  readonly type: 'request' | 'response' | 'event';
  readonly seq: number;
  readonly command?: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly arguments?: unknown;
  readonly body?: unknown;
}

/** What a test expects a body to be; it asserts on the parts it names. */
export type Body = { readonly [name: string]: unknown };

interface Waiter {
  matches(message: Said): boolean;
  resolve(message: Said): void;
}

export class TestClient {
  readonly said: Said[] = [];
  private readonly session: Pick<GuestscopeSession, 'handleMessage' | 'onDidSendMessage'>;
  private waiters: Waiter[] = [];
  private nextSeq = 1;
  /** Events up to here were awaited already. */
  private seen = 0;

  constructor(session: Pick<GuestscopeSession, 'handleMessage' | 'onDidSendMessage'>) {
    this.session = session;
    session.onDidSendMessage((message) => this.hear(message as unknown as Said));
  }

  /** Sends and does not wait; gives the sequence number. */
  send(command: string, args?: unknown): number {
    const seq = this.nextSeq++;
    const request = {
      type: 'request' as const,
      seq,
      command,
      ...(args !== undefined && { arguments: args }),
    };
    this.said.push(request);
    this.session.handleMessage(request);
    return seq;
  }

  /** The response, successful or not. */
  request(command: string, args?: unknown): Promise<Said> {
    const seq = this.nextSeq;
    const answered = this.until(
      (message) => message.type === 'response' && message.request_seq === seq,
    );
    this.send(command, args);
    return answered;
  }

  /** The body of a successful response; throws with the adapter's sentence otherwise. */
  async ask(command: string, args?: unknown): Promise<Body> {
    const response = await this.request(command, args);
    if (response.success !== true) throw new Error(`${command}: ${errorText(response)}`);
    return (response.body ?? {}) as Body;
  }

  /** The sentence of a refusal; throws when the request succeeded. */
  async refused(command: string, args?: unknown): Promise<string> {
    const response = await this.request(command, args);
    if (response.success !== false) throw new Error(`${command} was not refused`);
    return errorText(response);
  }

  /** The body of the next event of that name that no one has awaited yet. */
  async event(name: string): Promise<Body> {
    const index = this.said.findIndex(
      (message, at) => at >= this.seen && message.type === 'event' && message.event === name,
    );
    if (index >= 0) {
      this.seen = index + 1;
      return (this.said[index]?.body ?? {}) as Body;
    }
    const message = await this.until((heard) => heard.type === 'event' && heard.event === name);
    this.seen = this.said.indexOf(message) + 1;
    return (message.body ?? {}) as Body;
  }

  /** All events of that name so far. */
  events(name: string): readonly Body[] {
    return this.said
      .filter(({ type, event }) => type === 'event' && event === name)
      .map(({ body }) => (body ?? {}) as Body);
  }

  private until(matches: (message: Said) => boolean): Promise<Said> {
    return new Promise((resolve) => this.waiters.push({ matches, resolve }));
  }

  private hear(message: Said): void {
    this.said.push(message);
    const [ready, rest]: [Waiter[], Waiter[]] = [[], []];
    for (const waiter of this.waiters) (waiter.matches(message) ? ready : rest).push(waiter);
    this.waiters = rest;
    for (const waiter of ready) waiter.resolve(message);
  }
}

/** The sentence that an editor would show. */
export function errorText(response: Said): string {
  const { error } = (response.body ?? {}) as { readonly error?: { readonly format?: string } };
  return error?.format ?? response.message ?? '';
}
