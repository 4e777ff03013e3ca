/**
 * `guestscope text`: a debug session as text (text-session.ts). Where somebody types there is a prompt,
 * else it tells the whole run.
 */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { GuestscopeSession } from '../session.ts';
import { TextSession } from '../host/text-session.ts';
import type { Command } from './command-line-node.ts';
import { readArguments, UsageError } from './command-line-node.ts';
import { STATUS } from './status.ts';
import { readLaunchFile } from './launch-file-node.ts';

const SAMPLE = 'Story: a guest that finds its hypervisor';
const USAGE = 'guestscope text [LAUNCH.JSON[#NAME]]';

export function textCommand(newSession: () => GuestscopeSession): Command {
  return {
    name: 'text',
    summary: 'a debug session as text, with a prompt on a terminal',
    help: () => `${USAGE}

Launches the configuration NAME of LAUNCH.JSON, or of a folder's .vscode/launch.json; without one, the
sample that comes along. Shows the first stop with registers, disassembly and memory, then gives a
prompt, or tells the rest of the run where nobody types.`,
    run: async (args) => {
      const { positionals } = readArguments(args, []);
      const [written = `${sample()}#${SAMPLE}`, ...more] = positionals;
      if (more.length > 0)
        throw new UsageError(`Only one configuration can be launched: ${USAGE}.`);
      const { configuration } = readLaunchFile(written, undefined);
      const session = newSession();
      const attended = process.stdin.isTTY && process.stdout.isTTY;
      const text: TextSession = new TextSession({
        session,
        print: (output) => void process.stdout.write(output),
        ...(attended && { ask: terminalLines(() => text.pause()) }),
      });
      try {
        await text.run(configuration);
        return STATUS.ok;
      } finally {
        session.dispose();
      }
    },
  };
}

/** From the bundle in dist/ and from the source in debug-adapter/headless/. */
function sample(): string {
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../';
  return fileURLToPath(new URL(`${root}extension/sample`, import.meta.url));
}

/** Lines from the terminal; null at its end. */
function terminalLines(interrupted: () => void): (prompt: string) => Promise<string | null> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  let closed = false;
  terminal.on('close', () => (closed = true));
  terminal.on('SIGINT', interrupted);
  return (prompt) =>
    new Promise((answer) => {
      if (closed) {
        answer(null);
        return;
      }
      const end = (): void => answer(null);
      terminal.once('close', end);
      terminal.question(prompt, (line) => {
        terminal.off('close', end);
        answer(line);
      });
    });
}
