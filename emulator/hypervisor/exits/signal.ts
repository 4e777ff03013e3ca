/**
 * INIT (reason 3) and start-up interrupts (reason 4). On hardware they are for the hypervisor itself; one
 * that emulates the local APICs of its guest, as this does, gives them to the vCPU that they were sent to.
 */
import type { ExitHandler } from './handler.ts';

export const init: ExitHandler = ({ vcpu }) => {
  vcpu.initialize();
};

export const startUp: ExitHandler = ({ vcpu }, { event }) => {
  if (event.kind === 'sipi') vcpu.startUp(event.vector);
};
