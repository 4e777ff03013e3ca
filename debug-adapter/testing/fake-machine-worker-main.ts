/** A worker thread with the fake machine, for tests of threads. */
import { serveThread } from '../worker-node.ts';
import { FakeMachine } from './fake-machine.ts';

serveThread((configuration) => new FakeMachine(configuration));
