/**
 * Follows the guest's files of symbols while a session runs: where a kernel is (image-finder.ts), which
 * modules it has loaded (linux/module-watch.ts), in which address space the guest is (address-spaces.ts),
 * and what has been read of large files (indexing.ts). When one of these changes, breakpoints that are set
 * by name or by source line are set anew, and the client hears of it.
 */
import type { Dispatcher } from '../dispatcher.ts';
import type { Guest } from '../guest.ts';
import { ImageFinder } from './image-finder.ts';
import { Indexing } from './indexing.ts';
import { setBreakpointsOfLaunch } from '../launch/launch-breakpoints.ts';
import type { HostStop } from '../machine/machine-channel.ts';
import { Rebinding } from './rebinding.ts';
import type { GuestscopeSession, SessionEnvironment } from '../session.ts';
import { symbolModule } from './symbol-modules.ts';
import type { SymbolModule } from '../symbols/symbol-module.ts';

/** Linux calls it when a module is in its place, before the module's own init function; since 3.7. */
const MODULE_IS_PLACED = 'do_init_module';

export class SymbolWatch {
  readonly rebinding = new Rebinding();
  private readonly session: GuestscopeSession;
  private readonly dispatcher: Dispatcher;
  private readonly environment: Pick<SessionEnvironment, 'scheduler' | 'indexStore'>;
  private images: ImageFinder | null = null;
  /** What reads the files in the background. */
  private indexing: Indexing | null = null;

  constructor(
    session: GuestscopeSession,
    dispatcher: Dispatcher,
    environment: Pick<SessionEnvironment, 'scheduler' | 'indexStore'>,
  ) {
    this.session = session;
    this.dispatcher = dispatcher;
    this.environment = environment;
  }

  /** Breakpoints wait for files that are still being read. */
  get isAwaited(): boolean {
    return this.indexing?.isUnderWay === true && this.rebinding.isIncomplete;
  }

  /** A guest has its machine, and its files. */
  async begin(guest: Guest): Promise<void> {
    this.images = new ImageFinder(guest, guest.files.images);
    await this.images.arm();
    await this.awaitModules(guest);
  }

  /** Nothing is read any more. */
  stop(): void {
    this.indexing?.stop();
  }

  /** A stop of the adapter's own: what has changed is known, and the guest is to go on. */
  async isOwnStop(reason: HostStop): Promise<boolean> {
    const { breakpoints } = this.session.guest;
    if (!('ids' in reason)) return false;
    const isOfImage = breakpoints.hitsOwn('image', reason.ids);
    const isOfModule = breakpoints.hitsOwn('module', reason.ids);
    if (isOfImage) await this.lookForImages();
    if (isOfModule) await this.lookForModules();
    return (isOfImage || isOfModule) && breakpoints.hit(reason.ids).ids.length === 0;
  }

  /** The kernel is in its place: what is set by name follows it. */
  async lookForImages(): Promise<void> {
    const moved = await this.images?.look();
    if (moved === undefined || moved.length === 0) return;
    for (const sentence of moved) this.print('console', sentence);
    await this.rebind();
  }

  /** What the kernel has loaded or unloaded since the last stop. */
  async lookForModules(): Promise<void> {
    const changes = await this.session.guest.modules.look();
    for (const body of changes) this.session.event('module', body);
    if (changes.some(({ reason }) => reason === 'changed')) await this.rebind();
  }

  /** Which programs' files count where the guest is stopped. */
  async lookForSpaces(): Promise<void> {
    const { guest } = this.session;
    const { changed, problems } = await guest.spaces.look();
    for (const sentence of problems) this.print('important', sentence);
    for (const module of changed)
      this.session.event('module', {
        reason: 'changed',
        module: symbolModule(guest.files, module),
      });
  }

  /** What is set by name or by source line follows what is known of the files of symbols. */
  private async rebind(): Promise<void> {
    const { guest } = this.session;
    guest.breakpoints.rebinding = true;
    try {
      await setBreakpointsOfLaunch(guest);
      for (const breakpoint of await this.rebinding.repeat())
        this.session.event('breakpoint', { reason: 'changed', breakpoint });
    } finally {
      guest.breakpoints.rebinding = false;
    }
    await this.awaitModules(guest);
  }

  /** While a file of a module is not in its place, waits for modules to be loaded. */
  private async awaitModules({ files, symbols, breakpoints, machine }: Guest): Promise<void> {
    const isWanted = files.images.some(({ isObject, isPlaced }) => isObject && !isPlaced);
    const [place] = isWanted ? symbols.placesOf(MODULE_IS_PLACED) : [];
    const wanted =
      place === undefined
        ? []
        : [{ addresses: [place.address], condition: undefined, hitCondition: undefined, log: undefined }]; // prettier-ignore
    await breakpoints.setInstructions(machine, 'module', wanted);
  }

  /** Reads in the background what a launch did not wait for. @param released when all is read */
  readOn(released: () => Promise<void>): void {
    const { files } = this.session.guest;
    const { scheduler, indexStore } = this.environment;
    const { progress, finished } = this.dispatcher.background();
    const indexing = new Indexing(files, scheduler, progress, indexStore ?? null);
    this.indexing = indexing;
    const whileWanted = (job: () => Promise<void>): void =>
      this.dispatcher.enqueue(async () => {
        if (this.session.hasGuest && this.indexing === indexing) await job();
      });
    void indexing
      .run((module) => whileWanted(() => this.indexed(module)))
      .then(finished)
      .then(() => whileWanted(released));
  }

  /** A file's debugging information is there, or cannot be had. */
  private async indexed(module: SymbolModule): Promise<void> {
    const { guest, abilities, state } = this.session;
    if (module.problem !== null)
      this.print('important', `${module.path}: ${module.problem.replace(/\.$/, '')}.`);
    await this.rebind();
    this.session.event('module', { reason: 'changed', module: symbolModule(guest.files, module) });
    if (state === 'stopped' && abilities.invalidated)
      this.session.event('invalidated', { areas: ['stacks', 'variables'] });
  }

  private print(category: 'console' | 'important', sentence: string): void {
    this.session.event('output', { category, output: `${sentence}\n` });
  }
}
