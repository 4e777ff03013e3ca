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
  /** Returns the signed result; null: known, not implemented here, answered as an unknown one. */
  readonly handle: ((context: Context, call: HypercallRegisters) => number) | null;
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
  /** The guest's TSC jumped (WRMSR to IA32_TIME_STAMP_COUNTER): clock pages must follow. */
  timestampChanged(): void;
  /** Complete state as plain values, and back; `restore` throws RangeError on a foreign shape. */
  state(): SavedState;
  restore(state: SavedState): void;
  /** Null where the interface has no paravirtual end of interrupt. */
  readonly pvEoi: PvEoi | null;
}

/**
 * Paravirtual end of interrupt, for the local APIC. When it delivers an edge-triggered interrupt with
 * nothing else waiting it may call set(true): the guest then ends that interrupt by clearing the word
 * instead of writing EOI. Before it next looks at its priorities it asks test(): false means that the
 * guest has cleared it and the interrupt in service is over; true, that the guest has not, after which
 * set(false) withdraws the offer so that a real EOI comes.
 */
export interface PvEoi {
  /** Null pointer for the guest: it has registered no word, set() does nothing. */
  readonly enabled: boolean;
  set(pending: boolean): void;
  test(): boolean;
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
  /**
   * Delivers an interprocessor interrupt; false: there is no such APIC ID. Absent: the board has no
   * local APIC, and what needs one is not advertised. `mode` is the ICR's delivery mode, 0-7.
   */
  readonly sendIpi?: (apicId: number, vector: number, mode: number) => boolean;
}
