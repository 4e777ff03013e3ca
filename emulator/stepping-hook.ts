/**
 * The exit hook that the processor is given: the hypervisor, and on the way to it an eye for what comes
 * between two instructions, so that a single step can end where an exception has been delivered and
 * tell an interrupt from the instruction.
 */
import type { ExitHook, GuestEvent } from './cpu/exit-hook.ts';
import type { GuestPlace } from './guest-place.ts';

export class SteppingHook implements ExitHook {
  readonly #hypervisor: ExitHook;
  readonly #leave: () => void;
  #watching = false;
  #exception = false;
  #interrupted: GuestPlace | null = null;

  /** @param leave makes the processor return at the next boundary. */
  constructor(hypervisor: ExitHook, leave: () => void) {
    this.#hypervisor = hypervisor;
    this.#leave = leave;
  }

  get wantsInterruptWindow(): boolean {
    return this.#hypervisor.wantsInterruptWindow;
  }
  mayLeave(kind: 'rdtsc' | 'pause'): boolean {
    return this.#hypervisor.mayLeave?.(kind) ?? true;
  }
  offer(event: GuestEvent, length: number): boolean {
    if (this.#watching && event.kind === 'exception') {
      this.#exception = true;
      this.#leave();
    }
    return this.#hypervisor.offer(event, length);
  }
  /** An interrupt is about to be delivered at `place`. */
  interrupt(place: () => GuestPlace): void {
    if (!this.#watching) return;
    this.#interrupted ??= place();
    this.#leave();
  }

  /** Begins or ends looking, nothing being seen yet. */
  watch(on: boolean): void {
    this.#watching = on;
    this.#exception = false;
    this.#interrupted = null;
  }
  /** An exception was offered since watch(true). */
  get sawException(): boolean {
    return this.#exception;
  }
  /** Where the first interrupt since watch(true) came in and will return to. */
  get interrupted(): GuestPlace | null {
    return this.#interrupted;
  }
}
