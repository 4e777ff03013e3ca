/**
 * What every paravirtual interface is made of, so that each (kvm.ts, …) is a set of tables: CPUID leaves
 * by which the guest finds it, model-specific registers by which it registers pages of its memory, and
 * hypercalls. Guest addresses and numbers are hostile: an interface answers with its own error codes or
 * #GP(0), never with a host exception.
 */
import type { GuestInterface, HypercallRegisters } from '../hypervisor/guest-interface.ts';
import type { GuestMemory } from '../hypervisor/vcpu.ts';

/** One row of an ABI's hypercall table. `Context` is whatever its handlers need. */
export interface HypercallRow<Context> {
  readonly number: number;
  /** The ABI header's own name. */
  readonly name: string;
  /** Names of the arguments in the ABI's order; as many as the call has. */
  readonly parameters: readonly string[];
  readonly meaning: string;
  /** What the arguments say together, beyond their numbers; null: nothing. */
  readonly explain: ((call: HypercallRegisters) => string) | null;
  /** Returns the signed result. A sentence: why it is answered as an unknown one. */
  readonly handle: ((context: Context, call: HypercallRegisters) => number) | string;
}

/** A number with the name that the ABI's headers have for it, for expressions, hovers and completion. */
export interface AbiName {
  readonly name: string;
  readonly value: number;
  readonly meaning: string;
}

/** Plain JSON values by name, with a version. */
export type SavedValue =
  | number
  | string
  | boolean
  | null
  | readonly SavedValue[]
  | { readonly [name: string]: SavedValue };
export interface SavedState {
  readonly version: number;
  readonly [name: string]: SavedValue;
}

/** A paravirtual interface as the machine owns it. */
export interface ParavirtInterface extends GuestInterface {
  reset(): void;
  /** Complete state as plain values, and back; `restore` throws RangeError on a foreign shape. */
  state(): SavedState;
  restore(state: SavedState): void;
  /** Null where the interface has no paravirtual end of interrupt. */
  readonly autoEoi: AutoEoi | null;
}

/**
 * Paravirtual end of interrupt, for the local APIC. When it puts an edge-triggered interrupt in service
 * with nothing else waiting it may offer(): the guest may then end that interrupt by clearing a bit in
 * its memory instead of writing EOI. Before the APIC next looks at its priorities it withdraws the offer.
 */
export interface AutoEoi {
  /** False when the guest has registered no word. */
  offer(): boolean;
  /** Takes the offer back; true when the guest had used it: the interrupt in service has ended. */
  withdraw(): boolean;
}

/** What the machine gives to an interface. */
export interface ParavirtServices {
  readonly memory: GuestMemory;
  /** Virtual time since power-on, ns. */
  now(): number;
  /** TSC as the guest reads it, unsigned halves. */
  timestamp(): { readonly low: number; readonly high: number };
  /** TSC ticks per second. */
  readonly timestampHz: number;
  /** Unix time of power-on in seconds: the same start date as the real-time clock's. */
  readonly startDate: number;
  /** The vCPU's local APIC, which must use autoEoi. Absent: what needs one is not advertised. */
  readonly localApic?: ParavirtLocalApic;
  /** The vCPU's own. */
  readonly apicId: number;
  /** What launch.json says of single features, and whether the profile is one of an old release. */
  readonly features: { readonly [name: string]: boolean };
  readonly oldProfile: boolean;
  /** Wakes the vCPU of this APIC ID from HLT, or lets its next HLT not block. */
  kick(apicId: number): void;
  /** The vCPU gives up the rest of its turn for the one of this APIC ID, if that can run. */
  yieldTo(apicId: number): void;
  /** What the vCPU's TLB holds; `global`: the global entries too. */
  flushTlb(global: boolean): void;
}

export interface ParavirtLocalApic {
  /** Delivers an interrupt by the ICR's delivery mode, 0-7; false: there is no such APIC ID (0-254). */
  sendIpi(apicId: number, vector: number, mode: number): boolean;
  /** Withdraws an outstanding offer of AutoEoi: the guest's word is about to change its place. */
  tryAutoEoi(): void;
}
