/**
 * Hypercalls (reason 18): VMCALL and VMMCALL. Of the two a processor has one, and KVM meets the other as #UD
 * and rewrites it in the guest's memory. Here nothing is rewritten: under VT-x both arrive by the same
 * reason, under AMD-V VMCALL is recognized where #UD has left (exception.ts). Without a paravirtual interface either is #UD, as on a bare processor. So is every VMX
 * instruction of the guest (reasons 19 to 27, 50 and 53), to which VMX is not offered.
 */
import { injectUndefined } from './handler.ts';
import type { ExitHandler, ExitHost } from './handler.ts';

export const vmcall: ExitHandler = (host, exit) => {
  if (host.guestInterface === null) {
    injectUndefined(host);
    return;
  }
  host.guestInterface.hypercall(host.vcpu);
  host.vcpu.skipInstruction(exit.instructionLength);
};

/** 0F 01 C1. */
const VMCALL = [0x0f, 0x01, 0xc1];

/** Under AMD-V: carries out the hypercall of a VMCALL that was #UD; false: it is no VMCALL. */
export function undefinedVmcall({ vcpu, guestInterface, controls }: ExitHost): boolean {
  if (guestInterface === null || controls.hardware !== 'svm') return false;
  const bytes = vcpu.instructionBytes(VMCALL.length);
  if (!VMCALL.every((byte, at) => bytes[at] === byte)) return false;
  guestInterface.hypercall(vcpu);
  vcpu.skipInstruction(VMCALL.length);
  return true;
}

export const vmxInstruction: ExitHandler = (host) => injectUndefined(host);
