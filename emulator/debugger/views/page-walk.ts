/**
 * How a linear address becomes a guest-physical one, level by level, with every bit of every entry
 * (SDM vol. 3, 4.3 "32-bit paging", 4.4 "PAE paging", tables 4-4 to 4-11), what may be done there (4.6),
 * and what the hypervisor's second stage has behind it, or its shadow of the tables beside them. A look
 * changes no accessed or dirty flag.
 */
import type { Cpu } from '../../cpu/cpu.ts';
import * as L from '../../cpu/layout.ts';
import { WALK_MODE } from '../../cpu/paging.ts';
import { CR0 } from '../../cpu/state.ts';
import { SECONDARY } from '../../hypervisor/execution-controls.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import type { Machine } from '../../machine.ts';
import { linear } from '../../memory/address.ts';
import { shadowEntries } from './shadow.ts';
import { bitNames, bitRows, type Bits, type Detail, hex } from './detail.ts';

// prettier-ignore
const COMMON: readonly Bits[] = [
  { name: 'P',   low: 0, meaning: 'present' },
  { name: 'RW',  low: 1, meaning: '', values: ['read-only', 'writable'] },
  { name: 'US',  low: 2, meaning: '', values: ['supervisor only', 'user too'] },
  { name: 'PWT', low: 3, meaning: 'page-level write-through' },
  { name: 'PCD', low: 4, meaning: 'page-level cache disable' },
  { name: 'A',   low: 5, meaning: '', values: ['not accessed', 'accessed'] },
];
// prettier-ignore
const TABLE: readonly Bits[] = [...COMMON, { name: 'PS', low: 7, meaning: '', values: ['refers to a page table', 'maps a large page'] }];
// prettier-ignore
const LARGE_PAGE: readonly Bits[] = [
  ...COMMON,
  { name: 'D',   low: 6,  meaning: '', values: ['not written', 'dirty'] },
  { name: 'PS',  low: 7,  meaning: 'maps a large page' },
  { name: 'G',   low: 8,  meaning: 'global' },
  { name: 'PAT', low: 12, meaning: 'page-attribute table index' },
];
// prettier-ignore
const PAGE: readonly Bits[] = [
  ...COMMON,
  { name: 'D',   low: 6, meaning: '', values: ['not written', 'dirty'] },
  { name: 'PAT', low: 7, meaning: 'page-attribute table index' },
  { name: 'G',   low: 8, meaning: 'global' },
];
const PDPTE_FIELDS = COMMON.filter(({ name }) => ['P', 'PWT', 'PCD'].includes(name));

interface Entry {
  readonly low: number;
  readonly high: number;
}

class Walk {
  readonly rows: Detail[] = [];
  /** What all levels allow. */
  writable = true;
  user = true;
  executable = true;
  readonly #cpu: Cpu;
  readonly #pae: boolean;
  readonly #nx: boolean;

  constructor(cpu: Cpu, mode: number) {
    this.#cpu = cpu;
    this.#pae = (mode & WALK_MODE.PAE) !== 0;
    this.#nx = (mode & WALK_MODE.NXE) !== 0;
  }

  /** Null where there is no RAM, which reads as not present. */
  entryAt(address: number): Entry | null {
    const bytes = this.#cpu.memory.readRam(address, this.#pae ? 8 : 4);
    if (bytes === null) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return { low: view.getUint32(0, true), high: this.#pae ? view.getUint32(4, true) : 0 };
  }

  /** Adds a level; false where the way ends. */
  add(
    name: string,
    index: number,
    address: number | null,
    entry: Entry | null,
    fields: readonly Bits[],
  ): entry is Entry {
    const bytes = this.#pae ? 8 : 4;
    const place = address === null ? {} : { place: { space: 'physical' as const, address }, bytes };
    const title = `${name} ${hex(index, 1)}`;
    if (entry === null) {
      this.rows.push({ name: title, value: 'outside guest RAM: reads as not present', ...place });
      return false;
    }
    const { low, high } = entry;
    const disabled = this.#nx && high >>> 31 === 1;
    const text = this.#pae ? `0x${hex(high).slice(2)}${hex(low).slice(2)}` : hex(low);
    const names = [bitNames(low, fields), ...(disabled ? ['XD'] : [])].filter(
      (each) => each !== '',
    );
    const children = [...bitRows(low, fields)];
    if (this.#pae && this.#nx && name !== 'PDPTE') {
      children.push({ name: 'XD', value: disabled ? '1  no execution' : '0  execution allowed' });
    }
    this.rows.push({
      name: title,
      value: `${text}  ${names.length === 0 ? 'not present' : names.join(' ')}`,
      ...place,
      children,
    });
    if (name !== 'PDPTE') {
      if ((low & 2) === 0) this.writable = false;
      if ((low & 4) === 0) this.user = false;
      if (disabled) this.executable = false;
    }
    return (low & 1) !== 0;
  }
}

/** The steps of a walk and its outcome, with the entries of a shadow beside the guest's. */
export function pageWalk(machine: Machine, address: number): readonly Detail[] {
  const rows = guestWalk(machine, address);
  const { shadow } = machine.hypervisor;
  if (shadow === null) return rows;
  const { directory, table } = shadowEntries(shadow, address >>> 0);
  const isLevel = ({ name }: Detail): boolean => name.startsWith('PDE ') || name.startsWith('PTE ');
  const beside = rows.flatMap((row) => {
    if (row.name.startsWith('PDE ')) return [row, directory];
    return row.name.startsWith('PTE ') && table !== null ? [row, table] : [row];
  });
  const last = rows.filter(isLevel).at(-1)?.name ?? '';
  if (last.startsWith('PTE ')) return beside;
  // a large page, or none: the shadow may have a level more than the guest
  return [...beside, ...(last === '' ? [directory] : []), ...(table === null ? [] : [table])];
}

function guestWalk(machine: Machine, address: number): readonly Detail[] {
  const { cpu } = machine;
  const linearAddress = address >>> 0;
  const mode = cpu.state.get(L.WALK_MODE);
  const start: Detail = { name: 'linear', value: hex(linearAddress), symbolAt: linearAddress };
  if ((mode & WALK_MODE.PAGING) === 0) {
    return [
      start,
      { name: 'paging', value: 'off: linear is physical' },
      ...found(machine, linearAddress),
    ];
  }
  const walk = new Walk(cpu, mode);
  const physical =
    (mode & WALK_MODE.PAE) !== 0
      ? paeWalk(cpu, walk, linearAddress)
      : classicWalk(cpu, walk, linearAddress, mode);
  const outcome = [
    ...(physical === null ? [notMapped('not present')] : []),
    // reserved bits are the processor's to judge: what they are depends on its model
    ...(physical !== null && cpu.memory.peek(linear(linearAddress)) === null
      ? [notMapped('a reserved bit is set')]
      : []),
  ];
  if (physical !== null && outcome.length === 0) {
    outcome.push({ name: 'rights', value: rightsText(cpu, walk) }, ...found(machine, physical));
  }
  return [start, ...walk.rows, ...outcome];
}

const notMapped = (why: string): Detail => ({
  name: 'physical',
  value: `not mapped: an access is #PF, ${why}`,
});

function classicWalk(cpu: Cpu, walk: Walk, address: number, mode: number): number | null {
  const index = address >>> 22;
  const at = (cpu.state.cr(3) & ~0xfff) + index * 4;
  const pde = walk.entryAt(at >>> 0);
  const large = pde !== null && (pde.low & 0x80) !== 0 && (mode & WALK_MODE.PSE) !== 0;
  if (!walk.add('PDE', index, at >>> 0, pde, large ? LARGE_PAGE : TABLE)) return null;
  if (large) {
    const high = (mode & WALK_MODE.PSE36) !== 0 ? (pde.low >>> 13) & 0xf : 0;
    return high * 2 ** 32 + (((pde.low & 0xffc00000) | (address & 0x3fffff)) >>> 0);
  }
  const second = (address >>> 12) & 0x3ff;
  const pteAt = ((pde.low & ~0xfff) + second * 4) >>> 0;
  const pte = walk.entryAt(pteAt);
  if (!walk.add('PTE', second, pteAt, pte, PAGE)) return null;
  return ((pte.low & ~0xfff) | (address & 0xfff)) >>> 0;
}

/** Bits 32 to 35 of an address in an entry. */
const above = ({ high }: Entry): number => (high & 0xf) * 2 ** 32;

function paeWalk(cpu: Cpu, walk: Walk, address: number): number | null {
  const first = address >>> 30;
  // the processor keeps the four since CR3 was loaded (4.4.1); memory may say something else by now
  const kept = L.PDPTE + first * 8;
  const pdpte = { low: cpu.state.get(kept) >>> 0, high: cpu.state.get(kept + 4) };
  if (!walk.add('PDPTE', first, null, pdpte, PDPTE_FIELDS)) return null;
  const second = (address >>> 21) & 0x1ff;
  const pdeAt = above(pdpte) + ((pdpte.low & ~0xfff) >>> 0) + second * 8;
  const pde = walk.entryAt(pdeAt);
  const large = pde !== null && (pde.low & 0x80) !== 0;
  if (!walk.add('PDE', second, pdeAt, pde, large ? LARGE_PAGE : TABLE)) return null;
  if (large) return above(pde) + (((pde.low & 0xffe00000) | (address & 0x1fffff)) >>> 0);
  const third = (address >>> 12) & 0x1ff;
  const pteAt = above(pde) + ((pde.low & ~0xfff) >>> 0) + third * 8;
  const pte = walk.entryAt(pteAt);
  if (!walk.add('PTE', third, pteAt, pte, PAGE)) return null;
  return above(pte) + (((pte.low & ~0xfff) | (address & 0xfff)) >>> 0);
}

/** What user and supervisor may do (4.6.1). */
function rightsText(cpu: Cpu, { writable, user, executable }: Walk): string {
  const protects = (cpu.state.cr(0) & CR0.WP) !== 0;
  const execute = executable ? ', execute' : '';
  const supervisor = `supervisor: read${writable || !protects ? ', write' : ''}${execute}`;
  return user ? `user: read${writable ? ', write' : ''}${execute}; ${supervisor}` : supervisor;
}

/** Rights and flags of the page in the hypervisor's tables. */
function secondStageText({ extendedPages }: Hypervisor, text: string, physical: number): string {
  // RAM in the hole below 1 MiB is the firmware's
  if (!extendedPages.isRam(physical)) return `${text}  identity, read, write, execute`;
  const rights = extendedPages.rights(physical);
  const given = ['read', 'write', 'execute'].filter((_, bit) => (rights & (1 << bit)) !== 0);
  const kept = extendedPages.isKept(physical) ? ' (kept)' : '';
  const usage = extendedPages.usage(physical);
  const flags = usage === null ? [] : [usage.accessed ? 'accessed' : 'not accessed', usage.dirty ? 'dirty' : 'not dirty']; // prettier-ignore
  return [`${text}  identity`, `${given.length === 0 ? 'no rights' : given.join(', ')}${kept}`, ...flags].join(', '); // prettier-ignore
}

/** What is at a guest-physical address, and how the second stage maps it. */
function found({ cpu, hypervisor }: Machine, physical: number): readonly Detail[] {
  const { hardware, secondary, svm } = hypervisor.controls;
  const nested = hardware === 'svm' ? svm.nestedPaging : (secondary & SECONDARY.ENABLE_EPT) !== 0;
  const fault = hardware === 'svm' ? 'a nested page fault' : 'an EPT violation';
  const isRam = cpu.memory.isRam(physical, 1);
  const digits = physical > 0xffffffff ? 9 : 8;
  const text = `0x${physical.toString(16).padStart(digits, '0')}`;
  const place = { space: 'physical' as const, address: physical };
  return [
    { name: 'physical', value: `${text}  ${isRam ? 'RAM' : 'no RAM: a device, or nothing'}`, place },
    ...(nested
      ? [{ name: 'second stage', value: isRam ? secondStageText(hypervisor, text, physical) : `not mapped: an access is ${fault}` }]
      : []),
  ]; // prettier-ignore
}
