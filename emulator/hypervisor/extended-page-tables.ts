/**
 * The extended page tables that the hypervisor keeps (SDM vol. 3, 29.3.2): four levels from a
 * guest-physical address to memory, in memory of its own. RAM is mapped as it lies, with all rights; what
 * is not RAM is absent (EPT violation) until the hypervisor marks it, as KVM does, by an entry that may be
 * written but not read, which is a misconfiguration (29.3.3.1) and tells the next exit that this is a device.
 *
 * Only accesses outside RAM are walked: RAM keeps all its rights, and accessed and dirty flags for EPT
 * (29.3.5) are not enabled.
 */

/** What a walk comes to. */
export type EptOutcome = 'present' | 'violation' | 'misconfiguration';

const READ = 1 << 0;
const WRITE = 1 << 1;
const EXECUTE = 1 << 2;
const RIGHTS = READ | WRITE | EXECUTE;
/** Bits 5:3, memory type of a page: write-back. */
const WRITE_BACK = 6 << 3;
const LARGE_PAGE = 1 << 7;
const PAGE_SHIFT = 12;
const LARGE_SHIFT = 21;
/** Index bits of a level, 4 to 1. */
const indexOf = (address: number, level: number): number =>
  Math.floor(address / 2 ** (PAGE_SHIFT + 9 * (level - 1))) & 511;

/** Where RAM ends, and the hole in it: video memory and option ROMs. */
const HOLE = { first: 0xa0000, end: 0x100000 } as const;

export class ExtendedPageTables {
  /** By their number, which is their host-physical page: 512 entries, low halves (tables lie below 4 GiB). */
  readonly #tables: Uint32Array[] = [new Uint32Array(512)];

  constructor(ramBytes: number) {
    for (let at = 0; at < ramBytes;) {
      const large = at >= 2 ** LARGE_SHIFT && at + 2 ** LARGE_SHIFT <= ramBytes;
      const isHole = at >= HOLE.first && at < HOLE.end;
      if (large) this.#set(at, 2, (at | RIGHTS | WRITE_BACK | LARGE_PAGE) >>> 0);
      else if (!isHole) this.#set(at, 1, (at | RIGHTS | WRITE_BACK) >>> 0);
      at += 2 ** (large ? LARGE_SHIFT : PAGE_SHIFT);
    }
  }

  /** 29.3.2: an entry with bits 2:0 clear is absent; one that allows writes but not reads is misconfigured. */
  walk(address: number): EptOutcome {
    let table = 0;
    for (let level = 4; level >= 1; level--) {
      const entry = this.#tables[table][indexOf(address, level)];
      if ((entry & RIGHTS) === 0) return 'violation';
      if ((entry & (READ | WRITE)) === WRITE) return 'misconfiguration';
      if (level === 1 || (level === 2 && (entry & LARGE_PAGE) !== 0)) return 'present';
      table = entry >>> PAGE_SHIFT;
    }
    return 'present';
  }

  /** The page around the address is a device's: bits 2:0 are 110b. */
  markDevice(address: number): void {
    this.#set(address, 1, WRITE | EXECUTE);
  }

  /** Sets an entry of a level, with the tables above it. */
  #set(address: number, level: number, entry: number): void {
    let table = 0;
    for (let above = 4; above > level; above--) {
      const index = indexOf(address, above);
      const next = this.#tables[table][index];
      if ((next & RIGHTS) !== 0) {
        table = next >>> PAGE_SHIFT;
        continue;
      }
      const added = this.#tables.push(new Uint32Array(512)) - 1;
      this.#tables[table][index] = ((added << PAGE_SHIFT) | RIGHTS) >>> 0;
      table = added;
    }
    this.#tables[table][indexOf(address, level)] = entry;
  }
}
