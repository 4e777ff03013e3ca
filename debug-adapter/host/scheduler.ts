/**
 * Time as the adapter and the machine's worker need it. The host gives it (Node, a browser's worker, a
 * test), since this folder knows neither. It only paces and times out: nothing of the guest depends on it.
 */
export interface Scheduler {
  /** Milliseconds from some fixed point, never going back. */
  now(): number;
  /** Calls back once after at least so many milliseconds. The returned function cancels. */
  after(milliseconds: number, callback: () => void): () => void;
  /** Calls back as soon as the messages that have already arrived were handled. */
  yield(callback: () => void): void;
}
