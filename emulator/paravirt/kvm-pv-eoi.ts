/**
 * Paravirtual end of interrupt (msr.rst, MSR_KVM_PV_EOI_EN): a word in guest memory by which the local
 * APIC lets the guest end an interrupt without an exit. The protocol is AutoEoi's in abi.ts.
 */
import type { Wide } from '../hypervisor/guest-interface.ts';
import type { GuestMemory } from '../hypervisor/vcpu.ts';
import type { AutoEoi } from './abi.ts';
import { addressOf } from './guest-structures.ts';
import { KVM_MSR_ENABLED } from './kvm-abi.ts';

/** Whether the register may hold this value: four-byte aligned and, if enabled, in RAM. */
export function validPvEoi(memory: GuestMemory, register: Wide): boolean {
  if ((register.low & 2) !== 0) return false;
  if ((register.low & KVM_MSR_ENABLED) === 0) return true;
  return memory.readPhysical(addressOf(register, KVM_MSR_ENABLED), 4) !== null;
}

export class KvmPvEoi implements AutoEoi {
  private readonly memory: GuestMemory;
  private readonly register: () => Wide;

  /** @param register the current value of MSR_KVM_PV_EOI_EN. */
  constructor(memory: GuestMemory, register: () => Wide) {
    this.memory = memory;
    this.register = register;
  }

  offer(): boolean {
    return (
      this.enabled && this.memory.writePhysical(this.address, Uint8Array.of(1), 'KVM (PV EOI)')
    );
  }

  withdraw(): boolean {
    if (!this.enabled) return false;
    const byte = this.memory.readPhysical(this.address, 1);
    if (byte === null) return false;
    this.memory.writePhysical(this.address, Uint8Array.of(0), 'KVM (PV EOI)');
    return (byte[0] & 1) === 0;
  }

  private get enabled(): boolean {
    return (this.register().low & KVM_MSR_ENABLED) !== 0;
  }

  private get address(): number {
    return addressOf(this.register(), KVM_MSR_ENABLED);
  }
}
