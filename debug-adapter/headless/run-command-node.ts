/** `guestscope run`: a launch configuration without an editor, with expectations and a report. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseJsonWithComments } from '../launch/launch-json.ts';
import type { GuestscopeSession } from '../session.ts';
import type { Command, GivenOption, OptionRow, Terminal } from './command-line-node.ts';
import { optionsHelp, readLaunchArgument, UsageError } from './command-line-node.ts';
import { HeadlessRun } from './headless-run.ts';
import { junitXml } from './junit.ts';
import { readLaunchFile } from './launch-file-node.ts';
import { showProgress } from './progress-node.ts';
import { planOf } from './run-options.ts';
import { JsonReport, TextReport } from './run-report.ts';

const USAGE = 'guestscope run LAUNCH.JSON[#NAME] [OPTION…]';

// prettier-ignore
const OPTIONS: readonly OptionRow[] = [
  { name: 'workspace',        value: 'DIR',     help: 'what ${workspaceFolder} stands for; without it the folder around .vscode' },
  { name: 'break',            value: 'WHERE',   help: 'stop at a symbol or address: "start_kernel", "0x100000 if eax == 5"' },
  { name: 'break-exit',       value: 'REASON',  help: 'stop at VM exits: "CPUID if exit.leaf == 1"' },
  { name: 'break-event',      value: 'EVENT',   help: 'stop at an event of the machine: "exception.PF if cpl == 3"' },
  { name: 'log',              value: 'MESSAGE', help: 'print this at the breakpoint named before instead of stopping: "leaf {leaf}"' },
  { name: 'expect',           value: 'EXPR',    help: 'must hold at the end: "exits.CPUID == 12", \'console contains "login:"\', "position < 1e9", \'outcome == "power-off"\', "status == 0"' },
  { name: 'expect-file',      value: 'FILE',    help: 'the same, one a line ("#" begins a comment) or a JSON list' },
  { name: 'after',            value: 'TEXT',    help: 'the next --send waits until the guest has printed this' },
  { name: 'send',             value: 'TEXT',    help: 'type into the console; "\\r" is Enter' },
  { name: 'until-console',    value: 'TEXT',    help: 'end the run when the guest has printed this' },
  { name: 'max-instructions', value: 'N',       help: 'end the run, with status 4, after so many instructions: 1000000, 2e9' },
  { name: 'max-stops',        value: 'N',       help: 'end the run at the stop of this number' },
  { name: 'idle-limit',       value: 'SECONDS', help: 'end the run, with status 4, when the guest has slept so long of its own time; 60' },
  { name: 'format',           value: 'FORMAT',  help: 'text, or jsonl: one JSON object a line' },
  { name: 'junit',            value: 'FILE',    help: 'write the result as JUnit XML' },
];

export function runCommand(newSession: () => GuestscopeSession): Command {
  return {
    name: 'run',
    summary: 'runs a launch configuration to its end, with expectations and a report',
    help: () => `${USAGE}

Boots the guest of a launch configuration and tells its stops, its log points, what it prints and how it
ends. The run is the guest's own time: the same to the instruction on every computer.

${optionsHelp(OPTIONS)}`,
    run: async (args, terminal) => {
      const { written, options, last } = readLaunchArgument(args, OPTIONS, USAGE);
      const { configuration } = readLaunchFile(written, last('workspace'));
      const plan = planOf(configuration, options.flatMap(withFile));
      const format = last('format') ?? 'text';
      if (format !== 'text' && format !== 'jsonl')
        throw new UsageError(`--format is text or jsonl, not "${format}".`);
      const junit = last('junit');
      // before the run, so that it was not in vain
      if (junit !== undefined) writeReport(junit, '');
      const result = await runOnce(newSession(), terminal, (session, print) => {
        const report = format === 'text' ? new TextReport(print) : new JsonReport(print);
        return new HeadlessRun(session, plan, report);
      });
      if (junit !== undefined) writeReport(junit, junitXml(result));
      return result.exitStatus;
    },
  };
}

async function runOnce(
  session: GuestscopeSession,
  terminal: Terminal,
  build: (session: GuestscopeSession, print: (text: string) => void) => HeadlessRun,
): Promise<Awaited<ReturnType<HeadlessRun['run']>>> {
  const progress = showProgress(terminal, () => run.position());
  const run: HeadlessRun = build(session, (text) => {
    progress.clear();
    terminal.print(text);
  });
  terminal.onInterrupt(() => run.interrupt());
  try {
    return await run.run();
  } finally {
    progress.end();
    session.dispose();
  }
}

/** The expectations of a file in the place of the option that names it. */
function withFile(option: GivenOption): readonly GivenOption[] {
  if (option.name !== 'expect-file') return [option];
  return expectationsOf(option.value).map((value) => ({ name: 'expect', value }));
}

function expectationsOf(file: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`--expect-file ${file} cannot be read: ${messageOf(cause)}.`);
  }
  if (!text.trimStart().startsWith('[')) {
    return text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  }
  let list: unknown;
  try {
    list = parseJsonWithComments(text);
  } catch (cause) {
    throw new UsageError(`--expect-file ${file} is no JSON: ${messageOf(cause)}.`);
  }
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list;
  throw new UsageError(
    `--expect-file ${file} must be a JSON list of strings, one expression each.`,
  );
}

function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new UsageError(`--junit ${file} cannot be written: ${messageOf(cause)}.`);
  }
}

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);
