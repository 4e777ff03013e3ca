/**
 * Numbers of KVM's guest interface, by the names of its headers (arch/x86/include/uapi/asm/kvm_para.h,
 * include/uapi/linux/kvm_para.h; Documentation/virt/kvm/x86/cpuid.rst and msr.rst). What is a table of
 * its own has a file of its own: kvm-features.ts, kvm-msrs.ts, kvm-hypercalls.ts.
 */

/** Leaf 0x40000000: EBX, ECX, EDX are "KVMKVMKVM\0\0\0". */
export const KVM_CPUID_SIGNATURE = 0x40000000;
export const KVM_CPUID_FEATURES = 0x40000001;
export const KVM_SIGNATURE = { ebx: 0x4b4d564b, ecx: 0x564b4d56, edx: 0x4d } as const;

// prettier-ignore
export const KVM_LEAVES = [
  { leaf: KVM_CPUID_SIGNATURE, name: 'KVM_CPUID_SIGNATURE', meaning: 'EAX: the last leaf of KVM; EBX, ECX, EDX: "KVMKVMKVM".' },
  { leaf: KVM_CPUID_FEATURES,  name: 'KVM_CPUID_FEATURES',  meaning: 'EAX: features, KVM_FEATURE_…; EDX: hints, KVM_HINTS_….' },
] as const;

/** Results of hypercalls are the negatives of these. */
// prettier-ignore
export const KVM_ERRORS = [
  { name: 'KVM_EPERM',      number: 1,    meaning: 'Only ring 0 may make hypercalls.' },
  { name: 'KVM_E2BIG',      number: 7,    meaning: 'An argument is too large.' },
  { name: 'KVM_EFAULT',     number: 14,   meaning: 'An address is no RAM.' },
  { name: 'KVM_EINVAL',     number: 22,   meaning: 'An argument has a value that it may not have.' },
  { name: 'KVM_EOPNOTSUPP', number: 95,   meaning: 'The call is known, but not with these arguments.' },
  { name: 'KVM_ENOSYS',     number: 1000, meaning: 'There is no such hypercall, or it is not offered.' },
] as const;
type KvmErrorName = (typeof KVM_ERRORS)[number]['name'];

export const KVM_ERROR = Object.fromEntries(
  KVM_ERRORS.map(({ name, number }) => [name, number]),
) as Readonly<Record<KvmErrorName, number>>;

/** Bit 0 of the registers that hold an address. */
export const KVM_MSR_ENABLED = 1;
/** The registers' own range; what is in it and has no row is #GP. */
export const KVM_MSR_FIRST = 0x4b564d00;
export const KVM_MSR_LAST = 0x4b564dff;
