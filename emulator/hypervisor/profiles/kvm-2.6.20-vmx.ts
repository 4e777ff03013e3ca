/** KVM as it came with Linux 2.6.20, on VT-x. */
import type { Profile } from './profile.ts';

export const KVM_2_6_20_VMX = {
  name: 'kvm-2.6.20-vmx',
  synonyms: ['kvm-2.6.20'],
  description: 'KVM as it came with Linux 2.6.20, on VT-x: shadow page tables.',
  source: 'Linux 2.6.20, drivers/kvm/vmx.c: vmx_vcpu_setup()',
  interfaces: ['bare', 'kvm'],
  offersMmuOp: true,
  controls: "it shadows the guest's page tables, which this version cannot do yet",
} as const satisfies Profile;
