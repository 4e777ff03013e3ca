/**
 * A run as it is told: lines of text for people, or JSON lines for programs. Both have everything in the
 * order of the guest's time, and nothing of the host's, so that the same run is the same report.
 */
import type { ExitRow, SummaryBody } from '../protocol.ts';
import type { Body } from '../host/session-client.ts';
import { summaryOf } from '../host/session-driver.ts';

export interface RunResult extends SummaryBody {
  readonly name: string;
  /** All that the guest has printed. */
  readonly console: string;
  /** How it ended, in a sentence. */
  readonly ending: string;
  /** Of the process; command-line-node.ts has what they mean. */
  readonly exitStatus: number;
}

export interface RunReport {
  start(name: string): void;
  console(text: string): void;
  /** What a breakpoint with a log message has printed. */
  log(text: string): void;
  notice(text: string): void;
  /** @param exit the VM exit that it stopped at, if it is one */
  stop(body: Body, position: number, exit: ExitRow | null): void;
  sent(text: string): void;
  end(result: RunResult): void;
}

type Print = (text: string) => void;

const grouped = (value: number): string => value.toString().replace(/\B(?=(\d{3})+$)/g, ',');

export class TextReport implements RunReport {
  private readonly print: Print;
  private atLineStart = true;

  constructor(print: Print) {
    this.print = print;
  }

  start(name: string): void {
    this.line(`Guestscope: ${name}`);
  }
  console(text: string): void {
    const shown = text.replaceAll('\r', '');
    if (shown === '') return;
    this.print(shown);
    this.atLineStart = shown.endsWith('\n');
  }
  log(text: string): void {
    this.line(`[log] ${text}`);
  }
  notice(text: string): void {
    this.line(`[note] ${text}`);
  }
  stop(body: Body, position: number): void {
    this.line(`[stop] @${grouped(position)} ${summaryOf(body)}`);
  }
  sent(text: string): void {
    this.line(`[sent] ${JSON.stringify(text)}`);
  }
  end({ ending, position, time, exits, expectations }: RunResult): void {
    this.line(`[end] ${ending}`);
    const counts = Object.entries(exits).sort(([, a], [, b]) => b - a);
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    const most = counts.map(([name, count]) => `${name} ${grouped(count)}`).join(', ');
    this.line(
      `${grouped(position)} instructions, ${(time / 1e9).toFixed(3)} s of the guest's time, ` +
        `${grouped(total)} VM exits${most === '' ? '' : `: ${most}`}`,
    );
    for (const { expression, holds, problem } of expectations)
      this.line(
        holds
          ? `ok    ${expression}`
          : `FAIL  ${expression}${problem === undefined ? '' : `: ${problem}`}`,
      );
  }

  private line(text: string): void {
    this.print(`${this.atLineStart ? '' : '\n'}${text}\n`);
    this.atLineStart = true;
  }
}

/** One object a line; `type` says what it is. The console comes by lines. */
export class JsonReport implements RunReport {
  private readonly print: Print;
  private held = '';

  constructor(print: Print) {
    this.print = print;
  }

  start(name: string): void {
    this.line({ type: 'start', name });
  }
  console(text: string): void {
    const lines = (this.held + text).split('\n');
    this.held = lines.pop() ?? '';
    for (const line of lines)
      this.print(`${JSON.stringify({ type: 'console', text: `${line}\n` })}\n`);
  }
  log(text: string): void {
    this.line({ type: 'log', text });
  }
  notice(text: string): void {
    this.line({ type: 'notice', text });
  }
  stop(body: Body, position: number, exit: ExitRow | null): void {
    const { reason, description, threadId } = body;
    this.line({
      type: 'stop',
      position,
      reason,
      description,
      text: summaryOf(body),
      threadId,
      ...(exit !== null && { exit }),
    });
  }
  sent(text: string): void {
    this.line({ type: 'sent', text });
  }
  end({
    ending,
    outcome,
    status,
    position,
    time,
    exits,
    expectations,
    exitStatus,
  }: RunResult): void {
    for (const result of expectations) this.line({ type: 'expectation', ...result });
    this.line({ type: 'end', outcome, ending, status, position, time, exits, exitStatus });
  }

  /** What the guest has begun to print comes before. */
  private line(value: object): void {
    if (this.held !== '') this.print(`${JSON.stringify({ type: 'console', text: this.held })}\n`);
    this.held = '';
    this.print(`${JSON.stringify(value)}\n`);
  }
}
