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
  /** One sentence; null with the name. */
  readonly meaning: string | null;
  /** "KVM_HC_KICK_CPU(flags 0x0, apic_id 0x1)". */
  readonly text: string;
}

/** One of the interface's registers as the log sees it. */
export interface MsrDescription {
  /** The header's own name, "MSR_KVM_STEAL_TIME". */
  readonly name: string;
  /** One sentence. */
  readonly meaning: string;
  /** What the value says, "on, at 0x1000"; null where none was given. */
  readonly text: string | null;
}

/**
 * What a vCPU does that has touched a page which the host has paged out: goes on with something else, the
 * guest having been told; halts until the page has come in or an interrupt comes; or waits for the page.
 */
export type PageWait = 'told' | 'halt' | 'wait';

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
  /** One of its registers, or null; `value`: what is written to it. */
  describeMsr(index: number, value: Wide | null): MsrDescription | null;
  /** The header's name of one of its CPUID leaves, or null. */
  leafName(leaf: number): string | null;
  /** The guest's TSC jumped (WRMSR to IA32_TIME_STAMP_COUNTER): clock pages must follow. */
  timestampChanged(): void;
  describeHypercall(registers: HypercallRegisters): HypercallDescription;
  /** What a hypercall returned in EAX, by the header's name if it is an error. */
  describeResult(eax: number): string;
  /** The vCPU is about to block in HLT; false: it has been kicked and goes on at once. */
  mayHalt(): boolean;
  /** The vCPU, which can take interrupts now, has touched a page (by number) that is paged out. */
  pageNotPresent(vcpu: GuestVcpu, page: number): PageWait;
}
