/**
 * Work of a request that can take long: reading symbol files, building a machine, searching memory. A
 * client that shows progress is told how far it is, and `cancel` takes it back, by the request or by the
 * progress. The work itself looks between two pieces whether it is still wanted.
 */
import { failure } from './errors.ts';

type Tell = (event: 'progressStart' | 'progressUpdate' | 'progressEnd', body: object) => void;

/** One piece of work, begun and ended by Progress.during(). */
export interface Work {
  /** @param part of the whole that is done, 0 to 1. Told only when its percentage has changed. */
  report(part: number, message?: string): void;
}

export class Progress {
  private readonly request: number | null;
  private readonly tell: Tell;
  private readonly nextId: () => string;
  private readonly ids = new Set<string>();
  private cancelled = false;

  /**
   * @param request number of the request that it is for, null for work in the background
   * @param nextId gives an id that no other progress of the session has
   */
  constructor(request: number | null, tell: Tell, nextId: () => string) {
    this.request = request;
    this.tell = tell;
    this.nextId = nextId;
  }

  get isCancelled(): boolean {
    return this.cancelled;
  }

  /** The work is no longer wanted. */
  cancel(): void {
    this.cancelled = true;
  }

  /** Whether the id belongs to work that is under way. */
  has(id: string): boolean {
    return this.ids.has(id);
  }

  /** Throws the error "cancelled" when the work is no longer wanted. */
  check(): void {
    if (this.cancelled) throw failure('cancelled', {});
  }

  /**
   * Does the work; the client hears of its start with the first report, and of its end however it ends.
   * What is done before there was anything to report is not worth a word.
   */
  async during<Result>(title: string, work: (report: Work) => Promise<Result>): Promise<Result> {
    const events = new ProgressEvents(title, this.request, this.tell, () => {
      const id = this.nextId();
      this.ids.add(id);
      return id;
    });
    try {
      return await work(events);
    } finally {
      if (events.id !== null) this.ids.delete(events.id);
      events.end();
    }
  }
}

class ProgressEvents implements Work {
  /** Null until there was something to tell. */
  id: string | null = null;
  private readonly title: string;
  private readonly requestId: number | null;
  private readonly tell: Tell;
  private readonly newId: () => string;
  private told = 0;

  constructor(title: string, requestId: number | null, tell: Tell, newId: () => string) {
    this.title = title;
    this.requestId = requestId;
    this.tell = tell;
    this.newId = newId;
  }

  report(part: number, message?: string): void {
    const { title, told } = this;
    const request = this.requestId === null ? {} : { requestId: this.requestId };
    const percentage = Math.floor(Math.min(Math.max(part, 0), 1) * 100);
    const how = { ...(message !== undefined && { message }), percentage };
    this.told = percentage;
    if (this.id === null) {
      const progressId = (this.id = this.newId());
      this.tell('progressStart', { progressId, title, ...request, cancellable: true, ...how });
    } else if (percentage !== told || message !== undefined)
      this.tell('progressUpdate', { progressId: this.id, ...how });
  }

  end(): void {
    if (this.id !== null) this.tell('progressEnd', { progressId: this.id });
  }
}
