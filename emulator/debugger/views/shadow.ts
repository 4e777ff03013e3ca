/**
 * The hypervisor's shadow of the guest's page tables (hypervisor/shadow/): its entries for one address,
 * which the page walk shows beside the guest's, and what it has done so far: page faults by cause, tables
 * in use and given up.
 */
import {
  ENTRY,
  EXECUTE_DISABLE,
  frameOf,
  TABLE_ENTRIES,
} from '../../hypervisor/shadow/shadow-entry.ts';
import { SHADOW_COUNTERS } from '../../hypervisor/shadow/shadow-counts.ts';
import type { ShadowMmu } from '../../hypervisor/shadow/shadow-mmu.ts';
import { SHADOW_PAGES } from '../../hypervisor/shadow/shadow-pool.ts';
import type { Machine } from '../../machine.ts';
import { bitNames, bitRows, type Bits, type Detail, hex } from './detail.ts';

// prettier-ignore
const LINK: readonly Bits[] = [
  { name: 'P',  low: 0, meaning: 'present' },
  { name: 'RW', low: 1, meaning: 'rights are those of the last level' },
  { name: 'US', low: 2, meaning: 'rights are those of the last level' },
  { name: 'A',  low: 5, meaning: 'always set' },
];
// prettier-ignore
const LEAF: readonly Bits[] = [
  { name: 'P',    low: 0, meaning: 'present' },
  { name: 'RW',   low: 1, meaning: '', values: ['a write leaves the guest with #PF', 'writable'] },
  { name: 'US',   low: 2, meaning: '', values: ['supervisor only', 'user too'] },
  { name: 'A',    low: 5, meaning: 'the guest\'s entries are accessed' },
  { name: 'D',    low: 6, meaning: '', values: ['the guest\'s entry is not dirty', 'the guest\'s entry is dirty'] },
  { name: 'G',    low: 8, meaning: 'global' },
  { name: 'MMIO', low: 9, meaning: '', values: ['', 'known to be no memory: every access leaves'] },
];

function row(name: string, low: number, high: number, fields: readonly Bits[]): Detail {
  const disabled = (high & EXECUTE_DISABLE) !== 0 ? ' XD' : '';
  const names = `${bitNames(low, fields)}${disabled}`;
  return {
    name,
    value: `0x${hex(high).slice(2)}${hex(low).slice(2)}  ${names === '' ? 'empty: an access leaves the guest with #PF' : names}`,
    children: bitRows(low, fields),
  };
}

/** The shadow's entries for an address, by the level of the guest's beside which they stand. */
export function shadowEntries(
  shadow: ShadowMmu,
  address: number,
): { readonly directory: Detail; readonly table: Detail | null } {
  const { pool, roots } = shadow;
  const root = roots[address >>> 30];
  if (root < 0) return { directory: { name: 'shadow PDE', value: 'no root: the guest has no directory here' }, table: null }; // prettier-ignore
  const index = (address >>> 21) & (TABLE_ENTRIES - 1);
  const slot = pool.slot(pool.at(root), index);
  const low = pool.low(slot);
  const directory = row(`shadow PDE ${hex(index, 1)}`, low, pool.high(slot), LINK);
  if ((low & ENTRY.PRESENT) === 0) return { directory, table: null };
  const second = (address >>> 12) & (TABLE_ENTRIES - 1);
  const leaf = pool.slot(pool.child(slot), second);
  const table = row(`shadow PTE ${hex(second, 1)}`, pool.low(leaf), pool.high(leaf), LEAF);
  const frame = frameOf(pool.low(leaf), pool.high(leaf));
  const isTable = (pool.low(leaf) & ENTRY.PRESENT) !== 0 && pool.isShadowed(frame);
  const value = isTable ? `${table.value}, write-protected: a page table that is shadowed` : table.value; // prettier-ignore
  return { directory, table: { ...table, value } };
}

/** Every count, and the pool. */
export function shadowPaging({ hypervisor }: Machine): readonly Detail[] {
  const { shadow } = hypervisor;
  if (shadow === null) {
    return [{ name: 'shadow', value: "none: the profile leaves page tables to the guest" }]; // prettier-ignore
  }
  const { pool, counts } = shadow;
  const faults = SHADOW_COUNTERS.filter(({ kind }) => kind === 'fault');
  const total = faults.reduce((sum, { name }) => sum + counts[name], 0);
  const direct = pool.active.filter(({ about }) => about.direct).length;
  return [
    { name: 'tables', value: `${String(pool.active.length)} of ${String(SHADOW_PAGES)} pages in use, ${String(direct)} of them without a guest's table` },
    { name: 'page faults', value: String(total) },
    ...SHADOW_COUNTERS.map(({ name, meaning }) => ({ name, value: `${String(counts[name])}  ${meaning}` })),
  ]; // prettier-ignore
}
