/**
 * What a hypervisor offers its guests beyond the bare processor, as the exit handlers call it: CPUID
 * leaves, model-specific registers and hypercalls. The interfaces themselves are in paravirt/, which
 * implements this; a bare machine has none.
 */
import type { CpuidResult } from '../cpu/cpu-model.ts';
import type { GuestVcpu } from './vcpu.ts';

/** A 64-bit register as two unsigned halves. */
export interface Wide {
  readonly low: number;
  readonly high: number;
}

/** A hypercall as the log and conditions see it. */
export interface HypercallDescription {
  readonly number: number;
  /** The ABI's own name, "KVM_HC_KICK_CPU", or null when it has none of this number. */
  readonly name: string | null;
  /** "KVM_HC_KICK_CPU(flags 0x0, apic_id 0x1)". */
  readonly text: string;
}

/** Registers of a hypercall, unsigned. */
export interface HypercallRegisters {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
  readonly esi: number;
}

export interface GuestInterface {
  /** "kvm", as in launch.json. */
  readonly name: string;
  /** A leaf of 0x40000000 and up, or null when the interface has no such leaf. */
  cpuid(leaf: number, subleaf: number): CpuidResult | null;
  /** The value, 'fault' for #GP(0), or null for an MSR that is not the interface's. */
  readMsr(index: number): Wide | 'fault' | null;
  /** 'done', 'fault' for #GP(0), or null for an MSR that is not the interface's. */
  writeMsr(index: number, value: Wide): 'done' | 'fault' | null;
  /** Carries out the hypercall in the guest's registers and sets its results; does not move EIP. */
  hypercall(vcpu: GuestVcpu): void;
  /** The header's name of one of its registers, "MSR_KVM_STEAL_TIME", or null. */
  msrName(index: number): string | null;
  /** The guest's TSC jumped (WRMSR to IA32_TIME_STAMP_COUNTER): clock pages must follow. */
  timestampChanged(): void;
  describeHypercall(registers: HypercallRegisters): HypercallDescription;
  /** The vCPU is about to block in HLT; false: it has been kicked and goes on at once. */
  mayHalt(): boolean;
}
