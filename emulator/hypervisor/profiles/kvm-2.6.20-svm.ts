/**
 * KVM as it came with Linux 2.6.20, on AMD-V: shadow page tables (../shadow/), and an intercept for whatever
 * reads or writes CR0, CR3, CR4 and most debug registers, since its emulator did these instructions. As on
 * VT-x, INVLPG is not intercepted there although svm_exit_handlers[] has a row for it; `"exits": {
 * "invlpg": true }` adds it. I/O and CPUID went to user space.
 *
 * It differs in three places. That release answered VMMCALL with #UD, and gave up at a task switch; here
 * both work as in kvm-npt. With a paravirtual interface, which it had not, #UD is intercepted as well, since
 * VMCALL is undefined on AMD-V. And a read of a control register that leaves is done by the processor for the
 * hypervisor, as in kvm-2.6.20-vmx.
 */
import type { ExecutionControls } from '../execution-controls.ts';
import { setIntercepts } from '../svm-controls.ts';
import { SVM_EXIT } from '../svm-exit-codes.ts';
import { kvmSvmControls } from './kvm-svm.ts';
import type { Profile } from './profile.ts';

const CONTROL_REGISTERS = [0, 3, 4] as const;
const DEBUG_READS = [0, 1, 2, 3] as const;
const DEBUG_WRITES = [0, 1, 2, 3, 5, 7] as const;
const PAGE_FAULT = 14;

/** Neither reads nor writes of these leave (svm_hardware_setup()). */
// prettier-ignore
const PASSED_THROUGH = [
  { msr: 0x174,      name: 'IA32_SYSENTER_CS' },
  { msr: 0x175,      name: 'IA32_SYSENTER_ESP' },
  { msr: 0x176,      name: 'IA32_SYSENTER_EIP' },
  { msr: 0xc0000081, name: 'STAR' },
] as const;

function kvm2620Svm(): ExecutionControls {
  const controls = kvmSvmControls(PASSED_THROUGH);
  controls.release = '2.6.20';
  const { svm } = controls;
  for (const register of CONTROL_REGISTERS) {
    setIntercepts(svm, true, SVM_EXIT['CR#_READ'] + register, SVM_EXIT['CR#_WRITE'] + register);
  }
  for (const register of DEBUG_READS) setIntercepts(svm, true, SVM_EXIT['DR#_READ'] + register);
  for (const register of DEBUG_WRITES) setIntercepts(svm, true, SVM_EXIT['DR#_WRITE'] + register);
  setIntercepts(svm, true, SVM_EXIT['EXCP#'] + PAGE_FAULT);
  return controls;
}

export const KVM_2_6_20_SVM = {
  name: 'kvm-2.6.20-svm',
  synonyms: [],
  counterpart: 'kvm-2.6.20-vmx',
  description:
    'KVM as it came with Linux 2.6.20, on AMD-V: shadow page tables, SVM exit codes, one processor.',
  source: 'Linux 2.6.20, drivers/kvm/svm.c: init_vmcb(), svm_hardware_setup()',
  paging: 'shadow',
  mostVcpus: 1,
  interfaces: ['bare', 'kvm'],
  offersMmuOp: true,
  controls: kvm2620Svm,
} as const satisfies Profile;
