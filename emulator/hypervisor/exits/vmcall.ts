/**
 * Hypercalls (reason 18): VMCALL, and VMMCALL, which KVM on an Intel processor meets as #UD and
 * rewrites to VMCALL in the guest's memory; here both arrive by the same reason and nothing is
 * rewritten. Without a paravirtual interface either is #UD, as on a bare processor. So is every VMX
 * instruction of the guest (reasons 19 to 27, 50 and 53), to which VMX is not offered.
 */
import { injectUndefined } from './handler.ts';
import type { ExitHandler } from './handler.ts';

export const vmcall: ExitHandler = (host, exit) => {
  if (host.guestInterface === null) {
    injectUndefined(host);
    return;
  }
  host.guestInterface.hypercall(host.vcpu);
  host.vcpu.skipInstruction(exit.instructionLength);
};

export const vmxInstruction: ExitHandler = (host) => injectUndefined(host);
