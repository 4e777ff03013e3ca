/**
 * Accesses to guest memory that are no instruction's: a device moves data by DMA, the hypervisor writes a
 * structure that it shares with the guest. Where they meet a debugger's breakpoints on data
 * (cpu/watchpoints.ts) the guest stops at the next boundary between two instructions, since none of them
 * is to blame. Page walks, which set accessed and dirty bits, are not among them.
 */
import type { Cpu } from './cpu/cpu.ts';
import type { Watchpoint, WatchHit } from './cpu/watchpoints.ts';
import { linear } from './memory/address.ts';
import type { Outsider } from './memory/outsider.ts';

/** Hits that are kept until they are taken. */
const MOST_HITS = 16;

export class OutsideAccesses {
  readonly #cpu: () => Cpu;
  #all: readonly Watchpoint[] = [];
  #hits: WatchHit[] = [];

  /** @param cpu the processor whose turn it is: by its page tables linear addresses are looked up. */
  constructor(cpu: () => Cpu) {
    this.#cpu = cpu;
  }

  /** Replaces all. */
  set(watchpoints: readonly Watchpoint[]): void {
    this.#all = watchpoints;
    this.#hits = [];
  }

  get hasHits(): boolean {
    return this.#hits.length > 0;
  }
  take(): readonly WatchHit[] {
    const hits = this.#hits;
    this.#hits = [];
    return hits;
  }

  /** Guest-physical memory is accessed, or was just now. */
  accessed(by: Outsider, physical: number, size: number, write: boolean): void {
    if (this.#all.length === 0) return;
    const cpu = this.#cpu();
    const indexes = this.#all.flatMap(({ access, ...range }, index) => {
      const wanted = access === 'readWrite' || (access === 'write') === write;
      return wanted && meets(cpu, range, physical, size) ? [index] : [];
    });
    if (indexes.length === 0 || this.#hits.length >= MOST_HITS) return;
    const instruction = cpu.linearEip;
    this.#hits.push({ indexes, linear: physical, size, write, instruction, by });
    cpu.requestLeave();
  }
}

function meets(
  cpu: Cpu,
  { space, address, length }: Omit<Watchpoint, 'access'>,
  physical: number,
  size: number,
): boolean {
  const overlaps = (from: number, bytes: number): boolean =>
    from < physical + size && physical < from + bytes;
  if (space === 'physical') return overlaps(address, length);
  const end = address + length;
  for (let at = address; at < end; at = at - (at % 4096) + 4096) {
    const piece = Math.min(end, at - (at % 4096) + 4096) - at;
    const found = cpu.memory.peek(linear(at));
    if (found !== null && overlaps(found, piece)) return true;
  }
  return false;
}
