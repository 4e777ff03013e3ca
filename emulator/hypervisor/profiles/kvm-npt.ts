/** KVM of today on AMD-V with nested paging. */
import type { Profile } from './profile.ts';

export const KVM_NPT = {
  name: 'kvm-npt',
  synonyms: ['svm-npt'],
  description: 'KVM of today on AMD-V: SVM exit codes, nested paging.',
  source: 'Linux 6.1, arch/x86/kvm/svm/svm.c: init_vmcb()',
  paging: 'nested',
  mostVcpus: Infinity,
  interfaces: ['bare', 'kvm'],
  controls: 'this version leaves the guest by VMX exits alone',
} as const satisfies Profile;
