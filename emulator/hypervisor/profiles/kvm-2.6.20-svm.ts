/** KVM as it came with Linux 2.6.20, on AMD-V. */
import type { Profile } from './profile.ts';

export const KVM_2_6_20_SVM = {
  name: 'kvm-2.6.20-svm',
  synonyms: [],
  description: 'KVM as it came with Linux 2.6.20, on AMD-V: shadow page tables.',
  source: 'Linux 2.6.20, drivers/kvm/svm.c: init_vmcb()',
  paging: 'shadow',
  mostVcpus: 1,
  interfaces: ['bare', 'kvm'],
  offersMmuOp: true,
  controls: 'this version leaves the guest by VMX exits alone',
} as const satisfies Profile;
