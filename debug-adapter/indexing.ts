/**
 * Reads the debugging information of large files in the background, in slices short enough that requests
 * are answered in between, with a progress that the client can cancel: what was not read by then stays
 * unread.
 */
import type { Progress, Work } from './progress.ts';
import type { Scheduler } from './scheduler.ts';
import type { GuestSymbols } from './symbols/symbol-files.ts';
import type { SymbolModule } from './symbols/symbol-module.ts';

/** Milliseconds of work between two looks at what has come in. */
const SLICE = 4;
const CANCELLED = 'Reading its debugging information was cancelled; restart the session to read it';

export class Indexing {
  private readonly files: GuestSymbols;
  private readonly scheduler: Scheduler;
  private readonly progress: Progress;
  /** The client's cancel ends the reading for good; the end of the session only stops it. */
  private stopped = false;

  constructor(files: GuestSymbols, scheduler: Scheduler, progress: Progress) {
    this.files = files;
    this.scheduler = scheduler;
    this.progress = progress;
  }

  /** Some file is still being read. */
  get isUnderWay(): boolean {
    return !this.stopped && this.files.waiting.length > 0;
  }

  /** Reads one file after the other. @param done hears of each, read or not */
  async run(done: (module: SymbolModule) => void): Promise<void> {
    for (const module of this.files.waiting) {
      await this.progress.during(`Reading ${module.name}`, (work) => this.read(module, work));
      if (this.stopped) return;
      if (module.isWaiting) module.problem = CANCELLED;
      done(module);
    }
  }

  /** The files are read by somebody else from now on, or by nobody. */
  stop(): void {
    this.stopped = true;
    this.progress.cancel();
  }

  private async read(module: SymbolModule, work: Work): Promise<void> {
    const steps = module.indexing();
    work.report(0);
    while (!this.progress.isCancelled) {
      const end = this.scheduler.now() + SLICE;
      let step = steps.next();
      while (step.done !== true && this.scheduler.now() < end) step = steps.next();
      if (step.done === true) return;
      work.report(step.value);
      await new Promise<void>((resolve) => this.scheduler.yield(resolve));
    }
  }
}
