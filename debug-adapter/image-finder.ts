/**
 * Finds out where the guest's files of symbols are while the guest boots. A kernel is in its place when it
 * switches paging on, so an event breakpoint of the adapter's own waits for that; the guest goes on
 * at once, and whatever was set by name or by source line is set anew if something had moved.
 */
import { bytesText } from '../emulator/formats/format-error.ts';
import { wantedEvent } from './event-tree.ts';
import type { Guest } from './guest.ts';
import type { GuestImage } from './symbols/guest-image.ts';

/** Switches of paging that are looked at: firmware and boot loaders may switch it too. */
const MOST_LOOKS = 16;
/** Which change of paging a kernel is waited for at. */
const SWITCHED_ON = { condition: 'event.to != off' };

export class ImageFinder {
  private readonly guest: Guest;
  readonly images: readonly GuestImage[];
  private looks = 0;

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

  /** Paging was switched on: looks. Gives a sentence for each file that turned out to have moved. */
  async look(): Promise<readonly string[]> {
    const { guest } = this;
    const moved: string[] = [];
    this.looks++;
    for (const image of this.images) {
      const before = image.slide;
      if (!image.isWanted || !(await image.find(guest.machine, guest.configuration.machine.memory)))
        continue;
      if (image.slide !== before) moved.push(sentence(image));
    }
    if (this.isDone) await this.arm();
    return moved;
  }

  private get isDone(): boolean {
    return this.looks >= MOST_LOOKS || !this.images.some(({ isWanted }) => isWanted);
  }
}

function sentence({ name, slide }: GuestImage): string {
  const where = slide < 0 ? 'below' : 'above';
  return `${name} runs ${bytesText(Math.abs(slide))} (0x${Math.abs(slide).toString(16)}) ${where} where it was linked; symbols and breakpoints follow it.`;
}
