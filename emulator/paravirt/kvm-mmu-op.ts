/**
 * KVM_HC_MMU_OP, with which kernels from 2.6.25 on changed their page tables under shadow paging until
 * nested paging made it pointless (arch/x86/include/uapi/asm/kvm_para.h; arch/x86/kvm/mmu.c of 2.6.26,
 * kvm_pv_mmu_op()). The arguments name a buffer of operations, each with a header of operation and pad:
 *
 *   1 KVM_MMU_OP_WRITE_PTE   header, pte_phys (64), pte_val (64)   stores an entry
 *   2 KVM_MMU_OP_FLUSH_TLB   header                                as if CR3 were loaded with its value
 *   3 KVM_MMU_OP_RELEASE_PT  header, pt_phys (64)                  the page holds no page table any more
 *
 * The result is the number of bytes carried out: the first operation that is unknown or cut off ends it,
 * and so does one that fails, after being counted. At most 512 bytes are looked at. There is nothing to
 * be done for RELEASE_PT: whoever keeps shadows of page tables sees by the writes what has become of them.
 */
import type { HypercallRegisters } from '../hypervisor/guest-interface.ts';
import type { GuestMemory } from '../hypervisor/vcpu.ts';

const BUFFER_BYTES = 512;
const HEADER_BYTES = 8;

// prettier-ignore
const OPERATIONS = [
  { number: 1, name: 'KVM_MMU_OP_WRITE_PTE',  bytes: HEADER_BYTES + 16 },
  { number: 2, name: 'KVM_MMU_OP_FLUSH_TLB',  bytes: HEADER_BYTES },
  { number: 3, name: 'KVM_MMU_OP_RELEASE_PT', bytes: HEADER_BYTES + 8 },
] as const;

export interface MmuOpTarget {
  readonly memory: GuestMemory;
  /** Entries have eight bytes. */
  readonly pae: boolean;
  readonly flushTlb: () => void;
}

/** Arguments: length in bytes, address as low and high half. Returns the bytes carried out. */
export function mmuOperations(
  { memory, pae, flushTlb }: MmuOpTarget,
  { ebx: length, ecx: low, edx: high }: HypercallRegisters,
): number {
  const size = Math.min(length, BUFFER_BYTES);
  const buffer = memory.readPhysical(high * 0x1_0000_0000 + low, size);
  if (buffer === null) return 0;
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let done = 0;
  while (size - done >= HEADER_BYTES) {
    const number = view.getUint32(done, true);
    const operation = OPERATIONS.find((each) => each.number === number);
    if (operation === undefined || size - done < operation.bytes) break;
    const operands = done + HEADER_BYTES;
    done += operation.bytes;
    if (operation.name === 'KVM_MMU_OP_FLUSH_TLB') flushTlb();
    if (operation.name === 'KVM_MMU_OP_WRITE_PTE') {
      const address =
        view.getUint32(operands + 4, true) * 0x1_0000_0000 + view.getUint32(operands, true);
      const entry = buffer.slice(operands + 8, operands + (pae ? 16 : 12));
      if (!memory.writePhysical(address, entry, 'KVM (MMU_OP)')) break;
    }
  }
  return done;
}
