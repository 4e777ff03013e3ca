/**
 * Accesses to control registers (reason 28): carried out as the guest wants them, in the bits that belong
 * to the hypervisor too. Where those have a read shadow of their own, it follows, so that the guest reads
 * what it wrote.
 */
import type { ExitHandler } from './handler.ts';

export const crAccess: ExitHandler = ({ vcpu, controls }, { event }) => {
  vcpu.emulateInstruction();
  if (event.kind !== 'cr-access' || event.access === 'mov-from-cr') return;
  const { state } = vcpu.processor;
  if (event.register === 0 && controls.cr0Shadow !== null) controls.cr0Shadow = state.cr(0);
  if (event.register === 4 && controls.cr4Shadow !== null) controls.cr4Shadow = state.cr(4);
};
