/** A DAP client that starts the debug adapter as a process and speaks to it over its standard streams. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { FrameReader } from '../../../debug-adapter/host/transport.ts';

export type Body = { readonly [name: string]: unknown };

interface Message {
  readonly type: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: Body;
}
interface Waiter {
  resolve(body: Body): void;
  reject(error: Error): void;
}

export class StdioClient {
  private readonly adapter: ChildProcessByStdio<Writable, Readable, null>;
  private readonly answers = new Map<number, Waiter & { readonly command: string }>();
  private readonly events = new Map<string, Waiter>();
  private nextSeq = 1;

  /**
   * @param file the adapter's bundle
   * @param variables of its environment that are not this process's
   */
  constructor(file: string, variables: { readonly [name: string]: string } = {}) {
    const env = { ...process.env, ...variables };
    this.adapter = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'], env });
    const reader = new FrameReader(
      (message) => this.hear(message as Message),
      (problem) => this.fail(`The debug adapter does not speak DAP: ${problem}.`),
    );
    this.adapter.stdout.on('data', (chunk: Buffer) => reader.push(chunk));
    this.adapter.once('exit', (code) => this.fail(`The debug adapter ended with ${String(code)}.`));
    this.adapter.stdin.on('error', (error) => this.fail(error.message));
  }

  get pid(): number {
    return this.adapter.pid ?? NaN;
  }

  /** The response's body; rejects with the adapter's sentence. */
  request(command: string, args: object = {}): Promise<Body> {
    const seq = this.nextSeq++;
    const body = Buffer.from(JSON.stringify({ seq, type: 'request', command, arguments: args }));
    return new Promise((resolve, reject) => {
      this.answers.set(seq, { command, resolve, reject });
      this.adapter.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
      this.adapter.stdin.write(body);
    });
  }

  /** The next event of that name from now on; one wait at a time for each name. */
  event(name: string): Promise<Body> {
    return new Promise((resolve, reject) => this.events.set(name, { resolve, reject }));
  }

  /** Ends the adapter; resolves when it has gone. */
  close(): Promise<void> {
    this.adapter.removeAllListeners('exit');
    if (this.adapter.exitCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.adapter.once('exit', () => resolve());
      this.adapter.stdin.end();
    });
  }

  private hear(message: Message): void {
    const { body = {} } = message;
    if (message.type === 'event') {
      const waiter = this.events.get(message.event ?? '');
      this.events.delete(message.event ?? '');
      waiter?.resolve(body);
      return;
    }
    const seq = message.request_seq ?? 0;
    const answer = this.answers.get(seq);
    this.answers.delete(seq);
    if (message.success === true) answer?.resolve(body);
    else answer?.reject(new Error(`${answer.command}: ${sentence(message)}`));
  }

  private fail(problem: string): void {
    const waiters = [...this.answers.values(), ...this.events.values()];
    this.answers.clear();
    this.events.clear();
    for (const waiter of waiters) waiter.reject(new Error(problem));
  }
}

function sentence({ body, message }: Message): string {
  const { format } = (body?.['error'] ?? {}) as { readonly format?: string };
  return format ?? message ?? 'refused';
}
