/**
 * Numbers of KVM's guest interface, by the names of its headers (arch/x86/include/uapi/asm/kvm_para.h,
 * include/uapi/linux/kvm_para.h; Documentation/virt/kvm/x86/cpuid.rst and msr.rst).
 */

/** Leaf 0x40000000: EBX, ECX, EDX are "KVMKVMKVM\0\0\0". */
export const KVM_CPUID_SIGNATURE = 0x40000000;
export const KVM_CPUID_FEATURES = 0x40000001;
export const KVM_SIGNATURE = { ebx: 0x4b4d564b, ecx: 0x564b4d56, edx: 0x4d } as const;

/** Bits of leaf 0x40000001, EAX: all that KVM has. Which are offered is for kvm.ts to say. */
// prettier-ignore
export const KVM_FEATURE = {
  CLOCKSOURCE: 0, NOP_IO_DELAY: 1, MMU_OP: 2, CLOCKSOURCE2: 3, ASYNC_PF: 4, STEAL_TIME: 5, PV_EOI: 6, PV_UNHALT: 7,
  PV_TLB_FLUSH: 9, ASYNC_PF_VMEXIT: 10, PV_SEND_IPI: 11, POLL_CONTROL: 12, PV_SCHED_YIELD: 13, ASYNC_PF_INT: 14,
  MSI_EXT_DEST_ID: 15, HC_MAP_GPA_RANGE: 16, MIGRATION_CONTROL: 17, CLOCKSOURCE_STABLE_BIT: 24,
} as const;
export type KvmFeature = (typeof KVM_FEATURE)[keyof typeof KVM_FEATURE];

/** Results of hypercalls are the negatives of these. */
// prettier-ignore
export const KVM_ERROR = { EPERM: 1, E2BIG: 7, EFAULT: 14, EINVAL: 22, EOPNOTSUPP: 95, ENOSYS: 1000 } as const;

/** Bit 0 of the registers that hold an address. */
export const KVM_MSR_ENABLED = 1;
/** The registers' own range; what is in it and has no row is #GP. */
export const KVM_MSR_FIRST = 0x4b564d00;
export const KVM_MSR_LAST = 0x4b564dff;
