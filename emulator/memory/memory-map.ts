/**
 * Where everything lies in the machine's one WebAssembly memory: for each vCPU its block (cpu/layout.ts)
 * and its translation caches, then guest RAM and what is known of its pages, which all share. Computed
 * once from the size of RAM and the number of vCPUs. All values are byte offsets in the WebAssembly
 * memory.
 */
import { VCPU_BLOCK } from '../cpu/layout.ts';
import { PAGE_SIZE } from './address.ts';

/** Entries of each of a vCPU's four data TLBs (supervisor and user, read and write), 8 bytes each. */
export const TLB_ENTRIES = 4096;
const TLB_TABLE = TLB_ENTRIES * 8;
/** Offset of the write TLB from the read TLB of the same privilege. */
export const TLB_WRITE = TLB_TABLE;
/** Offset of the user TLBs from the supervisor ones. */
export const TLB_USER = 2 * TLB_TABLE;
/** Slots remembered for a flush that touches only what was filled. */
export const TLB_LIST = 4096;
/** Regions of 4 MiB in a 32-bit address space. */
export const LARGE_REGIONS = 1024;
/** Entries of the jump cache, 16 bytes each: EIP, generation, record, unused. */
export const JUMP_ENTRIES = 8192;

/** What a page of guest RAM needs beyond plain access: one byte a page. */
export const PAGE_FLAG = {
  /** Translated code was taken from it: writes must be seen. */
  CODE: 1,
  WATCH_READ: 2,
  WATCH_WRITE: 4,
  /** Not RAM for the guest although RAM lies behind it (the VGA hole at 0xa0000). */
  DEVICE: 8,
  /** RAM that the chipset lets nobody write to (shadowed ROM). */
  READ_ONLY: 16,
  /** A hypervisor keeps a shadow of the page table in it: writes must be seen. */
  SHADOWED: 32,
  /** The host has paged it out: the first access leaves the guest (hypervisor/host-paging.ts). */
  ABSENT: 64,
  /** The second stage is asked at each access (hypervisor/extended-page-tables.ts). */
  PROTECTED: 128,
} as const;

/** Bytes that one bit of codeChunks stands for, as a shift count. */
export const CODE_CHUNK_SHIFT = 7;

/** What each vCPU has of its own. */
interface VcpuPart {
  readonly vcpu: number;
  readonly tlb: number;
  /** Addresses of filled TLB slots, non-global then global, TLB_LIST words each. */
  readonly tlbList: number;
  /** One byte for each 4 MiB of linear addresses: a larger page than 4 KiB was entered into the TLB. */
  readonly largePages: number;
  readonly jumpCache: number;
  /** Decoded records. */
  readonly records: number;
  readonly recordsEnd: number;
}

/** The memory as one vCPU uses it. */
export interface MemoryMap extends VcpuPart {
  /** One byte a page of RAM. */
  readonly pageFlags: number;
  /** One word a page of RAM: a bit for each 128 bytes that hold translated code of any vCPU. */
  readonly codeChunks: number;
  /** One byte a page of RAM: how many vCPUs hold translated code of it. */
  readonly codeHolders: number;
  /** One bit a page of linear addresses: a debugger watches accesses to it. */
  readonly watchedPages: number;
  /** The hypervisor's own page tables, `shadowPages` of them, which no guest address leads to. */
  readonly shadowTables: number;
  readonly shadowPages: number;
  readonly ram: number;
  readonly ramSize: number;
  /** Size of the memory in WebAssembly pages of 64 KiB. */
  readonly wasmPages: number;
}

const RECORDS_SIZE = 32 << 20;

/**
 * One map for each vCPU.
 * @param ramSize bytes of guest RAM, a multiple of the page size.
 * @param shadowPages pages that a hypervisor may shadow the guest's page tables in
 */
export function memoryMaps(ramSize: number, vcpus: number, shadowPages = 0): readonly MemoryMap[] {
  let next = 0;
  const take = (size: number, alignment = 64): number => {
    const at = Math.ceil(next / alignment) * alignment;
    next = at + size;
    return at;
  };
  const parts = Array.from({ length: vcpus }, (): VcpuPart => {
    const vcpu = take(VCPU_BLOCK);
    const tlb = take(4 * TLB_TABLE);
    const tlbList = take(2 * TLB_LIST * 4);
    const largePages = take(LARGE_REGIONS);
    const jumpCache = take(JUMP_ENTRIES * 16);
    const records = take(RECORDS_SIZE);
    return { vcpu, tlb, tlbList, largePages, jumpCache, records, recordsEnd: records + RECORDS_SIZE }; // prettier-ignore
  });
  const pageFlags = take(ramSize / PAGE_SIZE);
  const codeChunks = take((ramSize / PAGE_SIZE) * 4);
  const codeHolders = take(ramSize / PAGE_SIZE);
  const watchedPages = take(2 ** 20 / 8);
  const shadowTables = take(shadowPages * PAGE_SIZE, PAGE_SIZE);
  const ram = take(ramSize, 65536);
  const wasmPages = Math.ceil(next / 65536);
  return parts.map((part) => ({
    ...part, pageFlags, codeChunks, codeHolders, watchedPages, shadowTables, shadowPages, ram, ramSize, wasmPages,
  })); // prettier-ignore
}

/** The map of a machine with one vCPU. */
export function memoryMap(ramSize: number): MemoryMap {
  const [map] = memoryMaps(ramSize, 1);
  return map;
}
