/**
 * KVM of today on AMD-V with nested paging. It differs in one place: KVM intercepts the first access to a
 * debug register after an exit and lets those that follow through; here all leave. The guest's processor
 * is one of Intel's, for which KVM keeps IA32_SYSENTER_ESP and EIP to itself (init_vmcb_after_set_cpuid()).
 */
import type { ExecutionControls } from '../execution-controls.ts';
import { setIntercepts } from '../svm-controls.ts';
import { SVM_EXIT } from '../svm-exit-codes.ts';
import { kvmSvmControls } from './kvm-svm.ts';
import type { Profile } from './profile.ts';

/** #DB, #UD, #AC and #MC; #PF belongs to the guest under nested paging. */
const EXCEPTIONS = [1, 6, 17, 18] as const;
const DEBUG_REGISTERS = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** Neither reads nor writes of these leave (direct_access_msrs[]). */
// prettier-ignore
const PASSED_THROUGH = [
  { msr: 0x174,      name: 'IA32_SYSENTER_CS' },
  { msr: 0xc0000081, name: 'STAR' },
  { msr: 0xc0000100, name: 'FS_BASE' },
  { msr: 0xc0000101, name: 'GS_BASE' },
  { msr: 0xc0000102, name: 'KERNEL_GS_BASE' },
] as const;

function kvmNpt(): ExecutionControls {
  const controls = kvmSvmControls(PASSED_THROUGH);
  const { svm } = controls;
  for (const register of DEBUG_REGISTERS) {
    setIntercepts(svm, true, SVM_EXIT['DR#_READ'] + register, SVM_EXIT['DR#_WRITE'] + register);
  }
  for (const vector of EXCEPTIONS) setIntercepts(svm, true, SVM_EXIT['EXCP#'] + vector);
  setIntercepts(
    svm,
    true,
    SVM_EXIT['CR#_READ'] + 4,
    SVM_EXIT['CR#_WRITE'] + 4,
    SVM_EXIT['CR#_WRITE'] + 8,
    SVM_EXIT.CR0_SEL_WRITE,
    SVM_EXIT.SMI,
    SVM_EXIT.RDPMC,
    SVM_EXIT.INVD,
    SVM_EXIT.WBINVD,
    SVM_EXIT.XSETBV,
    SVM_EXIT.RDPRU,
    SVM_EXIT.RSM,
    SVM_EXIT.MONITOR,
    SVM_EXIT.MWAIT,
  );
  svm.nestedPaging = true;
  return controls;
}

export const KVM_NPT = {
  name: 'kvm-npt',
  synonyms: ['svm-npt'],
  counterpart: 'kvm-ept',
  description: 'KVM of today on AMD-V: nested paging, SVM exit codes, few exits.',
  source: 'Linux 6.1, arch/x86/kvm/svm/svm.c: init_vmcb()',
  paging: 'nested',
  mostVcpus: Infinity,
  interfaces: ['bare', 'kvm'],
  controls: kvmNpt,
} as const satisfies Profile;
