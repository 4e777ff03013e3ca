/**
 * What a shadow table is the shadow of, beside the frame of the guest's table, as one number: tables with
 * the same frame and role are the same table (union kvm_mmu_page_role of Linux 2.6.20,
 * drivers/kvm/kvm.h). The rights that the levels above leave are a part of it, as in later releases:
 * 2.6.20 let two directory entries with different rights share one shadow.
 */
export interface ShadowRole {
  /** Levels that the guest's tables have: 2, 3 with PAE, 0 without paging. */
  readonly guestLevels: 0 | 2 | 3;
  /** 2: its entries lead to tables, 1: to pages. */
  readonly level: 1 | 2;
  /** There is no guest table: it maps memory as it lies, for a large page or without paging. */
  readonly direct: boolean;
  /** Which part of a guest table of 1024 entries it is: of a directory 0 to 3, of a table 0 or 1. */
  readonly quadrant: number;
  /** Rights, RIGHT bits. */
  readonly rights: number;
}

/** What an entry allows, with those above it. */
export const RIGHT = { WRITE: 1, USER: 2, EXECUTE: 4 } as const;
export const ALL_RIGHTS = RIGHT.WRITE | RIGHT.USER | RIGHT.EXECUTE;

export function packRole({ guestLevels, level, direct, quadrant, rights }: ShadowRole): number {
  return guestLevels | (level << 2) | (direct ? 1 << 4 : 0) | (quadrant << 5) | (rights << 7);
}

export function unpackRole(role: number): ShadowRole {
  return {
    guestLevels: (role & 3) as ShadowRole['guestLevels'],
    level: ((role >>> 2) & 3) as ShadowRole['level'],
    direct: ((role >>> 4) & 1) === 1,
    quadrant: (role >>> 5) & 3,
    rights: (role >>> 7) & 7,
  };
}
