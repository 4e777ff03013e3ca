/**
 * The VMX-preemption timer (SDM vol. 3, 25.5.1): counts the ticks of the time-stamp counter down from the
 * VM entry on; at zero the guest is left before its next instruction, also while it is halted. Here it
 * ticks with each tick of the TSC (IA32_VMX_MISC bits 4:0 would read 0), hence the same in every run.
 */
import { PIN, VM_EXIT } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';

export class PreemptionTimer {
  readonly #controls: ExecutionControls;
  /** Platform time at which it expires; null: it starts to count when it is first looked at. */
  #deadline: number | null = null;
  /** Value of the VMCS field at the next entry, where exits save it; null: the configured one. */
  #saved: number | null = null;

  constructor(controls: ExecutionControls) {
    this.#controls = controls;
  }

  /** Platform time of the exit, ns; Infinity: the timer is off. */
  deadline(now: number): number {
    if ((this.#controls.pinBased & PIN.VMX_PREEMPTION_TIMER) === 0) return Infinity;
    this.#deadline ??= now + (this.#saved ?? this.#controls.preemptionTimer);
    return this.#deadline;
  }

  /** VM entry: it counts from the time at which the guest runs, which the exit takes before. */
  enter(): void {
    this.#deadline = null;
  }
  /** VM exit; `expired`: of the timer, after which the handler loads the configured value again. */
  leave(now: number, expired: boolean): void {
    const saves = (this.#controls.vmExit & VM_EXIT.SAVE_VMX_PREEMPTION_TIMER_VALUE) !== 0;
    this.#saved = saves && !expired ? Math.max(0, this.deadline(now) - now) : null;
  }
}
