/** The terminal (command-line-node.ts) that this process was started from. */
import type { Terminal } from './command-line-node.ts';
import { STATUS } from './status.ts';

export function processTerminal(): Terminal {
  // a reader that has gone (`| head`) is no reason to fail; the run goes on to its status
  process.stdout.on('error', () => undefined);
  return {
    print: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
    attended: process.stderr.isTTY,
    onInterrupt(listener) {
      process.once('SIGINT', () => {
        process.once('SIGINT', () => process.exit(STATUS.interrupted));
        listener();
      });
    },
  };
}
