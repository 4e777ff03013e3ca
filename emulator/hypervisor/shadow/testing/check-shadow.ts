/**
 * For tests only: is a shadow what it must be? Every entry is derived again from the guest's tables in
 * memory, and both ways back are compared with the entries, whatever made them what they are. The TLBs
 * must remember nothing that the shadow does not say.
 */
import { WALK_MODE } from '../../../cpu/paging.ts';
import { type MemoryMap, TLB_ENTRIES, TLB_USER, TLB_WRITE } from '../../../memory/memory-map.ts';
import { ENTRY, EXECUTE_DISABLE, frameOf, TABLE_ENTRIES } from '../shadow-entry.ts';
import type { ShadowMmu } from '../shadow-mmu.ts';
import { SHADOW_PAGES, type ShadowPage } from '../shadow-pool.ts';
import { RIGHT } from '../shadow-role.ts';

const PRESENT = 1;
const ACCESSED = 0x20;
const DIRTY = 0x40;

interface GuestEntry {
  readonly low: number;
  readonly high: number;
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

class Check {
  readonly problems: string[] = [];
  readonly #shadow: ShadowMmu;
  readonly #map: MemoryMap;
  readonly #i32: Int32Array;

  constructor(shadow: ShadowMmu, buffer: ArrayBufferLike, map: MemoryMap) {
    this.#shadow = shadow;
    this.#map = map;
    this.#i32 = new Int32Array(buffer);
  }

  run(): void {
    const { pool } = this.#shadow;
    if (pool.active.length + pool.freePages !== SHADOW_PAGES) this.#say('pages are lost');
    for (const page of pool.active) this.#table(page);
    this.#writers();
    this.#tlbs();
  }
  #say(problem: string): void {
    if (this.problems.length < 20) this.problems.push(problem);
  }

  #table(page: ShadowPage): void {
    const { pool } = this.#shadow;
    if (!page.about.direct && !pool.isShadowed(page.frame)) {
      this.#say(`${hex(page.frame)} is shadowed and not marked`);
    }
    if (pool.parents(page).some((slot) => pool.child(slot) !== page)) {
      this.#say(`table ${String(page.index)} has a parent that does not lead to it`);
    }
    for (let entry = 0; entry < TABLE_ENTRIES; entry++) {
      const slot = pool.slot(page, entry);
      if ((pool.low(slot) & ENTRY.PRESENT) === 0) continue;
      if (page.about.level === 2) this.#link(page, entry, slot);
      else this.#leaf(page, entry, slot);
    }
  }

  /** An entry of a guest's table in RAM, of 4 or 8 bytes. */
  #entry(frame: number, index: number, wide: boolean): GuestEntry {
    const at = (this.#map.ram >> 2) + frame * 1024 + index * (wide ? 2 : 1);
    return { low: this.#i32[at], high: wide ? this.#i32[at + 1] : 0 };
  }
  #link(page: ShadowPage, entry: number, slot: number): void {
    const { pool, tables } = this.#shadow;
    const child = pool.child(slot);
    if (!pool.parents(child).includes(slot)) this.#say(`link ${String(slot)} is no parent`);
    const { guestLevels, quadrant } = page.about;
    if (guestLevels === 0) return;
    const wide = guestLevels === 3;
    const guest = this.#entry(page.frame, wide ? entry : quadrant * 256 + (entry >> 1), wide);
    const where = `directory ${hex(page.frame)}, entry ${hex(entry)}`;
    if ((guest.low & PRESENT) === 0) this.#say(`${where}: the guest has none`);
    if ((guest.low & ACCESSED) === 0) this.#say(`${where}: not accessed`);
    const large = (guest.low & 0x80) !== 0 && (wide || tables.has(WALK_MODE.PSE));
    if (child.about.direct !== large) this.#say(`${where}: large page or not`);
    const rights = rightsOf(guest);
    const allowed = large && (guest.low & DIRTY) === 0 ? rights & ~RIGHT.WRITE : rights;
    if (child.about.rights !== allowed) this.#say(`${where}: rights ${String(child.about.rights)}`);
    if (!wide && child.about.quadrant !== (entry & 1)) this.#say(`${where}: quadrant`);
    const frame = large ? this.#firstFrame(guest, wide) : guest.low >>> 12;
    if (child.frame !== frame) this.#say(`${where}: leads to ${hex(child.frame)}`);
  }
  #firstFrame({ low, high }: GuestEntry, wide: boolean): number {
    if (wide) return ((low >>> 21) << 9) | ((high & 0xf) << 20);
    const above = this.#shadow.tables.has(WALK_MODE.PSE36) ? (low >>> 13) & 0xf : 0;
    return ((low >>> 22) << 10) | (above << 20);
  }

  #leaf(page: ShadowPage, entry: number, slot: number): void {
    const { pool } = this.#shadow;
    const [low, high] = [pool.low(slot), pool.high(slot)];
    const { guestLevels, quadrant, direct, rights: above } = page.about;
    const frame = frameOf(low, high);
    const where = `table ${hex(page.frame)}, role ${hex(page.role)}, entry ${hex(entry)}`;
    const writable = (low & ENTRY.WRITABLE) !== 0;
    if (writable && pool.isShadowed(frame)) this.#say(`${where}: a page table is writable`);
    if (writable !== pool.writers(frame).includes(slot)) this.#say(`${where}: way back`);
    if (direct) {
      if (frame !== page.frame + quadrant * TABLE_ENTRIES + entry) this.#say(`${where}: frame`);
      this.#rights(where, low, high, above);
      return;
    }
    const wide = guestLevels === 3;
    const guest = this.#entry(page.frame, quadrant * TABLE_ENTRIES + entry, wide);
    if ((guest.low & PRESENT) === 0) this.#say(`${where}: the guest has none`);
    if ((guest.low & ACCESSED) === 0) this.#say(`${where}: not accessed`);
    if (writable && (guest.low & DIRTY) === 0) this.#say(`${where}: not dirty`);
    if (frame !== ((guest.low >>> 12) | ((guest.high & 0xf) << 20))) this.#say(`${where}: frame`);
    this.#rights(where, low, high, above & rightsOf(guest));
  }
  #rights(where: string, low: number, high: number, allowed: number): void {
    const user = (low & ENTRY.USER) !== 0;
    const writable = (low & ENTRY.WRITABLE) !== 0;
    // with CR0.WP clear the supervisor may write to what nobody else may see meanwhile
    const supervisors = !user && !this.#shadow.tables.has(WALK_MODE.WP);
    if (user && (allowed & RIGHT.USER) === 0) this.#say(`${where}: user`);
    if (writable && (allowed & RIGHT.WRITE) === 0 && !supervisors) this.#say(`${where}: writable`);
    if ((high & EXECUTE_DISABLE) === 0 && (allowed & RIGHT.EXECUTE) === 0)
      this.#say(`${where}: execute`);
  }

  /** What may be written to is found from the page, and nothing else. */
  #writers(): void {
    const { pool } = this.#shadow;
    for (let frame = 0; frame < this.#map.ramSize / 4096; frame++) {
      for (const slot of pool.writers(frame)) {
        const isOne =
          (pool.low(slot) & 3) === 3 && frameOf(pool.low(slot), pool.high(slot)) === frame;
        if (!isOne) this.#say(`frame ${hex(frame)} has a writer that is none`);
      }
    }
  }

  #tlbs(): void {
    for (const write of [0, TLB_WRITE]) {
      for (const user of [0, TLB_USER]) {
        const from = (this.#map.tlb + write + user) >> 2;
        for (let at = from; at < from + TLB_ENTRIES * 2; at += 2) {
          const tag = this.#i32[at];
          if ((tag & 0xfff) !== 0) continue;
          const physical = (this.#i32[at + 1] + tag - this.#map.ram) >>> 0;
          this.#remembered(tag >>> 0, physical, write !== 0, user !== 0);
        }
      }
    }
  }
  #remembered(linear: number, physical: number, write: boolean, user: boolean): void {
    const { pool, roots } = this.#shadow;
    const where = `TLB of ${hex(linear)}`;
    const root = roots[linear >>> 30];
    const directory = root < 0 ? -1 : pool.slot(pool.at(root), (linear >>> 21) & 511);
    if (directory < 0 || (pool.low(directory) & ENTRY.PRESENT) === 0) {
      this.#say(`${where}: no table`);
      return;
    }
    const slot = pool.slot(pool.child(directory), (linear >>> 12) & 511);
    const low = pool.low(slot);
    if ((low & ENTRY.PRESENT) === 0) this.#say(`${where}: no entry`);
    if (frameOf(low, pool.high(slot)) !== physical >>> 12) this.#say(`${where}: frame`);
    if (write && (low & ENTRY.WRITABLE) === 0) this.#say(`${where}: write`);
    if (user && (low & ENTRY.USER) === 0) this.#say(`${where}: user`);
  }
}

function rightsOf({ low, high }: GuestEntry): number {
  return (
    ((low & 2) !== 0 ? RIGHT.WRITE : 0) |
    ((low & 4) !== 0 ? RIGHT.USER : 0) |
    ((high & EXECUTE_DISABLE) !== 0 ? 0 : RIGHT.EXECUTE)
  );
}

/** What is wrong with a shadow, at most twenty sentences; the A20 gate is open. */
export function shadowProblems(
  shadow: ShadowMmu,
  buffer: ArrayBufferLike,
  map: MemoryMap,
): readonly string[] {
  const check = new Check(shadow, buffer, map);
  check.run();
  return check.problems;
}
