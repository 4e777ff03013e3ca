/**
 * Finds out where the guest's files of symbols are while the guest boots. A kernel is in its place when it
 * switches paging on, so an event breakpoint of the adapter's own waits for that; the guest goes on
 * at once, and whatever was set by name or by source line is set anew if something had moved.
 */
import { bytesText } from '../../emulator/formats/format-error.ts';
import { wantedEvent } from '../exits/event-tree.ts';
import type { Guest } from '../guest.ts';
import type { GuestImage } from '../symbols/guest-image.ts';

/** Switches of paging that are looked at: firmware and boot loaders may switch it too. */
const MOST_LOOKS = 16;
/** Which change of paging a kernel is waited for at. */
const SWITCHED_ON = { condition: 'event.to != off' };

export class ImageFinder {
  private readonly guest: Guest;
  readonly images: readonly GuestImage[];
  private looks = 0;
  /** Files of which was said that they are of another build. */
  private readonly foreign = new Set<GuestImage>();

  constructor(guest: Guest, images: readonly GuestImage[]) {
    this.guest = guest;
    this.images = images;
  }

  /** Waits for the kernel, if there is one to be found. */
  async arm(): Promise<void> {
    const { guest } = this;
    const wanted = this.isDone ? [] : [wantedEvent(guest, 'paging', SWITCHED_ON)];
    await guest.breakpoints.setEvents(guest.machine, 'image', wanted);
  }

  /**
   * Paging was switched on: looks. Gives a sentence for each file that turned out to have moved, or not to
   * be the running kernel's.
   */
  async look(): Promise<readonly string[]> {
    const { machine, configuration } = this.guest;
    const { memory } = configuration.machine;
    const told: string[] = [];
    this.looks++;
    for (const image of this.images) {
      if (!image.isWanted) continue;
      const before = image.slide;
      if (await image.find(machine, memory)) {
        if (image.slide !== before) told.push(sentence(image));
        continue;
      }
      const others = this.foreign.has(image) ? [] : await image.others(machine, memory);
      if (others.length === 0) continue;
      this.foreign.add(image);
      told.push(mismatch(image, others));
    }
    if (this.isDone) await this.arm();
    return told;
  }

  private get isDone(): boolean {
    return this.looks >= MOST_LOOKS || !this.images.some(({ isWanted }) => isWanted);
  }
}

function sentence({ name, slide }: GuestImage): string {
  const where = slide < 0 ? 'below' : 'above';
  return `${name} runs ${bytesText(Math.abs(slide))} (0x${Math.abs(slide).toString(16)}) ${where} where it was linked; symbols and breakpoints follow it.`;
}

function mismatch({ name, buildId }: GuestImage, others: readonly string[]): string {
  return `${name} is of another build than the guest's kernel (build ID ${buildId ?? ''} in the file, ${others.join(' and ')} in memory), so that its names, lines and types are wrong here; list the file that belongs to this kernel under "symbols".`;
}
