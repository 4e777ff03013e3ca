/**
 * Steal time (msr.rst, MSR_KVM_STEAL_TIME): how long the vCPU was ready and did not run. This machine's
 * virtual time stands still while it does not run, so nothing is ever stolen and the vCPU is never
 * preempted; the structure is written once, when the guest registers it.
 */
import type { Wide } from '../hypervisor/guest-interface.ts';
import type { GuestMemory } from '../hypervisor/vcpu.ts';
import { addressOf, readU32, writeWords } from './guest-structures.ts';
import { KVM_MSR_ENABLED } from './kvm-abi.ts';

/** Bits 1-5 must be 0: the 64 bytes are aligned. */
export const STEAL_TIME_RESERVED = 0x3e;

/** kvm_steal_time: steal (64), version, flags, preempted (8), pad. KVM leaves the pad as it is. */
export function writeStealTime(memory: GuestMemory, register: Wide): void {
  if ((register.low & KVM_MSR_ENABLED) === 0) return;
  const address = addressOf(register, KVM_MSR_ENABLED);
  const old = readU32(memory, address + 8);
  if (old === null || memory.readPhysical(address, 64) === null) return;
  const updating = ((old + 1) | 1) >>> 0;
  writeWords(memory, address + 8, [updating]);
  memory.writePhysical(address + 16, Uint8Array.of(0));
  writeWords(memory, address + 8, [(updating + 1) >>> 0]);
}
