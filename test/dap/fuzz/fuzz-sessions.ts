/**
 * Sessions that are spoken to at random: over streams in pieces of any size, in every state, two at once,
 * with cancels at any time, and a client that may vanish in the middle; guests are left at the server and
 * taken over. What must hold: every request is
 * answered exactly once, no answer is a mistake of ours, and nothing waits for ever.
 */
import { PassThrough } from 'node:stream';
import { readFileSync } from 'node:fs';
import { GuestLot } from '../../../debug-adapter/machine/guest-lot.ts';
import { nodeScheduler } from '../../../debug-adapter/host/scheduler-node.ts';
import { GuestscopeSession } from '../../../debug-adapter/session.ts';
import { LocalWorker } from '../../../debug-adapter/testing/local-worker.ts';
import { memoryFiles } from '../../../debug-adapter/testing/test-session.ts';
import { connectStreams, FrameReader } from '../../../debug-adapter/host/transport.ts';
import { createMachine } from '../../../emulator/debugger/debugger.ts';
import { generatorOfCase } from '../../vectors/replay/mulberry32.ts';
import { type Next, noise, pick, randomRequest } from './random-messages.ts';

const STORY = new URL('../../../extension/sample/story/', import.meta.url);
const FILES = new Map(
  ['story.bin', 'story.elf'].map((name) => [
    `/${name}`,
    new Uint8Array(readFileSync(new URL(name, STORY))),
  ]),
);
const LAUNCH = {
  guest: { kernel: '/story.bin', format: 'flat', loadAddress: '0x7c00' },
  symbols: ['/story.elf'],
  machine: { memory: '1M', idle: 'skip' },
  hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
};

/** Messages of a session, and of a burst that is said before any answer is waited for. */
const SESSION_MESSAGES = 400;
/** Pairs of sessions at one server. */
const SERVER_PAIRS = 4;
const BURST = 20;
/** Real time without an answer after which something hangs; a busy computer is slow. */
const PATIENCE_MS = 60_000;

const GOODBYES = [{}, { suspendDebuggee: true }, { terminateDebuggee: false }];

interface Answer {
  readonly type: string;
  readonly request_seq: number;
  readonly success: boolean;
  readonly body?: { readonly error?: { readonly id: number; readonly format: string } };
}

/** A client of one session, and what it has said and heard. */
class FuzzedSession {
  private readonly next: Next;
  private readonly input = new PassThrough();
  private readonly output = new PassThrough();
  /** By sequence number: what was said and not answered. */
  private readonly open = new Map<number, string>();
  private readonly session: GuestscopeSession;
  private readonly lot: GuestLot;
  private seq = 1;
  private wakeUp: (() => void) | null = null;
  private left = false;
  readonly problems: string[] = [];

  constructor(seed: number, lot: GuestLot) {
    this.lot = lot;
    const generator = generatorOfCase(seed);
    this.next = () => generator.next() / 2 ** 32;
    const reader = new FrameReader(
      (message) => this.hear(message as Answer),
      (problem) => this.problems.push(`the adapter does not speak DAP: ${problem}`),
    );
    this.output.on('data', (chunk: Buffer) => reader.push(chunk));
    this.session = new GuestscopeSession({
      startWorker: () => new LocalWorker(createMachine, nodeScheduler, structuredClone),
      files: memoryFiles(FILES),
      scheduler: nodeScheduler,
      lot,
      clientReady: () => transport.ready(),
      disconnected: () => this.gone(),
    });
    const transport = connectStreams(
      this.input,
      this.output,
      (message) => this.session.handleMessage(message),
      () => {
        this.session.dispose();
        this.gone();
      },
      () => undefined,
    );
    this.session.onDidSendMessage((message) => transport.send(message));
  }

  /** Says about so many messages; gives how many. */
  async run(messages: number): Promise<number> {
    await this.begin();
    while (this.seq <= messages && !this.left) {
      for (let burst = Math.ceil(this.next() * BURST); burst > 0; burst--) this.sayAnything();
      if (this.next() < 0.7) await this.answered();
    }
    await this.end();
    return this.seq - 1;
  }

  /** Into one of the states, each as often as is useful. */
  private async begin(): Promise<void> {
    const depth = this.next();
    if (depth < 0.04) return;
    this.say('initialize', { adapterID: 'guestscope' });
    const waits = this.lot.waiting > 0 && this.next() < 0.7;
    if (depth >= 0.08) this.say(waits ? 'attach' : 'launch', waits ? {} : LAUNCH);
    await this.answered();
    if (depth >= 0.12) this.say('configurationDone', undefined);
    if (depth >= 0.3) this.say('continue', { threadId: 1 });
    await this.answered();
  }

  private sayAnything(): void {
    const { command, arguments: given } = randomRequest(this.next, LAUNCH, [...this.open.keys()]);
    if (this.next() < 0.05) this.write(noise(this.next));
    this.say(command, given);
  }

  private say(command: unknown, given: unknown): void {
    const seq = this.seq++;
    const message = { type: 'request', seq, command, arguments: given };
    const text = JSON.stringify(message);
    this.open.set(seq, text);
    this.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  /** In pieces that do not care for the ends of messages. */
  private write(text: string): void {
    if (this.left) return;
    const bytes = Buffer.from(text);
    const cut = Math.floor(this.next() * bytes.length);
    if (this.next() < 0.2) {
      this.input.write(bytes.subarray(0, cut));
      this.input.write(bytes.subarray(cut));
    } else this.input.write(bytes);
  }

  private hear(message: Answer): void {
    if (message.type !== 'response') return;
    const { request_seq: seq, body } = message;
    const said = this.open.get(seq);
    if (said === undefined) this.problems.push(`an answer to ${seq}, which does not wait for one`);
    const error = body?.error;
    if (error !== undefined && error.id >= 9000)
      this.problems.push(`${said ?? ''} was answered: ${error.format}`);
    this.open.delete(seq);
    if (this.open.size === 0) this.wakeUp?.();
  }

  /** Resolves when nothing waits for an answer any more, or when the session has ended its side. */
  private async answered(): Promise<void> {
    if (this.open.size === 0 || this.left) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.problems.push(`no answer to ${[...this.open.values()].slice(0, 3).join(' ')}`);
        this.left = true;
        resolve();
      }, PATIENCE_MS);
    });
    await Promise.race([new Promise<void>((resolve) => (this.wakeUp = resolve)), patience]);
    clearTimeout(timer);
  }

  /** Says goodbye, half of a message, or nothing. */
  private async end(): Promise<void> {
    const kind = this.next();
    if (this.left) return;
    if (kind < 0.4) {
      this.say('disconnect', pick(this.next, GOODBYES));
      await this.answered();
      return;
    }
    if (kind < 0.7) this.input.write('Content-Length: 1000\r\n\r\n{"type":"req');
    const gone = new Promise<void>((resolve) => this.input.once('close', resolve));
    this.input.destroy();
    await gone;
  }

  /** Nothing is answered any more. */
  private gone(): void {
    this.left = true;
    this.open.clear();
    this.wakeUp?.();
  }
}

export interface FuzzResult {
  readonly messages: number;
  readonly sessions: number;
  readonly problems: readonly string[];
}

/** Says at least so many messages, two sessions at a time; stops after the first session with problems. */
export async function fuzzSessions(
  messages: number,
  seed: number,
  progress: (said: number) => void = () => undefined,
): Promise<FuzzResult> {
  let said = 0;
  let sessions = 0;
  const problems: string[] = [];
  let lot = new GuestLot(nodeScheduler);
  while (said < messages && problems.length === 0) {
    if (sessions % (2 * SERVER_PAIRS) === 0) {
      lot.close();
      // guests of clients that vanish: ended by every other server
      lot = new GuestLot(nodeScheduler, sessions % (4 * SERVER_PAIRS) === 0);
    }
    const [first, server] = [seed + sessions, lot];
    const pair = [0, 1].map((which) => new FuzzedSession(first + which, server));
    const counts = await Promise.all(pair.map((each) => each.run(SESSION_MESSAGES)));
    said += counts.reduce((sum, count) => sum + count, 0);
    for (const [which, each] of pair.entries())
      problems.push(...each.problems.map((text) => `seed ${seed + sessions + which}: ${text}`));
    sessions += pair.length;
    progress(said);
  }
  lot.close();
  return { messages: said, sessions, problems };
}
