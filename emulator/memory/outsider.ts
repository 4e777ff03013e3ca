/**
 * Who accesses guest memory beside the instructions of the guest: devices by DMA, and the hypervisor in
 * structures that it shares with the guest. A debugger's breakpoints on data name them.
 */
export type Outsider =
  | 'IDE DMA'
  | 'floppy DMA'
  | 'KVM (async page fault)'
  | 'KVM (clock pairing)'
  | 'KVM (kvmclock)'
  | 'KVM (MMU_OP)'
  | 'KVM (PV EOI)'
  | 'KVM (steal time)'
  | 'KVM (wall clock)';
