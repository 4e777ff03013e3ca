/**
 * A debug session as text: the same launch configuration through the same debug adapter as in the editor,
 * for a terminal or a log. It runs to the first exit breakpoint and shows what an editor would show
 * there: the stop, the exit with its decoded fields, registers, disassembly and memory. Then a prompt, or
 * without a terminal the rest of the run and what the guest printed.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { IDLE_LIMIT } from '../headless/run-plan.ts';
import type { LaunchArguments } from '../launch/launch-json.ts';
import type { GuestscopeSession } from '../session.ts';
import type { Body, SessionClient } from './session-client.ts';
import type { Outcome } from './session-driver.ts';
import { SessionDriver, summaryOf, withSkip } from './session-driver.ts';

export interface TextEnvironment {
  readonly session: GuestscopeSession;
  print(text: string): void;
  /** A line that was typed, null at the end; absent where nobody types. */
  readonly ask?: (prompt: string) => Promise<string | null>;
}

/** Longest unattended run after the first stop. */
const MOST_INSTRUCTIONS = 1e10;
const TYPED = 'hello';
/** Stops of an unattended run that are told one by one. */
const STOPS_TOLD = 20;

/** The session ended before the guest did. */
const UNFINISHED: Outcome = { kind: 'stopped', body: {} };

export class TextSession {
  private readonly environment: TextEnvironment;
  private readonly driver: SessionDriver;
  private readonly client: SessionClient;
  private console = '';

  constructor(environment: TextEnvironment) {
    this.environment = environment;
    this.driver = new SessionDriver(environment.session);
    this.client = this.driver.client;
    const attended = environment.ask !== undefined;
    this.client.on('output', ({ output }) => this.print(String(output).trimEnd()));
    this.client.on('guestscope.console', ({ text }) => {
      if (attended) this.environment.print(String(text).replaceAll('\r', ''));
      else this.console += String(text);
    });
  }

  /** Runs it all; rejects with a sentence when the guest cannot be launched. */
  async run(configuration: LaunchArguments): Promise<void> {
    const { driver } = this;
    const { name } = configuration;
    this.print(`Guestscope: ${typeof name === 'string' ? name : 'guest'}`);
    // An unattended run waits for nobody, so neither should the guest.
    const unattended = this.environment.ask === undefined && { machine: withSkip(configuration) };
    await driver.begin('text', {
      ...configuration,
      console: 'integratedTerminal',
      ...unattended,
    });
    let outcome = await driver.outcome();
    while (outcome.kind === 'stopped' && outcome.body['reason'] === 'entry') {
      this.print(`${String(outcome.body['description'])}.`);
      await driver.resume();
      outcome = await driver.outcome();
    }
    if (outcome.kind === 'stopped') {
      await this.show(outcome.body);
      outcome = await (this.environment.ask === undefined ? this.finish() : this.prompt());
    }
    if (this.console !== '') {
      this.print('\nThe guest printed:');
      this.print(this.console.replaceAll('\r', '').trimEnd());
    }
    this.print(
      outcome.kind === 'ended' ? ended(outcome.code) : '\nThe session ends before the guest.',
    );
    await driver.client.request('disconnect');
  }

  // ------------------------------------------------------------------------------------ the story

  /** Everything about a stop. */
  private async show(stop: Body): Promise<void> {
    this.print(`\n== ${String(stop['text'] ?? stop['description'])}`);
    if (stop['reason'] === 'exception') await this.showException();
    this.print('\n-- Registers');
    this.print(await this.driver.evaluate('r'));
    const here = await this.here();
    this.print('\n-- Disassembly');
    this.print(await this.disassembly(here));
    this.print('\n-- Memory');
    this.print(await this.driver.evaluate(`x ${here} 64`));
    this.print('\n-- Call stack');
    this.print(await this.driver.evaluate('bt'));
  }

  private async showException(): Promise<void> {
    const { details } = (await this.client.request('exceptionInfo', this.driver.thread)) as {
      readonly details?: DebugProtocol.ExceptionDetails;
    };
    for (const line of details?.stackTrace?.split('\n') ?? []) this.print(`   ${line}`);
  }

  /** Linear address of the next instruction, as a memory reference. */
  private async here(): Promise<string> {
    const { stackFrames } = (await this.client.request('stackTrace', {
      ...this.driver.thread,
      levels: 1,
    })) as unknown as DebugProtocol.StackTraceResponse['body'];
    return stackFrames[0]?.instructionPointerReference ?? '';
  }

  /** Rows around it, as the editor asks for them. */
  private async disassembly(here: string): Promise<string> {
    const { instructions } = (await this.client.request('disassemble', {
      memoryReference: here,
      instructionOffset: -4,
      instructionCount: 12,
      resolveSymbols: true,
    })) as unknown as { readonly instructions: readonly DebugProtocol.DisassembledInstruction[] };
    return instructions
      .map(({ address, instruction, instructionBytes = '', symbol }) => {
        const label = symbol === undefined ? '' : `${symbol}:\n`;
        const arrow = address === here ? '=>' : '  ';
        return `${label}${arrow} ${address}  ${instructionBytes.padEnd(24)}  ${instruction}`;
      })
      .join('\n');
  }

  /**
   * Nobody types: lets the guest run to its end by the rules of `guestscope run` and tells where it stopped
   * on the way. For a guest that waits for input a line is typed, once.
   */
  private async finish(): Promise<Outcome> {
    this.print('\n-- The rest of the run');
    await this.setRules();
    let typed = false;
    for (let stops = 0; ;) {
      await this.driver.resume();
      const outcome = await this.driver.outcome();
      if (outcome.kind === 'ended') return outcome;
      const { reason, description } = outcome.body;
      if (reason === 'quiet' && !typed) {
        this.print(`The guest waits for input; "${TYPED}" is typed for it.`);
        await this.client.request('guestscope/consoleInput', { text: `${TYPED}\r` });
        typed = true;
        continue;
      }
      if (stops < STOPS_TOLD) this.print(summaryOf(outcome.body));
      else if (stops === STOPS_TOLD) this.print('… and more stops, which are not told.');
      stops++;
      if (reason === 'quiet' || reason === 'limit') return UNFINISHED;
      if (FINAL.includes(String(description))) return outcome;
    }
  }

  private async setRules(): Promise<void> {
    const { retired } = await this.client.request('guestscope/position');
    await this.client.request('guestscope/setRunRules', {
      quiet: IDLE_LIMIT * 1e9,
      position: Number(retired) + MOST_INSTRUCTIONS,
      keepOutput: true,
    });
  }

  private async prompt(): Promise<Outcome> {
    this.print(`\n${HELP}`);
    for (;;) {
      const line = await this.environment.ask?.('(guest) ');
      if (line === null || line === undefined || line.trim() === 'q') return UNFINISHED;
      const [word = ''] = line.trim().split(/\s+/, 1);
      const command = RESUMING[word];
      try {
        if (command === undefined) await this.command(line);
        else {
          await this.driver.resume(command);
          const outcome = await this.driver.outcome();
          if (outcome.kind === 'ended') return outcome;
          this.print(summaryOf(outcome.body));
          this.print(await this.driver.evaluate(`u ${await this.here()} 1`));
        }
      } catch (cause) {
        this.print(cause instanceof Error ? cause.message : String(cause));
      }
    }
  }

  private async command(line: string): Promise<void> {
    const text = /^\s*>\s?(.*)$/.exec(line)?.[1];
    const keys = /^\s*key\s(.*)$/.exec(line)?.[1];
    if (keys !== undefined)
      await this.client.request('guestscope/keyboardInput', { text: `${keys}\r` });
    else if (text !== undefined)
      await this.client.request('guestscope/consoleInput', { text: `${text}\r` });
    else if (line.trim() !== '') this.print(await this.driver.evaluate(line));
  }

  /** Stops a running guest; for Ctrl+C. */
  pause(): void {
    this.driver.pause();
  }

  // -------------------------------------------------------------------------------------- helpers

  private print(line: string): void {
    this.environment.print(`${line}\n`);
  }
}

/** Stops after which going on leads nowhere new. */
const FINAL: readonly string[] = [
  'Paused: halted for good',
  'Paused on reset',
  'Paused on triple fault',
  'Paused on an error of the guest',
];

const RESUMING: { readonly [word: string]: string } = {
  c: 'continue',
  s: 'stepIn',
  n: 'next',
  o: 'stepOut',
};

const HELP =
  'c continues, s steps in, n steps over, o steps out, > TEXT types into the console,\n' +
  'key TEXT types on the keyboard, screen shows the screen, q ends.\n' +
  'help lists the commands of the debug console; everything else is an expression.';

function ended(code: number | null): string {
  return code === null
    ? '\nThe session has ended.'
    : `\nThe guest has ended with exit code ${code}.`;
}
