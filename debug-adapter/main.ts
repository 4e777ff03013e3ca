/**
 * The debug adapter as a program of its own: DAP over standard input and output, for any editor. The
 * machine runs in a thread of this process. It ends when the client leaves.
 */
import { nodeFiles } from './files-node.ts';
import { nodeScheduler } from './scheduler-node.ts';
import { GuestscopeSession } from './session.ts';
import { connectStreams } from './transport.ts';
import { machineWorker, startThread } from './worker-node.ts';

function leave(): void {
  session.dispose();
  // What was written is flushed first; then nothing may keep the process.
  process.stdout.end(() => process.exit(0));
}

const session: GuestscopeSession = new GuestscopeSession({
  startWorker: () => startThread(machineWorker(import.meta.url)),
  files: nodeFiles,
  scheduler: nodeScheduler,
  clientReady: () => transport.ready(),
  disconnected: leave,
});
const transport = connectStreams(
  process.stdin,
  process.stdout,
  (message) => session.handleMessage(message),
  leave,
);
session.onDidSendMessage((message) => transport.send(message));
