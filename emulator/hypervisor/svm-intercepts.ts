/**
 * Which events leave a guest under SVM (AMD APM vol. 2, 15.9 "Instruction intercepts", 15.10 "IOIO
 * intercepts", 15.11 "MSR intercepts", 15.12 "Exception intercepts", 15.13 "Interrupt intercepts", 15.14
 * "Miscellaneous intercepts"), as execution-controls.ts says it for VMX. In which order an instruction's
 * own exceptions and its intercept are looked at is the CPU's affair (cpu/exit-hook.ts, checksFirst).
 *
 * The guest's processor stays what machine.cpu says, the vendor in CPUID included; VMCALL and the
 * instructions of VMX are undefined on it. The host's RFLAGS.IF and GIF are always set while the guest runs. LMSW reads its operand in memory before it
 * is offered, so that a page fault there comes before its intercept; the table has them the other way.
 */
import type { GuestEvent } from '../cpu/exit-hook.ts';
import { CR0 } from '../cpu/state.ts';
import type { GuestControlRegisters } from './execution-controls.ts';
import { NO_EXITCODE, SVM_EXIT } from './svm-exit-codes.ts';
import { intercepts, ioIntercepted, msrIntercepted } from './svm-controls.ts';
import type { SvmControls } from './svm-controls.ts';
import { exitCodeOf } from './svm-information.ts';

/** Bits of CR0 whose change CR0_SEL_WRITE lets pass. */
const UNSELECTED = CR0.TS | CR0.MP;

/** 15.8.1: CLTS changes TS alone; LMSW is taken whatever it writes. */
function selectiveWrite(
  { register, access, value }: Extract<GuestEvent, { kind: 'cr-access' }>,
  { cr0 }: GuestControlRegisters,
): boolean {
  if (register !== 0) return false;
  if (access === 'lmsw') return true;
  return access === 'mov-to-cr' && ((value ^ cr0) & ~UNSELECTED) !== 0;
}

/** The EXITCODE with which the event leaves, or null when it stays in the guest. */
export function svmExit(
  controls: SvmControls,
  event: GuestEvent,
  guest: GuestControlRegisters,
): number | null {
  const code = exitCodeOf(event);
  switch (event.kind) {
    case 'io':
      return ioIntercepted(controls, event.port, event.size) ? code : null;
    case 'rdmsr':
    case 'wrmsr':
      return msrIntercepted(controls, event.index, event.kind === 'wrmsr') ? code : null;
    case 'second-stage':
      return controls.nestedPaging ? code : null;
    case 'interrupt-window':
      return controls.virtualInterrupt && intercepts(controls, code) ? code : null;
    case 'cr-access': {
      if (intercepts(controls, code)) return code;
      const selective = selectiveWrite(event, guest);
      return selective && intercepts(controls, SVM_EXIT.CR0_SEL_WRITE)
        ? SVM_EXIT.CR0_SEL_WRITE
        : null;
    }
    case 'mwait':
      if (intercepts(controls, code)) return code;
      return event.armed === true && intercepts(controls, SVM_EXIT.MWAIT_CONDITIONAL)
        ? SVM_EXIT.MWAIT_CONDITIONAL
        : null;
    default:
      return code !== NO_EXITCODE && intercepts(controls, code) ? code : null;
  }
}
