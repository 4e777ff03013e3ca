/**
 * #PF under shadow paging (an exception exit, reason 0): the shadow tables say what is to be done. The
 * guest tries again with a better shadow, its instruction is emulated (a write to a page table, a
 * device), or it gets the fault, since it is its own. An access of event delivery is made by delivering
 * the event again.
 */
import type { Progress, ShadowMmu } from '../shadow/shadow-mmu.ts';
import type { GuestVcpu } from '../vcpu.ts';
import type { VmExit } from '../vm-exit.ts';

const PAGE_FAULT = 14;

function progressOf({ processor: { state }, retired }: GuestVcpu): Progress {
  return [retired, state.eip, state.gpr(1, 4), state.gpr(6, 4), state.gpr(7, 4)];
}

export function pageFault(shadow: ShadowMmu, vcpu: GuestVcpu, exit: VmExit): void {
  const address = exit.qualification;
  const answer = shadow.fault(address, exit.interruptionErrorCode, progressOf(vcpu));
  if (answer.kind === 'inject') {
    const { errorCode } = answer;
    vcpu.injectException({
      vector: PAGE_FAULT, errorCode, type: 'fault', qualification: address, length: 0,
    }); // prettier-ignore
  } else if (exit.idtVectoringInformation !== 0) {
    vcpu.redeliver();
  } else if (answer.kind === 'emulate') {
    vcpu.emulateInstruction();
  }
}
