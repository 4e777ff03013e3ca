/**
 * The extended page tables of a machine (hypervisor/extended-page-tables.ts), which its processors share,
 * with the rights that hypervisor.exits leaves the guest. Made at power-on, when no processor remembers a
 * translation yet.
 */
import { ExtendedPageTables } from './hypervisor/extended-page-tables.ts';
import type { MachineVcpu } from './machine-vcpu.ts';
import { PAGE_SIZE } from './memory/address.ts';
import type { MemoryMap } from './memory/memory-map.ts';

export function shareSecondStage(
  buffer: ArrayBufferLike,
  map: MemoryMap,
  vcpus: readonly MachineVcpu[],
): void {
  const { eptRights, eptAccessedDirty } = vcpus[0].hypervisor.controls;
  const flags = new Uint8Array(buffer, map.pageFlags, map.ramSize / PAGE_SIZE);
  const tables = new ExtendedPageTables(map.ramSize, flags, eptAccessedDirty);
  for (const range of eptRights) tables.protect(range);
  for (const { cpu, hypervisor } of vcpus) {
    hypervisor.extendedPages = tables;
    // a hypervisor that shadows the guest's tables reads them itself
    const walks = hypervisor.shadow === null && (eptRights.length > 0 || eptAccessedDirty);
    if (walks) cpu.protectPagingStructures();
  }
}
