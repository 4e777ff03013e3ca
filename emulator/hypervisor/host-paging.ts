/**
 * The host's own memory behind the guest's: where it is short, a guest page need not be in it. On the
 * machine all of guest RAM always is; so that guests can be tried with what a short host does to them,
 * launch.json may ask for it: every page that the loader has left empty is then taken from the host at its
 * first touch, which leaves the guest as an EPT violation, as under KVM. Mostly the page is there at
 * once; each so-and-so-many-th must first be read from the host's disk, which takes a fixed time. No page
 * goes out again, and the processor's own reads of paging structures do not count as touches.
 */
import { PAGE_SIZE } from '../memory/address.ts';
import { type MemoryMap, PAGE_FLAG } from '../memory/memory-map.ts';

export interface HostPagingOptions {
  /** Each so-and-so-many-th first touch of a page finds it paged out. */
  readonly every: number;
  /** Virtual time, ns, until such a page has come in. */
  readonly delay: number;
}

/** A page on its way in. */
interface Incoming {
  /** Virtual time, ns. */
  readonly arrival: number;
  /** Numbers of vCPUs that are halted until then. */
  readonly halted: ReadonlySet<number>;
}

export class HostPaging {
  readonly #flags: Uint8Array;
  readonly #options: HostPagingOptions;
  readonly #now: () => number;
  /** By page number, in the order of arrival: all take the same time. */
  readonly #incoming = new Map<number, Incoming>();
  #touches = 0;

  /**
   * @param flags what PAGE_FLAG says of each page of guest RAM; pages with other flags stay in
   * @param isEmpty whether a page holds nothing that the loader has put there
   */
  constructor(
    flags: Uint8Array,
    options: HostPagingOptions,
    now: () => number,
    isEmpty: (page: number) => boolean,
  ) {
    this.#flags = flags;
    this.#options = options;
    this.#now = now;
    flags.forEach((flag, page) => {
      if (flag === 0 && isEmpty(page)) flags[page] = PAGE_FLAG.ABSENT;
    });
  }

  isOut(address: number): boolean {
    const page = Math.floor(address / PAGE_SIZE);
    return page < this.#flags.length && (this.#flags[page] & PAGE_FLAG.ABSENT) !== 0;
  }

  /**
   * The page around an address is wanted.
   * @returns when it arrives, ns, or null when it is in at once
   */
  request(address: number): number | null {
    const page = Math.floor(address / PAGE_SIZE);
    const underWay = this.#incoming.get(page);
    if (underWay !== undefined) return underWay.arrival;
    if (++this.#touches % this.#options.every !== 0) {
      this.#flags[page] &= ~PAGE_FLAG.ABSENT;
      return null;
    }
    const arrival = this.#now() + this.#options.delay;
    this.#incoming.set(page, { arrival, halted: new Set() });
    return arrival;
  }

  /** The vCPU of this number sleeps until the requested page has arrived. */
  halted(address: number, vcpu: number): void {
    const page = Math.floor(address / PAGE_SIZE);
    const incoming = this.#incoming.get(page);
    if (incoming === undefined) throw new Error(`Page ${String(page)} is not under way`);
    this.#incoming.set(page, { ...incoming, halted: new Set([...incoming.halted, vcpu]) });
  }

  /** ns, or Infinity. */
  nextDeadline(): number {
    for (const { arrival } of this.#incoming.values()) return arrival;
    return Infinity;
  }

  /** Pages that have arrived by now, each with the vCPUs that it wakes. */
  arrived(): readonly { readonly page: number; readonly wakes: ReadonlySet<number> }[] {
    const now = this.#now();
    const pages = [...this.#incoming].filter(([, { arrival }]) => arrival <= now);
    return pages.map(([page, { halted }]) => {
      this.#incoming.delete(page);
      this.#flags[page] &= ~PAGE_FLAG.ABSENT;
      return { page, wakes: halted };
    });
  }
}

/** @param buffer of the machine's memory, in which the loader has put the guest */
export function hostPaging(
  buffer: ArrayBufferLike,
  map: MemoryMap,
  options: HostPagingOptions,
  now: () => number,
): HostPaging {
  const flags = new Uint8Array(buffer, map.pageFlags, map.ramSize / PAGE_SIZE);
  const ram = new Uint32Array(buffer, map.ram, map.ramSize / 4);
  const words = PAGE_SIZE / 4;
  const isEmpty = (page: number): boolean =>
    ram.subarray(page * words, (page + 1) * words).every((word) => word === 0);
  return new HostPaging(flags, options, now, isEmpty);
}
