/**
 * Sends the guest's output in batches: not more often than an editor can show, each only after the one
 * before was taken, and everything there is before a stop is told. A slow client makes batches rarer and,
 * at the limits of output-queue.ts, lossy, but never grows memory.
 */
import type { DebugPort } from '../../emulator/debug-port.ts';
import type { OutputBatch } from './machine-channel.ts';
import { OutputQueue } from './output-queue.ts';
import { EXIT_ROWS_PER_EVENT } from '../protocol.ts';
import type { Scheduler } from '../host/scheduler.ts';

/** Least milliseconds between two batches of console output, and between two with exits. */
const OUTPUT_INTERVAL_MS = 33;
const EXITS_INTERVAL_MS = 100;

export class OutputPump {
  private readonly scheduler: Scheduler;
  private readonly send: (batch: OutputBatch) => void;
  private readonly queue = new OutputQueue();
  private machine: DebugPort | null = null;
  /** A batch was sent and not yet taken. */
  private outstanding = false;
  private planned = false;
  private lastBatch = -Infinity;
  private lastExits = -Infinity;
  private following = false;
  /** Nothing may be left out: the guest waits while there is too much. */
  private kept = false;
  private whenThereIsRoom: (() => void) | null = null;
  private bytesPrinted = 0;
  /** Number of the first row of the exit log that was not sent. */
  private exitsSent = 0;
  /** The row before it had no outcome when it was sent: it is sent again with it. */
  private waits = false;

  constructor(scheduler: Scheduler, send: (batch: OutputBatch) => void) {
    this.scheduler = scheduler;
    this.send = send;
  }

  /** A fresh machine: its exits are numbered from 0. */
  adopt(machine: DebugPort): void {
    this.machine = machine;
    this.exitsSent = 0;
    this.waits = false;
  }

  /** Leaves nothing out from now on; whoever runs the guest must look at `isFull` then. */
  set keepAll(keep: boolean) {
    this.kept = keep;
    this.queue.bounded = !keep;
  }

  /** The guest has to wait until a batch was taken. */
  get isFull(): boolean {
    return this.kept && this.queue.isLarge;
  }

  /** Bytes of console output so far. */
  get printed(): number {
    return this.bytesPrinted;
  }

  /** Calls back when the guest may go on: at once, or when enough was taken. */
  whenRoom(callback: () => void): void {
    if (this.isFull) this.whenThereIsRoom = callback;
    else callback();
  }

  /** Whether batches carry new rows of the exit log, from now on. */
  follow(follow: boolean): void {
    if (follow && !this.following) this.exitsSent = this.end();
    this.following = follow;
  }

  /** Takes over what the machine holds; to be called after every run, since the machine's own room is small. */
  collect(machine: DebugPort): void {
    const printed = machine.takeSerialOutput();
    this.bytesPrinted += printed.length;
    this.queue.addOutput(printed, machine.takeLogs());
    this.queue.addNotices(machine.takeNotices());
  }

  taken(): void {
    this.outstanding = false;
    this.pump();
    if (this.isFull) return;
    const callback = this.whenThereIsRoom;
    this.whenThereIsRoom = null;
    callback?.();
  }

  /** Sends a batch if there is something, the last one was taken, and it is time; else plans one. */
  pump(): void {
    if (this.outstanding) return;
    const now = this.scheduler.now();
    const newExits = this.following && this.hasNewExits();
    const wait = this.isFull ? 0 : OUTPUT_INTERVAL_MS;
    const outputDue = this.queue.empty ? Infinity : this.lastBatch + wait;
    const exitsDue = newExits ? this.lastExits + EXITS_INTERVAL_MS : Infinity;
    const due = Math.min(outputDue, exitsDue);
    if (due <= now) this.flush(exitsDue <= now);
    else if (due !== Infinity && !this.planned) {
      this.planned = true;
      this.scheduler.after(due - now, () => {
        this.planned = false;
        this.pump();
      });
    }
  }

  /** Sends everything there is, at once. */
  drain(): void {
    this.flush(true);
  }

  private flush(withExits: boolean): void {
    const now = this.scheduler.now();
    const end = this.end();
    const unsent = this.isSettled() ? this.exitsSent - 1 : this.exitsSent;
    const from = Math.max(unsent, end - EXIT_ROWS_PER_EVENT);
    const wanted = this.following && withExits && from < end;
    const rows = wanted ? (this.machine?.exitLog(from, EXIT_ROWS_PER_EVENT) ?? []) : [];
    if (this.queue.empty && rows.length === 0) return;
    const total = this.machine?.position().exits ?? 0;
    const batch = this.queue.take(rows, rows.length === 0 ? 0 : from - unsent, total);
    this.lastBatch = now;
    if (rows.length > 0) {
      this.exitsSent = end;
      this.waits = rows.at(-1)?.outcome === undefined;
      this.lastExits = now;
    }
    this.outstanding = true;
    this.send(batch);
  }

  private hasNewExits(): boolean {
    return this.exitsSent !== this.end() || this.isSettled();
  }
  /** The last row was sent while it waited for the hypervisor, and has its outcome now. */
  private isSettled(): boolean {
    if (!this.waits) return false;
    const [row] = this.machine?.exitLog(this.exitsSent - 1, 1) ?? [];
    return row?.outcome !== undefined;
  }
  private end(): number {
    return this.machine?.exitLogRange().end ?? 0;
  }
}
