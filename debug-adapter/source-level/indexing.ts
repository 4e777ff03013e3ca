/**
 * Reads the debugging information of large files in the background, in slices short enough that requests
 * are answered in between, with a progress that the client can cancel: what was not read by then stays
 * unread. What has been read before is taken from where it was kept.
 */
import type { Progress, Work } from '../progress.ts';
import type { Scheduler } from '../host/scheduler.ts';
import { inSlices } from '../host/slices.ts';
import { readIndex, writeIndex } from '../symbols/index-format.ts';
import { type IndexStore, storeKey } from '../symbols/index-store.ts';
import type { GuestSymbols } from '../symbols/symbol-files.ts';
import type { SymbolModule } from '../symbols/symbol-module.ts';

const CANCELLED = 'Reading its debugging information was cancelled; restart the session to read it';

export class Indexing {
  private readonly files: GuestSymbols;
  private readonly scheduler: Scheduler;
  private readonly progress: Progress;
  private readonly store: IndexStore | null;
  /** The client's cancel ends the reading for good; the end of the session only stops it. */
  private stopped = false;

  constructor(
    files: GuestSymbols,
    scheduler: Scheduler,
    progress: Progress,
    store: IndexStore | null,
  ) {
    this.files = files;
    this.scheduler = scheduler;
    this.progress = progress;
    this.store = store;
  }

  /** Some file is still being read. */
  get isUnderWay(): boolean {
    return !this.stopped && this.files.waiting.length > 0;
  }

  /** Reads one file after the other. @param done hears of each, read or not */
  async run(done: (module: SymbolModule) => void): Promise<void> {
    for (const module of this.files.waiting) {
      if (!(await this.recalled(module)))
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

  /** The index of the file was kept. */
  private async recalled(module: SymbolModule): Promise<boolean> {
    const key = storeKey(module);
    const bytes = key === null ? null : ((await this.store?.read(key)) ?? null);
    const data = bytes && readIndex(bytes);
    if (data === null) return false;
    module.use(data);
    return true;
  }

  private async keep(module: SymbolModule): Promise<void> {
    const key = storeKey(module);
    if (key !== null && module.index !== null && this.store !== null)
      await this.store.write(key, writeIndex(module.index.data));
  }

  private async read(module: SymbolModule, work: Work): Promise<void> {
    work.report(0);
    if (this.progress.isCancelled) return;
    await inSlices(this.scheduler, module.indexing(), (part) => {
      work.report(part);
      return !this.progress.isCancelled;
    });
    if (!module.isWaiting) await this.keep(module);
  }
}
