/**
 * HLT (reason 12): the vCPU blocks in the hypervisor until an interrupt is there for it, unless another
 * has kicked it awake (KVM_HC_KICK_CPU). KVM's interrupts do not cause an exit then, since no guest is
 * running: they are delivered with the next entry (hypervisor.ts, offer()).
 */
import type { ExitHandler } from './handler.ts';

export const hlt: ExitHandler = ({ vcpu, guestInterface }, exit) => {
  vcpu.skipInstruction(exit.instructionLength);
  if (guestInterface?.mayHalt() ?? true) vcpu.processor.halt();
};
