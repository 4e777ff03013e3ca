/**
 * The built-in hypervisor (L0): where a VM exit is born, offer(), and where it is resolved, resolve().
 * Between the two the machine may stop and show it, the guest's state still being that before the
 * instruction. Signature only so far; the body follows with the execution controls.
 */
import type { ExitHook, GuestEvent } from '../cpu/exit-hook.ts';
import type { ExitRecord } from '../stop-reason.ts';
import type { GuestVcpu } from './vcpu.ts';
import type { VmExit } from './vm-exit.ts';

export interface HypervisorPort extends ExitHook {
  /** The exit that has left the guest and waits for resolve(), or null. */
  readonly pending: VmExit | null;
  /**
   * Interrupt-window exiting: the CPU loop offers 'interrupt-window' at the first boundary at which the
   * guest can take an interrupt (IF=1, no shadow), whether or not INTR is still asserted, and does not
   * deliver an interrupt natively before.
   */
  readonly wantsInterruptWindow: boolean;
  attach(vcpu: GuestVcpu): void;
  offer(event: GuestEvent, length: number): boolean;
  /** Handles the pending exit, delivers a waiting interrupt if the guest can take it, and enters again. */
  resolve(): void;
  describe(exit: VmExit): ExitRecord;
}
