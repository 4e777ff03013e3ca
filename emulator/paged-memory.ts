/**
 * Guest RAM of which the host has paged out a part (hypervisor/host-paging.ts), wired to the machine's
 * processors: what a page that goes out takes from their caches, whom one wakes that comes in, and the
 * wait of a host thread.
 */
import { type HostPaging, hostPaging, type HostPagingOptions } from './hypervisor/host-paging.ts';
import type { MachineVcpu } from './machine-vcpu.ts';
import { PAGE_SIZE } from './memory/address.ts';
import type { MemoryMap } from './memory/memory-map.ts';

export interface PagedMemorySurroundings {
  readonly vcpus: readonly MachineVcpu[];
  /** Virtual time, ns. */
  now(): number;
  /** Lets so much of it pass without an instruction. */
  wait(duration: number): void;
}

export class PagedMemory {
  readonly paging: HostPaging;
  readonly #around: PagedMemorySurroundings;

  constructor(
    buffer: ArrayBufferLike,
    map: MemoryMap,
    options: HostPagingOptions,
    around: PagedMemorySurroundings,
  ) {
    this.#around = around;
    this.paging = hostPaging(buffer, map, options, {
      now: () => around.now(),
      pagesGone: (pages) => {
        for (const { cpu } of around.vcpus) {
          cpu.flushTlb(true);
          for (const page of pages) cpu.memoryWritten(page * PAGE_SIZE, PAGE_SIZE);
        }
      },
    });
  }

  /** A host thread sleeps until the page around an address has come in. */
  awaitPage(address: number): void {
    const around = this.#around;
    const now = around.now();
    const arrival = this.paging.request(address) ?? now;
    if (arrival > now) around.wait(arrival - now);
    this.advance();
  }

  /** ns, or Infinity. */
  nextDeadline(): number {
    return this.paging.nextDeadline();
  }

  /** What has come in by now is told to the guest. */
  advance(): void {
    const { vcpus } = this.#around;
    for (const { page, wakes } of this.paging.arrived()) {
      for (const vcpu of vcpus) {
        vcpu.kvm?.pagePresent(page);
        if (wakes.has(vcpu.index)) vcpu.wake();
      }
    }
  }
}
