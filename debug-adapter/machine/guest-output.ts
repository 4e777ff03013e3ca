/**
 * What the guest puts out, on its way to the client: serial console, exit log and notices, as events.
 * The machine's worker has already bounded and batched it (output-queue.ts).
 */
import type { ExitRecord } from '../../emulator/stop-reason.ts';
import { encodeBase64, Utf8Decoder } from '../host/encoding.ts';
import { logText } from '../expressions/log-message.ts';
import type { OutputBatch } from './machine-channel.ts';
import type { CustomEventName, CustomEvents, ExitRow } from '../protocol.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';

/** Characters of console output kept for a terminal that is opened late. */
const HISTORY = 256 * 1024;
/** And for expressions: at least so many. */
const ALL = 4 * 1024 * 1024;

export interface OutputSink {
  custom<Name extends CustomEventName>(name: Name, body: CustomEvents[Name]): void;
  /** DAP's output event. */
  print(category: 'console' | 'stdout' | 'important', text: string): void;
}

export class GuestOutput {
  private readonly sink: OutputSink;
  private decoder = new Utf8Decoder();
  private kept = '';
  /** Also print the console as output events. */
  printConsole = false;

  constructor(sink: OutputSink) {
    this.sink = sink;
  }

  get history(): string {
    return this.kept.slice(-HISTORY);
  }

  /** All that was printed since power-on, or the end of very much. */
  get everything(): string {
    return this.kept;
  }

  /** A new boot of the guest. */
  restart(): void {
    this.decoder = new Utf8Decoder();
    this.kept = '';
  }

  /** The guest was another's until now: goes on with what it had printed. */
  continueFrom(before: GuestOutput): void {
    this.decoder = before.decoder;
    this.kept = before.kept;
  }

  take(batch: OutputBatch, symbols: SymbolTable): void {
    this.takeConsole(batch, symbols);
    for (const message of batch.notices) this.notice(message);
    if (batch.noticesDropped > 0)
      this.notice(`${batch.noticesDropped} more messages of the machine were left out.`);
    if (batch.logsDropped > 0)
      this.notice(
        `${batch.logsDropped} more log messages were left out because they came too fast.`,
      );
    if (batch.exits.length > 0)
      this.sink.custom('guestscope.exits', {
        rows: exitRows(batch.exits, symbols),
        skipped: batch.exitsSkipped,
        total: batch.exitsTotal,
      });
  }

  /** The console's output and what breakpoints have printed, in the order in which they came. */
  private takeConsole({ console, consoleDropped, logs }: OutputBatch, symbols: SymbolTable): void {
    if (consoleDropped > 0)
      this.notice(
        `${consoleDropped} bytes of console output were left out because the guest sent them too fast.`,
      );
    let from = 0;
    let dropped = consoleDropped;
    const printUntil = (end: number): void => {
      if (end <= from) return;
      this.printed(console.subarray(from, end), dropped);
      from = end;
      dropped = 0;
    };
    for (const line of logs) {
      printUntil(line.after - consoleDropped);
      this.sink.print('console', `${logText(line, symbols)}\n`);
    }
    printUntil(console.length);
  }

  private printed(bytes: Uint8Array, dropped: number): void {
    const text = this.decoder.decode(bytes);
    this.kept += text;
    if (this.kept.length > 2 * ALL) this.kept = this.kept.slice(-ALL);
    this.sink.custom('guestscope.console', { text, base64: encodeBase64(bytes), dropped });
    if (this.printConsole && text !== '') this.sink.print('stdout', text);
  }

  private notice(message: string): void {
    this.sink.custom('guestscope.notice', { message });
    this.sink.print('console', `${message}\n`);
  }
}

/** Rows of the exit log with what the symbol files know. */
export function exitRows(records: readonly ExitRecord[], symbols: SymbolTable): readonly ExitRow[] {
  return records.map((record) => {
    const symbol = symbols.describe(record.linearRip);
    return symbol === null ? record : { ...record, symbol };
  });
}
