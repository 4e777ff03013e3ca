/**
 * The command line of `guestscope`: commands as rows, options as rows of each command, from which both
 * the parsing and the help come. A mistake is one sentence and exit status 2; what the statuses mean is
 * the same for every command.
 */
import { parseArgs } from 'node:util';
import { nearestName } from '../../emulator/nearest-name.ts';
import { STATUS } from './status.ts';

/** The world of a command, so that tests can be one. */
export interface Terminal {
  /** To standard output, as it is. */
  print(text: string): void;
  /** To standard error, as it is. */
  complain(text: string): void;
  /** Standard error is looked at by a person. */
  readonly attended: boolean;
  /** Called at Ctrl+C from now on; a second one ends the process. */
  onInterrupt(listener: () => void): void;
}

export interface Command {
  readonly name: string;
  /** For the list of commands. */
  readonly summary: string;
  /** Gives the exit status; throws UsageError and whatever sentence ends it with status 2. */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
  /** What `--help` prints. */
  help(): string;
}

/** A mistake on the command line: one sentence. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** One option of a command. */
export interface OptionRow {
  readonly name: string;
  /** What stands for its value in the help; absent: it takes none. */
  readonly value?: string;
  readonly help: string;
}

/** An option as it was written, in order. */
export interface GivenOption {
  readonly name: string;
  /** '' for one without a value. */
  readonly value: string;
}

export interface GivenArguments {
  readonly options: readonly GivenOption[];
  readonly positionals: readonly string[];
}

/** Reads arguments by a command's rows; throws UsageError. */
export function readArguments(args: readonly string[], rows: readonly OptionRow[]): GivenArguments {
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      rows.map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' }]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const options: GivenOption[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const row = rows.find(({ name }) => name === token.name);
    if (row === undefined) throw unknownOption(token.rawName, rows);
    if (row.value === undefined && token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value; leave out "=${token.value}".`);
    if (row.value !== undefined && token.value === undefined)
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${row.value}.`);
    options.push({ name: row.name, value: token.value ?? '' });
  }
  return { options, positionals };
}

/** Arguments of a command that works on one launch configuration. */
export interface LaunchArgument {
  /** "launch.json#name" as it was given. */
  readonly written: string;
  readonly options: readonly GivenOption[];
  /** The value of an option, the last one where it was given more than once. */
  readonly last: (name: string) => string | undefined;
}

/** Reads them by the command's rows; throws UsageError. */
export function readLaunchArgument(
  args: readonly string[],
  rows: readonly OptionRow[],
  usage: string,
): LaunchArgument {
  const { options, positionals } = readArguments(args, rows);
  const [written, ...more] = positionals;
  if (written === undefined || more.length > 0)
    throw new UsageError(`Name one launch configuration: ${usage}.`);
  const last = (name: string): string | undefined =>
    options.findLast((option) => option.name === name)?.value;
  return { written, options, last };
}

function unknownOption(written: string, rows: readonly OptionRow[]): UsageError {
  const nearest = nearestName(
    written.replace(/^-+/, ''),
    rows.map(({ name }) => name),
  );
  const hint = nearest === null ? 'see --help' : `did you mean --${nearest}?`;
  return new UsageError(`There is no option ${written}; ${hint}`);
}

/** The rows as help shows them, one a line. */
export function optionsHelp(rows: readonly OptionRow[]): string {
  const written = rows.map(
    ({ name, value }) => `--${name}${value === undefined ? '' : ` ${value}`}`,
  );
  const width = Math.max(...written.map(({ length }) => length));
  return rows.map(({ help }, at) => `  ${(written[at] ?? '').padEnd(width)}  ${help}`).join('\n');
}

const STATUS_HELP = `Exit status
  ${STATUS.ok}    everything that was expected holds
  ${STATUS.failed}    an expectation does not hold, or a comparison shows a difference
  ${STATUS.usage}    the command line, the launch configuration or one of its files is wrong
  ${STATUS.guest}    the guest ended as nobody expected: a triple fault, a reset, HLT for good
  ${STATUS.limit}    a limit of the run was met first
  ${STATUS.interrupted}  interrupted by Ctrl+C`;

/** Runs the command that the arguments name; gives the exit status. */
export async function runCommandLine(
  commands: readonly Command[],
  version: string,
  [name, ...rest]: readonly string[],
  terminal: Terminal,
): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    terminal.print(`${overview(commands)}\n`);
    return name === undefined ? STATUS.usage : STATUS.ok;
  }
  if (name === '--version') {
    terminal.print(`${version}\n`);
    return STATUS.ok;
  }
  const command = commands.find((row) => row.name === name);
  if (command === undefined) {
    const names = commands.map((row) => row.name);
    const nearest = nearestName(name, names);
    const hint = nearest === null ? `there are ${names.join(', ')}` : `did you mean "${nearest}"?`;
    terminal.complain(`guestscope: There is no command "${name}"; ${hint}\n`);
    return STATUS.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.print(`${command.help()}\n\n${STATUS_HELP}\n`);
    return STATUS.ok;
  }
  try {
    return await command.run(rest, terminal);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const hint = cause instanceof UsageError ? `\nguestscope ${name} --help tells more.` : '';
    terminal.complain(`guestscope ${name}: ${cause.message}${hint}\n`);
    return STATUS.usage;
  }
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `guestscope: debug a virtualized x86 guest without an editor

${rows.join('\n')}

guestscope COMMAND --help tells about a command.

${STATUS_HELP}`;
}
