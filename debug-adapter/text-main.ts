/**
 * `npm start -- --text`: a debug session as text.
 *
 *   text-main [FOLDER [NAME]]   launches configuration NAME, or the first one, of FOLDER's
 *                               .vscode/launch.json; without a folder, the sample that comes along
 *
 * Exit status 0 when the session came to its end, 1 when the guest could not be launched.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from './files-node.ts';
import { findConfiguration } from './launch-json.ts';
import { nodeScheduler } from './scheduler-node.ts';
import { GuestscopeSession } from './session.ts';
import { TextSession } from './text-session.ts';
import { machineWorker, startThread } from './worker-node.ts';

const SAMPLE = fileURLToPath(new URL('../extension/sample', import.meta.url));

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

async function main([folderGiven, name]: readonly string[]): Promise<number> {
  const folder = resolve(folderGiven ?? SAMPLE);
  const session = new GuestscopeSession({
    startWorker: () => startThread(machineWorker(import.meta.url)),
    files: nodeFiles,
    scheduler: nodeScheduler,
  });
  const attended = process.stdin.isTTY && process.stdout.isTTY;
  const text: TextSession = new TextSession({
    session,
    print: (output) => void process.stdout.write(output),
    wait: (milliseconds) => sleep(milliseconds, undefined, { ref: false }),
    ...(attended && { ask: terminalLines(() => text.pause()) }),
  });
  try {
    const file = join(folder, '.vscode', 'launch.json');
    await text.run(findConfiguration(await readFile(file, 'utf8'), folder, name));
    return 0;
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    return 1;
  } finally {
    session.dispose();
  }
}

process.exit(await main(process.argv.slice(2)));
