/** `guestscope compare`: one launch configuration under several faces, and the difference in its exits. */
import { nearestName } from '../../emulator/nearest-name.ts';
import type { GuestscopeSession } from '../session.ts';
import type { Command, OptionRow, Terminal } from './command-line-node.ts';
import { optionsHelp, readLaunchArgument, UsageError } from './command-line-node.ts';
import type { Face, FaceRun, TableFormat } from './faces.ts';
import { allFaces, compareText, FACE_USAGE, parseFace, TABLE_FORMATS, withFace } from './faces.ts';
import { HeadlessRun } from './headless-run.ts';
import { readLaunchFile } from './launch-file-node.ts';
import { showProgress } from './progress-node.ts';
import { planOf } from './run-options.ts';
import type { RunReport } from './run-report.ts';
import { STATUS } from './status.ts';

const USAGE = 'guestscope compare LAUNCH.JSON[#NAME] [OPTION…]';

// prettier-ignore
const OPTIONS: readonly OptionRow[] = [
  { name: 'face',             value: FACE_USAGE, help: 'a column of the table: "kvm-ept:bare", "kvm-ept+no-kvmclock" (words for the command line); without any all profiles, with and without KVM\'s interface' },
  { name: 'workspace',        value: 'DIR',     help: 'what ${workspaceFolder} stands for; without it the folder around .vscode' },
  { name: 'after',            value: 'TEXT',    help: 'the next --send waits until the guest has printed this' },
  { name: 'send',             value: 'TEXT',    help: 'type into the console; "\\r" is Enter' },
  { name: 'until-console',    value: 'TEXT',    help: 'end each run when the guest has printed this' },
  { name: 'max-instructions', value: 'N',       help: 'end each run after so many instructions: 1000000, 2e9' },
  { name: 'idle-limit',       value: 'SECONDS', help: 'end a run when the guest has slept so long of its own time; 60' },
  { name: 'format',           value: 'FORMAT',  help: 'text, markdown, json or csv' },
];

export function compareCommand(newSession: () => GuestscopeSession): Command {
  return {
    name: 'compare',
    summary: 'runs a launch configuration under several hypervisor faces and compares its VM exits',
    help: () => `${USAGE}

Runs the same guest once for each face, to the same end, and prints how often it has left for which
reason. A face is a profile of the hypervisor with the interface that the guest finds.

${optionsHelp(OPTIONS)}`,
    run: async (args, terminal) => {
      const { written, options, last } = readLaunchArgument(args, OPTIONS, USAGE);
      const format = tableFormat(last('format') ?? 'text');
      const { configuration } = readLaunchFile(written, last('workspace'));
      const named = options.filter(({ name }) => name === 'face');
      const faces = named.length === 0 ? allFaces() : named.map(({ value }) => parseFace(value));
      const runs: FaceRun[] = [];
      let current: HeadlessRun | null = null;
      terminal.onInterrupt(() => current?.interrupt());
      for (const face of faces) {
        const plan = planOf(withFace(configuration, face), options);
        const session = newSession();
        current = new HeadlessRun(session, plan, SILENT);
        const run = await runFace(current, session, terminal, face);
        runs.push(run);
        if (run.outcome === 'pause') return STATUS.interrupted;
      }
      terminal.print(compareText(runs, format));
      return STATUS.ok;
    },
  };
}

function tableFormat(written: string): TableFormat {
  const found = TABLE_FORMATS.find((format) => format === written);
  if (found !== undefined) return found;
  const nearest = nearestName(written, TABLE_FORMATS);
  const hint = nearest === null ? '' : ` Did you mean ${nearest}?`;
  throw new UsageError(`--format is ${TABLE_FORMATS.join(', ')}, not "${written}".${hint}`);
}

const nothing = (): void => undefined;
/** The table is all that is told. */
const SILENT: RunReport = {
  start: nothing,
  console: nothing,
  log: nothing,
  notice: nothing,
  stop: nothing,
  sent: nothing,
  end: nothing,
};

async function runFace(
  run: HeadlessRun,
  session: GuestscopeSession,
  terminal: Terminal,
  face: Face,
): Promise<FaceRun> {
  const progress = showProgress(terminal, () => run.position());
  try {
    const { outcome, ending, position, time, exits } = await run.run();
    return { face: face.label, outcome, ending, instructions: position, time, exits };
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new Error(`Face ${face.label}: ${cause.message}`, { cause });
  } finally {
    progress.end();
    session.dispose();
  }
}
