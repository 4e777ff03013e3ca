/**
 * EPT violations (reason 48), which on this machine mean: the guest-physical address is a device, ROM
 * or nothing. The instruction is carried out natively, and the board answers the access. Where it was
 * the delivery of an event that touched the address (an IDT, TSS or stack that is not RAM), that is
 * delivered again; KVM gives up on such a guest (KVM_INTERNAL_ERROR_DELIVERY_EV).
 *
 * Where devices are marked, the next access to the page is an EPT misconfiguration (reason 49), which is
 * resolved in the same way.
 *
 * A page of RAM that the host has paged out is brought in (paged-out.ts). One that lacks a right gets it
 * back and the access is made again, as KVM does with pages that it has write-protected to log who writes;
 * where the page is to stay protected, the access is carried out natively.
 *
 * Task switches (reason 9), which VMX leaves to the hypervisor, are carried out in the same two ways.
 */
import { EPT_RIGHT } from '../extended-page-tables.ts';
import type { VmExit } from '../vm-exit.ts';
import type { ExitHandler } from './handler.ts';
import { pagedOut } from './paged-out.ts';

export const emulateOrRedeliver: ExitHandler = ({ vcpu }, exit) => {
  if (exit.idtVectoringInformation !== 0) vcpu.redeliver();
  else vcpu.emulateInstruction();
};

/** The right that the access wanted; what may be written may be read (29.3.3.1). */
function lacked({ event }: VmExit): number {
  if (event.kind !== 'second-stage' || event.access === 'read') return EPT_RIGHT.READ;
  return event.access === 'write' ? EPT_RIGHT.READ | EPT_RIGHT.WRITE : EPT_RIGHT.EXECUTE;
}

export const eptViolation: ExitHandler = (host, exit) => {
  const { hostPaging, processor } = host.vcpu;
  if (hostPaging?.isOut(exit.guestPhysical) === true) {
    pagedOut(host, hostPaging, exit);
    return;
  }
  const tables = host.devicePages();
  if (tables.isRam(exit.guestPhysical)) {
    if (tables.isKept(exit.guestPhysical)) {
      emulateOrRedeliver(host, exit);
      return;
    }
    tables.allow(exit.guestPhysical, lacked(exit));
    if (exit.idtVectoringInformation !== 0) host.vcpu.redeliver();
    return;
  }
  // ROM is no device: a write to it is dropped, and is a violation each time
  const rom = processor.platform.romPage?.(exit.guestPhysical) ?? null;
  if (host.controls.eptMarksDevices && rom === null)
    host.devicePages().markDevice(exit.guestPhysical);
  emulateOrRedeliver(host, exit);
};
