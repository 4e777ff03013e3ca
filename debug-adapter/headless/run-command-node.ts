/** `guestscope run`: a launch configuration without an editor, with expectations and a report. */
import type { GuestscopeSession } from '../session.ts';
import { SessionDriver, summaryOf, withSkip } from '../session-driver.ts';
import type { Command, OptionRow } from './command-line-node.ts';
import { optionsHelp, readArguments, STATUS, UsageError } from './command-line-node.ts';
import { readLaunchFile } from './launch-file-node.ts';

const USAGE = 'guestscope run LAUNCH.JSON[#NAME] [OPTION…]';

// prettier-ignore
const OPTIONS: readonly OptionRow[] = [
  { name: 'workspace', value: 'DIR', help: 'what ${workspaceFolder} stands for' },
];

export function runCommand(newSession: () => GuestscopeSession): Command {
  return {
    name: 'run',
    summary: 'runs a launch configuration to its end',
    help: () => `${USAGE}\n\n${optionsHelp(OPTIONS)}`,
    run: async (args, terminal) => {
      const { options, positionals } = readArguments(args, OPTIONS);
      const [written, ...more] = positionals;
      if (written === undefined || more.length > 0)
        throw new UsageError(`Name one launch configuration: ${USAGE}.`);
      const workspace = options.findLast(({ name }) => name === 'workspace')?.value;
      const { configuration } = readLaunchFile(written, workspace);
      const session = newSession();
      try {
        const driver = new SessionDriver(session);
        await driver.begin('headless', {
          ...configuration,
          stopOnEntry: false,
          machine: withSkip(configuration),
        });
        for (;;) {
          const outcome = await driver.outcome();
          if (outcome.kind === 'ended') return STATUS.ok;
          terminal.print(`${summaryOf(outcome.body)}\n`);
          await driver.resume();
        }
      } finally {
        session.dispose();
      }
    },
  };
}
