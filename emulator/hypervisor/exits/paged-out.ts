/**
 * An EPT violation of a page that the host has paged out (host-paging.ts), as KVM's kvm_faultin_pfn()
 * deals with it. If the guest can take an interrupt now, it may be told of the page and do something
 * else, or it halts until the page comes or an interrupt does. If not, because interrupts are off or the
 * access was part of delivering an event, the vCPU's host thread waits. In the end the guest makes the
 * access again.
 */
import type { HostPaging } from '../host-paging.ts';
import type { VmExit } from '../vm-exit.ts';
import type { ExitHost } from './handler.ts';

export function pagedOut(host: ExitHost, paging: HostPaging, exit: VmExit): void {
  const { vcpu, guestInterface } = host;
  const address = exit.guestPhysical;
  const isDelivery = exit.idtVectoringInformation !== 0;
  if (paging.request(address) !== null) {
    const free = !isDelivery && vcpu.interruptible();
    const wait = free ? (guestInterface?.pageNotPresent(vcpu, address >>> 12) ?? 'halt') : 'wait';
    if (wait === 'wait') vcpu.awaitPage(address);
    if (wait === 'halt') {
      paging.halted(address, vcpu.index);
      vcpu.processor.halt();
    }
  }
  if (isDelivery) vcpu.redeliver();
}
