/**
 * The fields of a VM exit as both kinds of hardware record them at the moment of the event (SDM vol. 3,
 * 28.2 and 28.3.4; AMD APM vol. 2, 15.6): those of the active one decide what the hypervisor does, those of
 * the other one say how the same event looks there.
 */
import type { GuestEvent } from '../cpu/exit-hook.ts';
import { ACTIVITY, SEGMENT } from '../cpu/layout.ts';
import {
  guestLinearOf, idtVectoringInformation, instructionInformationOf, instructionLengthOf, interruptionInformation,
  operandOf, qualificationOf,
} from './exit-information.ts'; // prettier-ignore
import { exitInfo1HighOf, exitInfo1Of, exitInfo2Of, nextRipOf } from './svm-information.ts';
import type { GuestVcpu } from './vcpu.ts';
import type { VmExit } from './vm-exit.ts';

/**
 * @param exitCode SVM's code for the event
 * @param length bytes of the instruction, 0 where the event is not one
 */
export function recordExit(
  vcpu: GuestVcpu,
  event: GuestEvent,
  reason: number,
  exitCode: number,
  length: number,
  ordinal: number,
): VmExit {
  const { state, vectoring } = vcpu.processor;
  const unblocked = vcpu.nmiUnblocked() && vectoring === null;
  return {
    vcpu: vcpu.index,
    reason,
    qualification: qualificationOf(event, unblocked),
    instructionLength: instructionLengthOf(event, length, vectoring),
    instructionInformation: instructionInformationOf(event),
    guestLinear: guestLinearOf(event),
    guestPhysical: event.kind === 'second-stage' ? event.guestPhysical : 0,
    interruptionInformation: interruptionInformation(event, unblocked),
    interruptionErrorCode: event.kind === 'exception' ? (event.errorCode ?? 0) : 0,
    idtVectoringInformation: idtVectoringInformation(vectoring),
    idtVectoringErrorCode: vectoring?.errorCode ?? 0,
    operand: operandOf(event),
    accessSize: event.kind === 'second-stage' ? event.size : 0,
    interruptibility: vcpu.interruptibility(),
    // what is delivered has woken the processor, unless it is the delivery itself that leaves (28.1)
    activity: vectoring === null ? state.get(ACTIVITY) : 0,
    pendingDebug: event.kind === 'exception' && event.vector === 1 ? 0 : vcpu.pendingDebug(),
    exitCode,
    exitInfo1: exitInfo1Of(event),
    exitInfo1High: exitInfo1HighOf(event),
    exitInfo2: exitInfo2Of(event, state.eflags, (state.eip + length) >>> 0),
    nextRip: nextRipOf(event, state.eip, length),
    event,
    rip: state.eip,
    csBase: state.segmentBase(SEGMENT.CS),
    cpl: state.cpl,
    eflags: state.eflags >>> 0,
    eax: state.gpr(0, 4),
    ecx: state.gpr(1, 4),
    edx: state.gpr(2, 4),
    ebx: state.gpr(3, 4),
    esi: state.gpr(6, 4),
    position: vcpu.retired,
    ordinal,
  };
}
