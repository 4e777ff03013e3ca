/**
 * What the processor tells a hypervisor that shadows the guest's page tables (hypervisor/shadow/), and
 * what that may ask of the processor. A keeper's shadow takes the place of the guest's tables in every
 * access of the guest; while the hypervisor itself acts for the guest, the guest's own are walked.
 */
import { WALK_MODE } from './paging.ts';
import type { CpuState } from './state.ts';

export interface ShadowKeeper {
  /**
   * The guest's TLB was flushed: CR0, CR3, CR4, EFER or the A20 gate may have changed.
   * @param walkMode layout WALK_MODE as the guest's registers have it
   */
  contextChanged(walkMode: number): void;
  /** Bytes in a page with PAGE_FLAG.SHADOWED are about to be written. */
  tableWritten(physical: number, bytes: number): void;
  /** What lies in guest-physical memory, or may be done to it, has changed. */
  memoryRemapped(): void;
}

export interface ShadowedProcessor {
  readonly state: CpuState;
  /** Layout WALK_MODE as the guest's registers have it. */
  readonly guestWalkMode: number;
  /** Walks the guest's own tables as paging.ts does, setting their accessed and dirty flags. */
  walkGuest(linear: number, access: number): number;
  /** Whatever is remembered of translations is forgotten. */
  dropTranslations(): void;
  /** RAM or ROM as the guest sees it takes an access of `size` bytes. */
  isMemory(physical: number, size: number, write: boolean): boolean;
}

/** The guest's walk mode as the processor uses it under a keeper. */
export function shadowedWalkMode(guest: number, hypervisorActs: boolean): number {
  return hypervisorActs ? guest | WALK_MODE.EMULATED : guest | WALK_MODE.SHADOW | WALK_MODE.WP;
}
