/** The worker thread in which the guest runs: the real machine behind the messages of machine-channel.ts. */
import { createMachine } from '../emulator/debugger/debugger.ts';
import { serveThread } from './worker-node.ts';

serveThread(createMachine);
