/**
 * Requests in, responses out: answers one request after the other in the order in which they came, and
 * lets other work (a stop of the machine) take its place in the same row, so that every handler sees one
 * state from beginning to end. Requests marked urgent in the table do not wait. Whatever comes in, each
 * request gets exactly one response.
 */
import { Response } from '@vscode/debugadapter/lib/messages.js';
import { FormatError } from '../emulator/formats/format-error.ts';
import { AdapterError, describeFailure, failure } from './errors.ts';
import { MachineRefusal } from './machine/machine-client.ts';
import { focus } from './focus.ts';
import { IncomingRequest } from './incoming-request.ts';
import { Progress } from './progress.ts';
import { refusalOf } from './refused-requests.ts';
import type { RequestRow } from './request-table.ts';
import { findRequest } from './request-table.ts';
import type { GuestscopeSession } from './session.ts';

/** Requests that may wait for an answer at once. */
const MOST_WAITING = 10_000;

/** A message without its sequence number. */
export interface OutgoingMessage {
  readonly type: 'response' | 'event';
  readonly [name: string]: unknown;
}

interface Request {
  readonly seq: number;
  readonly command: string;
  readonly arguments: unknown;
}
type Job = () => Promise<void> | void;

export class Dispatcher {
  private readonly session: GuestscopeSession;
  private readonly send: (message: OutgoingMessage) => void;
  private readonly report: (error: AdapterError) => void;
  private waiting: (Request | Job)[] = [];
  private working = false;
  /** Numbers of requests that are being answered, null for other work, by what knows whether they are still wanted. */
  private readonly underWay = new Map<Progress, number | null>();
  private progressNumber = 1;

  /** @param report takes errors of work that no request waits for. */
  constructor(
    session: GuestscopeSession,
    send: (message: OutgoingMessage) => void,
    report: (error: AdapterError) => void,
  ) {
    this.session = session;
    this.send = send;
    this.report = report;
  }

  /** Takes one message of the client; what is no request at all is ignored. */
  receive(message: unknown): void {
    const request = asRequest(message);
    if (request === null) return;
    if (findRequest(request.command)?.urgent === true) void this.answer(request);
    else if (this.waiting.length >= MOST_WAITING)
      this.refuse(request, failure('tooBusy', { limit: String(MOST_WAITING) }));
    else this.add(request);
  }

  /** Work that takes its place behind the requests that wait already. */
  enqueue(job: Job): void {
    this.add(job);
  }

  /**
   * Takes a waiting request out of the row; it is answered "cancelled". One that is being answered ends
   * with what it has, or "cancelled", if it takes long; the others are answered in no time.
   */
  cancel(sequence: number): void {
    for (const [progress, seq] of this.underWay) if (seq === sequence) progress.cancel();
    const index = this.waiting.findIndex(
      (job) => typeof job !== 'function' && job.seq === sequence,
    );
    const [job] = index < 0 ? [] : this.waiting.splice(index, 1);
    if (job !== undefined && typeof job !== 'function') this.refuse(job, failure('cancelled', {}));
  }

  /** As cancel(), by the id of the events. */
  cancelProgress(id: string): void {
    for (const progress of this.underWay.keys()) if (progress.has(id)) progress.cancel();
  }

  /** Nothing that takes long is wanted any more. */
  cancelAll(): void {
    for (const progress of this.underWay.keys()) progress.cancel();
  }

  /** Forgets what waits, unanswered: the client is gone. */
  clear(): void {
    this.waiting = [];
  }

  private add(job: Request | Job): void {
    this.waiting.push(job);
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    for (let job = this.waiting.shift(); job !== undefined; job = this.waiting.shift()) {
      if (typeof job === 'function') await this.guarded(job);
      else await this.answer(job);
    }
    this.working = false;
  }

  private async answer(request: Request): Promise<void> {
    const progress = this.progressOf(request.seq);
    const incoming = new IncomingRequest(request.command, request.arguments, progress);
    this.underWay.set(progress, request.seq);
    try {
      const row = findRequest(request.command);
      if (row === null) throw unanswered(request.command);
      checkLegal(row, this.session);
      // who goes ahead of the others must not turn their machine's head
      if (row.urgent !== true && this.session.hasGuest) await focus(this.session.guest, incoming);
      if (row.urgent !== true && this.session.state === 'stopped')
        await this.session.watch.lookForSpaces();
      const body = await row.handle(this.session, incoming);
      if (row.bindsSymbols === true)
        this.session.watch.rebinding.remember(
          incoming,
          (again) => row.handle(this.session, again),
          body,
        );
      this.send({ ...responseTo(request), ...(body !== undefined && { body }) });
    } catch (cause) {
      this.refuse(request, asAdapterError(cause, request.command));
      return;
    } finally {
      this.underWay.delete(progress);
    }
    for (const action of incoming.afterwards) await this.guarded(action);
  }

  /** Work that no request waits for, which the client can cancel by its progress until it is finished. */
  background(): { readonly progress: Progress; readonly finished: () => void } {
    const progress = this.progressOf(null);
    this.underWay.set(progress, null);
    return { progress, finished: () => void this.underWay.delete(progress) };
  }

  private progressOf(seq: number | null): Progress {
    return new Progress(
      seq,
      (event, body) => {
        if (this.session.abilities.progress) this.session.event(event, body);
      },
      () => `progress-${this.progressNumber++}`,
    );
  }

  private async guarded(job: Job): Promise<void> {
    try {
      await job();
    } catch (cause) {
      this.report(asAdapterError(cause, 'a stop of the machine'));
    }
  }

  private refuse(request: Request, error: AdapterError): void {
    const { id, message, showUser, kind } = error;
    this.send({
      ...responseTo(request),
      success: false,
      message: kind === 'cancelled' || kind === 'notStopped' ? kind : message,
      body: { error: { id, format: message, showUser } },
    });
  }
}

function responseTo({ seq, command }: Request): OutgoingMessage {
  const { request_seq, success } = new Response({ type: 'request', seq, command });
  return { type: 'response', request_seq, success, command };
}

function asRequest(message: unknown): Request | null {
  if (typeof message !== 'object' || message === null) return null;
  const { type, seq, command, arguments: given } = message as { readonly [name: string]: unknown };
  if (type !== 'request' || typeof seq !== 'number') return null;
  return { seq, command: typeof command === 'string' ? command : '', arguments: given };
}

/** Why there is no row for the command. */
function unanswered(command: string): AdapterError {
  const reason = refusalOf(command);
  return reason === null
    ? failure('unknownCommand', { command })
    : failure('unsupported', { command, reason });
}

/** Throws the numbered error when the request is not legal in the session's state. */
function checkLegal({ command, legal }: RequestRow, { state }: GuestscopeSession): void {
  if ((legal as readonly string[]).includes(state)) return;
  switch (state) {
    case 'new':
      throw failure('notInitialized', { command });
    case 'initialized':
      if (command === 'initialize') throw failure('alreadyLaunched', { command });
      throw failure('notLaunched', { command });
    case 'configuring':
      throw failure(isLaunch(command) ? 'alreadyLaunched' : 'notConfigured', { command });
    case 'stopped':
      throw failure(isLaunch(command) ? 'alreadyLaunched' : 'notRunning', { command });
    case 'running':
      throw failure(isLaunch(command) ? 'alreadyLaunched' : 'notStopped', { command });
    case 'ended':
      throw failure('sessionEnded', { command });
  }
}

function isLaunch(command: string): boolean {
  return ['initialize', 'launch', 'attach', 'configurationDone'].includes(command);
}

function asAdapterError(cause: unknown, command: string): AdapterError {
  if (cause instanceof AdapterError) return cause;
  // the machine's own sentence, or one about a file that is read while it is asked
  if (cause instanceof MachineRefusal || cause instanceof FormatError)
    return failure('machineRefused', { problem: cause.message });
  return failure('internal', { command, problem: describeFailure(cause) });
}
