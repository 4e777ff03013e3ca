/**
 * Instructions that a guest patches again and again, such as a boot loader that writes an interrupt's
 * number and its registers into the code that calls the BIOS. Each patch would drop the translated blocks
 * of a whole page. Once some bytes have been patched often, the instructions around them are executed
 * apart, decoded anew each time, until they have run often without a change. Only speed depends on it.
 */
import { PAGE_SIZE } from '../../memory/address.ts';

/** Patches of a byte after which it is kept out of blocks. */
const OFTEN = 8;
/** Executions without a patch after which the page is translated as others are. */
const QUIET = 1000;
/** Pages remembered; then all are forgotten. */
const MOST_PAGES = 64;
const LONGEST_INSTRUCTION = 15;

interface PatchedPage {
  /** Patches of each byte, up to OFTEN. */
  readonly counts: Uint8Array;
  /** There are bytes with OFTEN patches. */
  patched: boolean;
  /** Executions since the last patch. */
  quiet: number;
}

export class PatchedCode {
  readonly #pages = new Map<number, PatchedPage>();

  /** `size` bytes within one page, that a block was translated from, are about to change. */
  note(physical: number, size: number): void {
    const number = physical >>> 12;
    let page = this.#pages.get(number);
    if (page === undefined) {
      if (this.#pages.size >= MOST_PAGES) this.#pages.clear();
      page = { counts: new Uint8Array(PAGE_SIZE), patched: false, quiet: 0 };
      this.#pages.set(number, page);
    }
    const first = physical & 0xfff;
    for (let at = first; at < first + size; at++) {
      if (page.counts[at] < OFTEN) page.counts[at]++;
      if (page.counts[at] >= OFTEN) page.patched = true;
    }
  }
  /** Bytes of a page that has code change. */
  changed(physical: number): void {
    const page = this.#pages.get(physical >>> 12);
    if (page !== undefined) page.quiet = 0;
  }

  /** An instruction that begins here may have bytes that are patched often. */
  isApart(physical: number): boolean {
    const page = this.#pages.get(physical >>> 12);
    if (page?.patched !== true) return false;
    const first = physical & 0xfff;
    const end = Math.min(first + LONGEST_INSTRUCTION, PAGE_SIZE);
    for (let at = first; at < end; at++) if (page.counts[at] >= OFTEN) return true;
    return false;
  }
  /** isApart(), for an instruction that is about to be executed. */
  executesApart(physical: number): boolean {
    if (!this.isApart(physical)) return false;
    const page = this.#pages.get(physical >>> 12);
    if (page === undefined || ++page.quiet <= QUIET) return true;
    this.#pages.delete(physical >>> 12);
    return false;
  }
  clear(): void {
    this.#pages.clear();
  }
}
