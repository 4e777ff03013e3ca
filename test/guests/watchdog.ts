/**
 * Ends the process when a machine hangs. A test runner cannot take the processor away from a call that
 * does not return; a thread beside it can, and says so, so that a hang is a failed test and no hang.
 */
import { Worker } from 'node:worker_threads';

const LIMIT_MS = 120_000;

/** In the thread: looks once a second whether the call that began last is still the same. */
const PATROL = `
  const { workerData: { calls, limit } } = require('node:worker_threads');
  let seen = -1, since = 0;
  setInterval(() => {
    const now = Date.now();
    const call = Atomics.load(calls, 0);
    if (call !== seen || call % 2 === 0) { seen = call; since = now; return; }
    if (now - since < limit) return;
    require('node:fs').writeSync(2, 'The machine has not returned from run() for ' + limit / 1000 + ' s.\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000);
`;

export class Watchdog {
  /** Odd while a call runs. */
  readonly #calls = new Int32Array(new SharedArrayBuffer(4));

  constructor() {
    const workerData = { calls: this.#calls, limit: LIMIT_MS };
    new Worker(PATROL, { eval: true, workerData }).unref();
  }

  watch<T>(call: () => T): T {
    Atomics.add(this.#calls, 0, 1);
    try {
      return call();
    } finally {
      Atomics.add(this.#calls, 0, 1);
    }
  }
}
