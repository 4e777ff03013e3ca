/**
 * What every KVM on AMD-V intercepts, whatever its release: interrupts, HLT, CPUID, I/O, MSRs but for a few,
 * task switches, and the instructions of SVM itself. The profiles add what is their own.
 */
import { type ExecutionControls, noControls } from '../execution-controls.ts';
import { setIntercepts, setMsrIntercept } from '../svm-controls.ts';
import { SVM_EXIT } from '../svm-exit-codes.ts';

/** @param passedThrough registers of which neither reads nor writes leave */
export function kvmSvmControls(
  passedThrough: readonly { readonly msr: number }[],
): ExecutionControls {
  const controls = noControls();
  controls.hardware = 'svm';
  const { svm } = controls;
  setIntercepts(
    svm,
    true,
    SVM_EXIT.INTR,
    SVM_EXIT.NMI,
    SVM_EXIT.CPUID,
    SVM_EXIT.HLT,
    SVM_EXIT.INVLPGA,
    SVM_EXIT.IOIO,
    SVM_EXIT.MSR,
    SVM_EXIT.TASK_SWITCH,
    SVM_EXIT.SHUTDOWN,
    SVM_EXIT.VMRUN,
    SVM_EXIT.VMMCALL,
    SVM_EXIT.VMLOAD,
    SVM_EXIT.VMSAVE,
    SVM_EXIT.STGI,
    SVM_EXIT.CLGI,
    SVM_EXIT.SKINIT,
  );
  svm.iopm.fill(0xff);
  svm.msrpm.fill(0xff);
  for (const { msr } of passedThrough) {
    setMsrIntercept(svm, msr, false, false);
    setMsrIntercept(svm, msr, true, false);
  }
  svm.virtualInterruptMasking = true;
  return controls;
}
