/**
 * CPUID (reason 10): the processor model's leaves, the hypervisor bit (leaf 1, ECX bit 31: "not used,
 * always returns 0" on hardware, SDM vol. 2, table 3-10) and the leaves of the paravirtual interface
 * from 0x40000000. As on Intel's processors, and as KVM does it, a leaf beyond the last one of its class
 * returns the highest basic leaf.
 */
import type { CpuidResult, CpuModel } from '../../cpu/cpu-model.ts';
import type { GuestInterface } from '../guest-interface.ts';
import type { ExitHandler } from './handler.ts';

const HYPERVISOR_BIT = 1 << 31;
/** KVM keeps MONITOR and MWAIT, which it does not carry out, from its guests. */
const MONITOR_BIT = 1 << 3;
const MONITOR_LEAF = 5;
const HYPERVISOR_LEAVES = 0x40000000;
const HYPERVISOR_LEAVES_END = 0x50000000;

/** What the guest sees of a leaf. */
export function guestCpuid(
  model: CpuModel,
  guestInterface: GuestInterface | null,
  leaf: number,
  subleaf: number,
): CpuidResult {
  if (guestInterface === null) return model.cpuid(leaf, subleaf);
  if (leaf >= HYPERVISOR_LEAVES && leaf < HYPERVISOR_LEAVES_END) {
    return guestInterface.cpuid(leaf, subleaf) ?? model.cpuid(model.cpuid(0, 0).eax, subleaf);
  }
  const native = model.cpuid(leaf, subleaf);
  if (leaf === MONITOR_LEAF) return { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  if (leaf !== 1) return native;
  return { ...native, ecx: ((native.ecx & ~MONITOR_BIT) | HYPERVISOR_BIT) >>> 0 };
}

export const cpuid: ExitHandler = ({ vcpu, guestInterface }, exit) => {
  const { state, model } = vcpu.processor;
  const result = guestCpuid(model, guestInterface, state.gpr(0, 4), state.gpr(1, 4));
  state.setGpr(0, 4, result.eax);
  state.setGpr(3, 4, result.ebx);
  state.setGpr(1, 4, result.ecx);
  state.setGpr(2, 4, result.edx);
  vcpu.skipInstruction(exit.instructionLength);
};
