/**
 * The tables and texts that a loader leaves for its kernel, one behind the other in one block: the
 * kernel's boot protocol says what they contain and how they point at each other, not where they lie. The
 * boot GDT follows the block.
 */
import type { GuestRam, LoadContext, LoadedRange } from './loader.ts';
import { GuestImageError } from './loader.ts';
import type { Extent } from './placement.ts';
import { alignUp, findRoom } from './placement.ts';
import { bootGdt } from './processor-state.ts';

/** Page 0 has the vectors and the BIOS data area. */
const LOWEST = 0x1000;
const PAGE = 0x1000;
const ALIGNMENT = 16;

export class InformationBlock {
  readonly name: string;
  readonly #parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  #size = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Offset of `bytes` in the block, a multiple of 16. They may still be changed until write(). */
  add(bytes: Uint8Array): number {
    const offset = alignUp(this.#size, ALIGNMENT);
    this.#parts.push({ offset, bytes });
    this.#size = offset + bytes.length;
    return offset;
  }

  /** The lowest pages that are RAM and not in `taken`. Throws GuestImageError where there are none. */
  place(context: LoadContext, taken: readonly Extent[]): LoadedRange {
    const size = alignUp(this.#size, ALIGNMENT);
    const address = findRoom(context.memoryMap, taken, {
      size: size + bootGdt(0).size,
      alignment: PAGE,
      from: LOWEST,
      to: 0xffffffff,
      prefer: 'lowest',
    });
    if (address === null) {
      throw new GuestImageError(
        'machine.memory',
        `Beside the kernel there is no room for the ${size} bytes of ${this.name}: give the machine more memory or shorten the command lines.`,
      );
    }
    return { name: this.name, address, size };
  }

  write(ram: GuestRam, { address }: LoadedRange): void {
    for (const { offset, bytes } of this.#parts) ram.write(address + offset, bytes);
  }
}
