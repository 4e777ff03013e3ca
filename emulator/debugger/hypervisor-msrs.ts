/**
 * Model-specific registers that the hypervisor adds to the processor's own, for a debugger: by the
 * header's name in any case, with or without its "MSR_" ("msr.kvm_steal_time"), and by number. Reading
 * and writing them is what RDMSR and WRMSR of the guest would do.
 */
import type { Wide } from '../hypervisor/guest-interface.ts';
import type { Machine } from '../machine.ts';
import { KVM_MSRS } from '../paravirt/kvm-msrs.ts';
import { readMsrWhole, writeMsrWhole } from './msr-access.ts';

const PREFIX = 'msr.';

/** The number that a name in lower case stands for; null where it is none of the hypervisor's. */
export function hypervisorMsr(name: string): number | null {
  if (!name.startsWith(PREFIX)) return null;
  const wanted = name.slice(PREFIX.length).replace(/^msr_/, '');
  const row = KVM_MSRS.find((each) => each.name.toLowerCase() === `msr_${wanted}`);
  return row === undefined ? null : row.index;
}

/** Of the hypervisor or else of the processor; null where neither has it. */
export function readAnyMsr({ looked: { kvm, cpu } }: Machine, index: number): bigint | null {
  const value = kvm?.readMsr(index) ?? null;
  if (value === null) return readMsrWhole(cpu, index);
  if (value === 'fault') return null;
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

/** Throws RangeError with a sentence where WRMSR would be #GP. */
export function writeAnyMsr({ looked: { kvm, cpu } }: Machine, index: number, value: bigint): void {
  const whole = BigInt.asUintN(64, value);
  const wide: Wide = { low: Number(whole & 0xffffffffn), high: Number(whole >> 32n) };
  switch (kvm?.writeMsr(index, wide) ?? null) {
    case null:
      writeMsrWhole(cpu, index, value);
      break;
    case 'fault':
      throw new RangeError(
        `KVM refuses 0x${whole.toString(16)} for MSR 0x${index.toString(16)}: WRMSR would be #GP.`,
      );
    case 'done':
      break;
  }
}
