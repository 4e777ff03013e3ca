/**
 * The host's own memory behind the guest's: where it is short, a guest page need not be in it. On this
 * machine all of guest RAM always is; so that guests can be tried with what a short host does to them,
 * launch.json may ask for it. Then every page that the loader has left empty is taken from the host at its
 * first touch, and a page beyond what the host can spare takes the place of the one that came in first.
 * To touch a page that is not in leaves the guest as an EPT violation, as under KVM. One that was in
 * before must be read from the host's disk, which takes a fixed time; of those that are touched for the
 * first time, so that a guest need not be large, each so-and-so-many-th can be treated the same way.
 *
 * The processor's own reads of paging structures, and the host's reads, do not count as touches.
 */
import { PAGE_SIZE } from '../memory/address.ts';
import { type MemoryMap, PAGE_FLAG } from '../memory/memory-map.ts';

export interface HostPagingOptions {
  /** Each so-and-so-many-th first touch of a page finds it paged out; 0: none. */
  readonly every: number;
  /** Virtual time, ns, until a page has come in from disk. */
  readonly delay: number;
  /** Bytes of guest RAM that the host can spare; Infinity: all of it. */
  readonly resident: number;
}

/** The least that makes sense: no instruction touches so many pages. */
export const LEAST_RESIDENT = 1 << 20;

export interface HostPagingHost {
  /** Virtual time, ns. */
  now(): number;
  /** Nothing may reach these pages any more without looking at their flags. */
  pagesGone(pages: readonly number[]): void;
}

/** A page on its way in. */
interface Incoming {
  /** Virtual time, ns. */
  readonly arrival: number;
  /** Numbers of vCPUs that are halted until then. */
  readonly halted: ReadonlySet<number>;
}

/** Pages that go out at a time. */
const BATCH = 32;

export class HostPaging {
  readonly #flags: Uint8Array;
  readonly #options: HostPagingOptions;
  readonly #host: HostPagingHost;
  /** By page number, in the order of arrival: all take the same time. */
  readonly #incoming = new Map<number, Incoming>();
  /** In the order in which they came in. */
  readonly #resident = new Set<number>();
  readonly #wasIn: Uint8Array;
  #touches = 0;

  /**
   * @param flags what PAGE_FLAG says of each page of guest RAM; pages with other flags stay in
   * @param isEmpty whether a page holds nothing that the loader has put there
   */
  constructor(
    flags: Uint8Array,
    options: HostPagingOptions,
    host: HostPagingHost,
    isEmpty: (page: number) => boolean,
  ) {
    this.#flags = flags;
    this.#options = options;
    this.#host = host;
    this.#wasIn = new Uint8Array(flags.length);
    flags.forEach((flag, page) => {
      if (flag !== 0) return;
      if (isEmpty(page)) flags[page] = PAGE_FLAG.ABSENT;
      else this.#comeIn(page);
    });
  }

  isOut(address: number): boolean {
    const page = Math.floor(address / PAGE_SIZE);
    return page < this.#flags.length && (this.#flags[page] & PAGE_FLAG.ABSENT) !== 0;
  }

  /**
   * The page around an address, which is out, is wanted.
   * @returns when it arrives, ns, or null when it is in at once
   */
  request(address: number): number | null {
    const page = Math.floor(address / PAGE_SIZE);
    const underWay = this.#incoming.get(page);
    if (underWay !== undefined) return underWay.arrival;
    if (!this.#isOnDisk(page)) {
      this.#comeIn(page);
      return null;
    }
    const arrival = this.#host.now() + this.#options.delay;
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
    const now = this.#host.now();
    if (this.nextDeadline() > now) return [];
    const pages = [...this.#incoming].filter(([, { arrival }]) => arrival <= now);
    return pages.map(([page, { halted }]) => {
      this.#incoming.delete(page);
      this.#comeIn(page);
      return { page, wakes: halted };
    });
  }

  #isOnDisk(page: number): boolean {
    if (this.#wasIn[page] !== 0) return true;
    const { every } = this.#options;
    return every > 0 && ++this.#touches % every === 0;
  }

  #comeIn(page: number): void {
    this.#flags[page] &= ~PAGE_FLAG.ABSENT;
    this.#wasIn[page] = 1;
    this.#resident.add(page);
    if (this.#resident.size * PAGE_SIZE > this.#options.resident) this.#goOut();
  }

  /** Those that came in first; one of which something else is known than its code stays. */
  #goOut(): void {
    const gone: number[] = [];
    for (const page of this.#resident) {
      if (gone.length === BATCH) break;
      this.#resident.delete(page);
      if ((this.#flags[page] & ~PAGE_FLAG.CODE) !== 0) continue;
      this.#flags[page] |= PAGE_FLAG.ABSENT;
      gone.push(page);
    }
    this.#host.pagesGone(gone);
  }
}

/** @param buffer of the machine's memory, in which the loader has put the guest */
export function hostPaging(
  buffer: ArrayBufferLike,
  map: MemoryMap,
  options: HostPagingOptions,
  host: HostPagingHost,
): HostPaging {
  const flags = new Uint8Array(buffer, map.pageFlags, map.ramSize / PAGE_SIZE);
  const ram = new Uint32Array(buffer, map.ram, map.ramSize / 4);
  const words = PAGE_SIZE / 4;
  const isEmpty = (page: number): boolean =>
    ram.subarray(page * words, (page + 1) * words).every((word) => word === 0);
  return new HostPaging(flags, options, host, isEmpty);
}
