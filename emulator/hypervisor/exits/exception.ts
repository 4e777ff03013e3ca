/**
 * Exceptions and NMIs (reason 0). Nothing in this hypervisor causes them: second-stage paging leaves the
 * guest's page tables to the guest. So they go back to it as they came (KVM does the same with #UD that
 * it cannot emulate, #DB, #AC and #MC). An NMI goes back
 * at the entry, or when the guest can take it. Also the triple fault (reason 2), which nobody can go back from.
 */
import type { ExitHandler } from './handler.ts';

export const exception: ExitHandler = ({ vcpu, injection }, { event, instructionLength }) => {
  if (event.kind !== 'exception') return;
  const { vector, errorCode, type, qualification } = event;
  if (type === 'nmi') {
    injection.holdNmi();
    return;
  }
  vcpu.injectException({ vector, errorCode, type, qualification, length: instructionLength });
};

export const tripleFault: ExitHandler = ({ vcpu }) => vcpu.processor.shutdown();
