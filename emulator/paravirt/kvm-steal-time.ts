/**
 * Steal time (msr.rst, MSR_KVM_STEAL_TIME): how long the vCPU could have run and did not. All vCPUs share
 * the one host thread in turns while time goes on for all (turns.ts), so what one runs the others lose:
 * stolen is the time from when a vCPU is put off its turn, or an event ends its HLT, until its next turn.
 * The structure is brought up to date when that turn begins.
 *
 * Its byte `preempted` says KVM_VCPU_PREEMPTED from the end of a turn after which the vCPU could have run
 * on (not of one that ended in HLT) to the next, as KVM's does from kvm_arch_vcpu_put() to
 * kvm_arch_vcpu_load(). A guest that finds it set may add KVM_VCPU_FLUSH_TLB instead of interrupting the
 * vCPU (KVM_FEATURE_PV_TLB_FLUSH): then its TLB is flushed when its turn comes.
 */
import type { Wide } from '../hypervisor/guest-interface.ts';
import type { GuestMemory } from '../hypervisor/vcpu.ts';
import { addressOf, readU32, words64, writeWords } from './guest-structures.ts';
import { KVM_MSR_ENABLED } from './kvm-abi.ts';

/** Bits 1-5 must be 0: the 64 bytes are aligned. */
export const STEAL_TIME_RESERVED = 0x3e;
export const STEAL_TIME_BYTES = 64;
export const KVM_VCPU_PREEMPTED = 1 << 0;
export const KVM_VCPU_FLUSH_TLB = 1 << 1;

/** Offsets in kvm_steal_time: steal (64), version, flags, preempted (8), pad. */
const VERSION = 8;
const PREEMPTED = 16;

const WRITER = 'KVM (steal time)';

/** The structure's address if there is one and all of it is RAM. */
function structureAt(memory: GuestMemory, register: Wide): number | null {
  if ((register.low & KVM_MSR_ENABLED) === 0) return null;
  const address = addressOf(register, KVM_MSR_ENABLED);
  return memory.readPhysical(address, STEAL_TIME_BYTES) === null ? null : address;
}

/** The vCPU's turn is over. KVM leaves a flag alone that the guest has not seen yet. */
export function markPreempted(memory: GuestMemory, register: Wide): void {
  const address = structureAt(memory, register);
  if (address === null) return;
  const [preempted] = memory.readPhysical(address + PREEMPTED, 1) ?? [0];
  if (preempted !== 0) return;
  memory.writePhysical(address + PREEMPTED, Uint8Array.of(KVM_VCPU_PREEMPTED), WRITER);
}

/**
 * The vCPU's turn begins: adds what was stolen to what the structure says, whatever the guest has left
 * there, and takes `preempted` back. KVM leaves the pad as it is.
 * @param stolen ns since it was last told
 * @returns told: there was a structure to write to; flush: the guest wants the TLB flushed.
 */
export function updateStealTime(
  memory: GuestMemory,
  register: Wide,
  stolen: number,
): { readonly told: boolean; readonly flush: boolean } {
  const address = structureAt(memory, register);
  if (address === null) return { told: false, flush: false };
  const [preempted] = memory.readPhysical(address + PREEMPTED, 1) ?? [0];
  memory.writePhysical(address + PREEMPTED, Uint8Array.of(0), WRITER);
  const version = readU32(memory, address + VERSION) ?? 0;
  const updating = ((version + 1) | 1) >>> 0;
  writeWords(memory, address + VERSION, [updating], WRITER);
  addTo64(memory, address, stolen);
  writeWords(memory, address + VERSION, [(updating + 1) >>> 0], WRITER);
  return { told: true, flush: (preempted & KVM_VCPU_FLUSH_TLB) !== 0 };
}

/** Modulo 2^64. */
function addTo64(memory: GuestMemory, address: number, value: number): void {
  const [addLow, addHigh] = words64(value);
  const low = (readU32(memory, address) ?? 0) + addLow;
  const high = (readU32(memory, address + 4) ?? 0) + addHigh + (low > 0xffffffff ? 1 : 0);
  writeWords(memory, address, [low >>> 0, high >>> 0], WRITER);
}
