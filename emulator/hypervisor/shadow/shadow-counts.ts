/**
 * What a hypervisor that shadows page tables counts: every page fault that left the guest by its cause,
 * and what was done to the tables. One row each; the view and the statistics show them in this order.
 */

export interface ShadowCounter {
  readonly name: string;
  /** 'fault': the cause of a page fault, of which each has exactly one. */
  readonly kind: 'fault' | 'table';
  readonly meaning: string;
}

// prettier-ignore
export const SHADOW_COUNTERS = [
  { name: 'guestFault',        kind: 'fault', meaning: 'the guest\'s own tables forbid the access: injected' },
  { name: 'accessed',          kind: 'fault', meaning: 'entry filled, for the first access to what the guest maps there' },
  { name: 'filled',            kind: 'fault', meaning: 'entry filled that the shadow had not kept, or had never had' },
  { name: 'dirtied',           kind: 'fault', meaning: 'first write to a page: made writable, the guest\'s entry dirty' },
  { name: 'unprotected',       kind: 'fault', meaning: 'write to a page that is no longer a page table: made writable' },
  { name: 'tableWrite',        kind: 'fault', meaning: 'supervisor\'s write to a page table that is shadowed: emulated' },
  { name: 'userTableWrite',    kind: 'fault', meaning: 'program\'s write to a page that was taken for a page table: no longer shadowed' },
  { name: 'supervisorWrite',   kind: 'fault', meaning: 'supervisor\'s write to a read-only page with CR0.WP clear' },
  { name: 'userRead',          kind: 'fault', meaning: 'program\'s access to a page after such a write' },
  { name: 'mmio',              kind: 'fault', meaning: 'access to a device, or to no memory at all: emulated' },
  { name: 'spurious',          kind: 'fault', meaning: 'the shadow allows the access by now' },
  { name: 'stuck',             kind: 'fault', meaning: 'too many faults of one instruction without progress: emulated' },
  { name: 'contexts',          kind: 'table', meaning: 'paging was switched on, off or to another format: all tables dropped' },
  { name: 'roots',             kind: 'table', meaning: 'CR3 or the PAE pointer entries were changed' },
  { name: 'created',           kind: 'table', meaning: 'tables made' },
  { name: 'recycled',          kind: 'table', meaning: 'tables given up for lack of pages, the oldest first' },
  { name: 'entriesZapped',     kind: 'table', meaning: 'entries emptied because the guest changed its own' },
  { name: 'flooded',           kind: 'table', meaning: 'tables given up because the guest wrote to theirs again and again' },
  { name: 'misaligned',        kind: 'table', meaning: 'tables given up because the guest wrote to part of an entry of theirs, or to two' },
  { name: 'relinked',          kind: 'table', meaning: 'directory entries led to another table because rights had changed' },
] as const satisfies readonly ShadowCounter[];

export type ShadowCounterName = (typeof SHADOW_COUNTERS)[number]['name'];
export type ShadowCounts = Record<ShadowCounterName, number>;
/** The cause of a page fault. */
export type ShadowCause = Extract<
  (typeof SHADOW_COUNTERS)[number],
  { readonly kind: 'fault' }
>['name'];

export function noCounts(): ShadowCounts {
  return Object.fromEntries(SHADOW_COUNTERS.map(({ name }) => [name, 0])) as ShadowCounts;
}
