/**
 * Exceptions and NMIs (reason 0). Page faults are the hypervisor's own affair where it shadows the guest's
 * tables (page-fault.ts). Nothing else in it causes any, so that the others go back to the guest as they
 * came (KVM does the same with #UD that it cannot emulate, #DB, #AC and #MC). An NMI goes back at the
 * entry, or when the guest can take it. Also the triple fault (reason 2), which nobody can go back from.
 */
import type { ExitHandler } from './handler.ts';
import { pageFault } from './page-fault.ts';
import { undefinedVmcall } from './vmcall.ts';

const UNDEFINED = 6;
const PAGE_FAULT = 14;

export const exception: ExitHandler = (host, exit) => {
  const { vcpu, injection, shadow } = host;
  const { event, instructionLength } = exit;
  if (event.kind !== 'exception') return;
  const { vector, errorCode, type, qualification } = event;
  if (type === 'nmi') {
    injection.holdNmi();
    return;
  }
  if (vector === PAGE_FAULT && shadow !== null) {
    pageFault(shadow, vcpu, exit);
    return;
  }
  if (vector === UNDEFINED && undefinedVmcall(host)) return;
  vcpu.injectException({ vector, errorCode, type, qualification, length: instructionLength });
};

export const tripleFault: ExitHandler = ({ vcpu }) => vcpu.processor.shutdown();
