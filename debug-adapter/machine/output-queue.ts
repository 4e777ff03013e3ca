/**
 * Output of the guest on its way from the machine to the editor: bounded, because a guest can fill its
 * serial line or leave for the hypervisor a million times a second. What does not fit is dropped, oldest
 * first, and counted, so that the user can be told.
 */
import type { DebugPort } from '../../emulator/debug-port.ts';
import type { LogLine } from '../../emulator/debugger/log-message.ts';
import type { ExitRecord } from '../../emulator/stop-reason.ts';
import type { OutputBatch } from './machine-channel.ts';

/** Bytes of serial output kept between two batches. */
export const CONSOLE_LIMIT = 256 * 1024;
/** Notices, and printed log messages, kept between two batches. */
export const NOTICE_LIMIT = 64;
export const LOG_LIMIT = 500;
/** Longest of either that is passed on, in characters. */
const LINE_LENGTH = 500;

export class OutputQueue {
  /** False: nothing is dropped, and whoever fills it stops when it is large. */
  bounded = true;
  private chunks: Uint8Array[] = [];
  private bytes = 0;
  private bytesDropped = 0;
  private notices = new Lines<string>(NOTICE_LIMIT);
  private logs = new Lines<LogLine>(LOG_LIMIT);
  /** Bytes of console output since the last batch, those that were dropped included. */
  private sent = 0;

  get empty(): boolean {
    return this.bytes === 0 && this.notices.empty && this.logs.empty;
  }

  /** Half of what it may hold. */
  get isLarge(): boolean {
    return this.bytes > CONSOLE_LIMIT / 2 || this.logs.kept.length > LOG_LIMIT / 2;
  }

  /** What a run of the machine has put out: logs know their place in the console's output. */
  addOutput(chunk: Uint8Array, { lines, dropped }: ReturnType<DebugPort['takeLogs']>): void {
    for (const line of lines)
      this.logs.add({ ...line, after: this.sent + line.after }, this.bounded);
    this.logs.dropped += dropped;
    this.sent += chunk.length;
    this.addConsole(chunk);
  }

  private addConsole(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const limit = this.bounded ? CONSOLE_LIMIT : Infinity;
    const kept = chunk.length > limit ? chunk.subarray(chunk.length - limit) : chunk;
    this.bytesDropped += chunk.length - kept.length;
    this.chunks.push(kept);
    this.bytes += kept.length;
    while (this.bytes > limit) this.dropOldest(this.bytes - limit);
  }

  addNotices(notices: readonly string[]): void {
    for (const notice of notices) this.notices.add(notice.slice(0, LINE_LENGTH), this.bounded);
  }

  /** Everything so far as one batch with these rows of the exit log; the queue is empty afterwards. */
  take(exits: readonly ExitRecord[], exitsSkipped: number, exitsTotal: number): OutputBatch {
    const console = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.chunks) {
      console.set(chunk, at);
      at += chunk.length;
    }
    const batch: OutputBatch = {
      console,
      consoleDropped: this.bytesDropped,
      exits,
      exitsSkipped,
      exitsTotal,
      notices: this.notices.kept,
      noticesDropped: this.notices.dropped,
      logs: this.logs.kept,
      logsDropped: this.logs.dropped,
    };
    this.chunks = [];
    this.bytes = 0;
    this.bytesDropped = 0;
    this.sent = 0;
    this.notices = new Lines<string>(NOTICE_LIMIT);
    this.logs = new Lines<LogLine>(LOG_LIMIT);
    return batch;
  }

  private dropOldest(excess: number): void {
    const [oldest] = this.chunks;
    if (oldest === undefined) return;
    const dropped = Math.min(excess, oldest.length);
    if (dropped === oldest.length) this.chunks.shift();
    else this.chunks[0] = oldest.subarray(dropped);
    this.bytes -= dropped;
    this.bytesDropped += dropped;
  }
}

/** The first so many lines, and how many more there were. */
class Lines<Line> {
  readonly kept: Line[] = [];
  dropped = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get empty(): boolean {
    return this.kept.length === 0;
  }

  add(line: Line, bounded: boolean): void {
    if (!bounded || this.kept.length < this.limit) this.kept.push(line);
    else this.dropped++;
  }
}
