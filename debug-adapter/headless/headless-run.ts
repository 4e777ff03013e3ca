/**
 * A run without an editor: launches what the plan says through the debug adapter, tells every stop, types
 * what is to be typed, and judges the end. All decisions are taken where the guest is stopped, at an
 * instruction that does not depend on the host, so that the same plan is the same run.
 */
import type {
  ExitsBody,
  ExpectationResult,
  SetExpectationsBody,
  SummaryBody,
} from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';
import type { Body } from '../host/session-client.ts';
import { SessionDriver, summaryOf, withSkip } from '../host/session-driver.ts';
import type { PlannedBreakpoint, PlannedInput, RunPlan } from './run-plan.ts';
import type { RunReport, RunResult } from './run-report.ts';
import { STATUS } from './status.ts';

/** Ends that nobody wishes for unless an expectation says so (stops.ts). */
const MISHAPS: readonly string[] = [
  'triple-fault',
  'reset',
  'unimplemented',
  'guest-error',
  'halted-forever',
];
/** The machine's worker or the session ended before the guest. */
const LOST = 'lost';
/** The outcomes that a limit of the run makes. */
const LIMITS: readonly string[] = ['limit', 'quiet'];
const INTERRUPTED = 'pause';

export class HeadlessRun {
  private readonly plan: RunPlan;
  private readonly report: RunReport;
  private readonly driver: SessionDriver;
  private inputs: readonly PlannedInput[];
  private stops = 0;
  private printed = '';
  private trouble = '';
  private notice = '';
  /** Told at the next stop: where among the console's output they belong is not known. */
  private notices: string[] = [];
  private summary: SummaryBody | null = null;
  private untilFound = false;

  constructor(session: GuestscopeSession, plan: RunPlan, report: RunReport) {
    this.plan = plan;
    this.report = report;
    this.inputs = plan.inputs;
    this.driver = new SessionDriver(session);
    const { client } = this.driver;
    client.on('guestscope.console', ({ text }) => {
      this.printed += String(text);
      report.console(String(text));
    });
    client.on('guestscope.notice', ({ message }) => (this.notice = `${String(message)}\n`));
    client.on('output', ({ category, output }) => this.output(String(category), String(output)));
    client.on('guestscope.summary', (body) => (this.summary = body as unknown as SummaryBody));
  }

  /** Runs it all; rejects with a sentence for what is wrong with the plan or its launch configuration. */
  async run(): Promise<RunResult> {
    const { configuration } = this.plan;
    const name = typeof configuration['name'] === 'string' ? configuration['name'] : 'guest';
    this.report.start(name);
    await this.driver.begin(
      'guestscope run',
      {
        ...configuration,
        stopOnEntry: false,
        console: 'integratedTerminal',
        machine: withSkip(configuration),
      },
      () => this.configure(),
    );
    const ending = await this.untilTheEnd();
    const result = this.judge(name, ending, this.summary ?? (await this.lastSummary()));
    this.report.end(result);
    return result;
  }

  /** Ctrl+C: the guest stops where it is, and that is the end of the run. */
  interrupt(): void {
    this.driver.pause();
  }

  /** For a progress line. */
  async position(): Promise<{ readonly retired: number; readonly exits: number }> {
    const { retired, exits } = await this.driver.client.request('guestscope/position');
    return { retired: Number(retired), exits: Number(exits) };
  }

  // --------------------------------------------------------------------------- before the guest runs

  private async configure(): Promise<void> {
    const { client } = this.driver;
    const { breakpoints, expectations } = this.plan;
    const { problems } = (await client.request('guestscope/setExpectations', {
      expressions: expectations,
    })) as unknown as SetExpectationsBody;
    for (const [index, problem] of problems.entries())
      if (problem !== null) throw new Error(`--expect "${expectations[index] ?? ''}": ${problem}`);
    const places = breakpoints.filter(({ kind }) => kind === 'place');
    const wanted: object[] = [];
    for (const place of places)
      wanted.push({ instructionReference: await this.addressOf(place), ...conditionsOf(place) });
    await this.set('setInstructionBreakpoints', { breakpoints: wanted }, places);
    const exits = breakpoints.filter(({ kind }) => kind === 'exit');
    const onExits = exits.map((each) => ({ reason: each.where, ...conditionsOf(each) }));
    await this.set('guestscope/setExitBreakpoints', { breakpoints: onExits }, exits);
    const events = breakpoints.filter(({ kind }) => kind === 'event');
    const onEvents = events.map((each) => ({ event: each.where, ...conditionsOf(each) }));
    await this.set('guestscope/setEvents', { events: onEvents }, events);
    await this.typeWhatIsDue();
    await this.setRules();
  }

  private async addressOf({ where, written }: PlannedBreakpoint): Promise<string> {
    try {
      const { linear } = await this.driver.client.request('guestscope/translate', {
        address: where,
      });
      return `0x${Number(linear).toString(16)}`;
    } catch (cause) {
      throw new Error(`${written}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  }

  /** Throws for the first that was not taken. */
  private async set(
    command: string,
    args: object,
    planned: readonly PlannedBreakpoint[],
  ): Promise<void> {
    if (planned.length === 0) return;
    const { breakpoints } = await this.driver.client.request(command, args);
    const rows = breakpoints as readonly {
      readonly verified: boolean;
      readonly message?: string;
    }[];
    for (const [index, { verified, message }] of rows.entries())
      if (!verified) throw new Error(`${planned[index]?.written ?? ''}: ${message ?? 'refused'}`);
  }

  private async setRules(): Promise<void> {
    const { maxInstructions, idleLimit } = this.plan;
    await this.driver.client.request('guestscope/setRunRules', {
      texts: this.awaited(),
      quiet: Math.round(idleLimit * 1e9),
      keepOutput: true,
      ...(maxInstructions !== null && { position: maxInstructions }),
    });
  }

  /** Texts of the console that are waited for; the one that ends the run comes first. */
  private awaited(): readonly string[] {
    const { untilConsole } = this.plan;
    const next = this.inputs[0]?.after ?? null;
    return [untilConsole, next].filter((text) => text !== null);
  }

  private async typeWhatIsDue(): Promise<void> {
    for (let next = this.inputs[0]; next?.after === null; next = this.inputs[0]) {
      await this.type(next.text);
      this.inputs = this.inputs.slice(1);
    }
  }

  private async type(text: string): Promise<void> {
    await this.driver.client.request('guestscope/consoleInput', { text });
    this.report.sent(text);
  }

  // ------------------------------------------------------------------------------------- the run

  /** The sentence with which it ends. */
  private async untilTheEnd(): Promise<string> {
    for (;;) {
      const outcome = await this.driver.outcome();
      for (const notice of this.notices.splice(0)) this.report.notice(notice);
      if (outcome.kind === 'ended') {
        if (outcome.code !== null)
          return `The guest has switched itself off with status ${outcome.code}.`;
        return this.trouble === '' ? 'The session has ended before the guest.' : this.trouble;
      }
      const { body } = outcome;
      if (body['reason'] === 'console text') {
        if (await this.answer(Number(body['consoleText'])))
          return 'The guest has printed the text.';
      } else if (await this.isTheEnd(body)) return summaryOf(body);
      await this.driver.resume();
    }
  }

  /** A text has come that was waited for; true when it ends the run. */
  private async answer(index: number): Promise<boolean> {
    const { untilConsole } = this.plan;
    if (untilConsole !== null && index === 0) {
      this.untilFound = true;
      return true;
    }
    const [due, ...later] = this.inputs;
    if (due !== undefined) await this.type(due.text);
    this.inputs = later;
    await this.typeWhatIsDue();
    await this.setRules();
    return false;
  }

  private async isTheEnd(body: Body): Promise<boolean> {
    const { client } = this.driver;
    const reason = String(body['reason']);
    if ([...LIMITS, INTERRUPTED, 'reset'].includes(reason)) return true;
    const what =
      reason === 'exception'
        ? (await client.request('exceptionInfo', this.driver.thread))['exceptionId']
        : null;
    if (MISHAPS.includes(String(what))) return true;
    const { retired } = await client.request('guestscope/position');
    const { rows } = (await client.request('guestscope/exits', {
      limit: 1,
    })) as unknown as ExitsBody;
    const [newest] = rows;
    const isExit = newest !== undefined && newest.name === what && newest.position === retired;
    this.report.stop(body, Number(retired), isExit ? newest : null);
    return ++this.stops === this.plan.maxStops;
  }

  /** What can still be known when the machine is gone is nothing. */
  private async lastSummary(): Promise<SummaryBody> {
    try {
      return (await this.driver.client.request('guestscope/summary')) as unknown as SummaryBody;
    } catch {
      // the worker has died: nothing is known of the machine
      return { outcome: LOST, status: null, position: 0, time: 0, exits: {}, expectations: [] };
    }
  }

  private output(category: string, output: string): void {
    if (category === 'important') this.trouble = output.trimEnd();
    if (this.summary !== null || category !== 'console') return;
    if (output === this.notice) this.notices.push(output.trimEnd());
    else this.report.log(output.trimEnd());
    this.notice = '';
  }

  // ------------------------------------------------------------------------------------- the end

  private judge(name: string, ending: string, summary: SummaryBody): RunResult {
    const expectations = [...summary.expectations, ...this.texts()];
    const { outcome } = summary;
    // an expectation about the end knows better what is a mishap
    const foreseen = summary.expectations.some(({ expression }) => /\boutcome\b/.test(expression));
    const exitStatus =
      outcome === INTERRUPTED
        ? STATUS.interrupted
        : outcome === LOST || (MISHAPS.includes(outcome) && !foreseen)
          ? STATUS.guest
          : LIMITS.includes(outcome) && !foreseen
            ? STATUS.limit
            : expectations.every(({ holds }) => holds)
              ? STATUS.ok
              : STATUS.failed;
    return { ...summary, expectations, name, ending, exitStatus, console: this.printed };
  }

  /** What the guest should have printed is an expectation too. */
  private texts(): readonly ExpectationResult[] {
    const { untilConsole } = this.plan;
    const problem = 'The guest has not printed it.';
    const until =
      untilConsole === null
        ? []
        : [
            {
              expression: `--until-console ${JSON.stringify(untilConsole)}`,
              holds: this.untilFound,
            },
          ];
    const early = this.untilFound || this.stops === this.plan.maxStops;
    const waiting = (early ? [] : this.inputs).map(({ after }) => ({
      expression: `--after ${JSON.stringify(after)}`,
      holds: false,
    }));
    return [...until, ...waiting].map((result) => (result.holds ? result : { ...result, problem }));
  }
}

function conditionsOf({ condition, logMessage }: PlannedBreakpoint): object {
  return {
    ...(condition !== undefined && { condition }),
    ...(logMessage !== undefined && { logMessage }),
  };
}
