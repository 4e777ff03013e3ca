/**
 * The exit hook that the processor is given: the hypervisor, and on the way to it an eye for exceptions,
 * so that a single step can end where an instruction's own exception has been delivered.
 */
import type { ExitHook, GuestEvent } from './cpu/exit-hook.ts';

export class SteppingHook implements ExitHook {
  readonly #hypervisor: ExitHook;
  readonly #leave: () => void;
  #watching = false;
  #exception = false;

  /** @param leave makes the processor return at the next boundary. */
  constructor(hypervisor: ExitHook, leave: () => void) {
    this.#hypervisor = hypervisor;
    this.#leave = leave;
  }

  get wantsInterruptWindow(): boolean {
    return this.#hypervisor.wantsInterruptWindow;
  }
  offer(event: GuestEvent, length: number): boolean {
    if (this.#watching && event.kind === 'exception') {
      this.#exception = true;
      this.#leave();
    }
    return this.#hypervisor.offer(event, length);
  }

  /** Begins or ends looking for exceptions, none being seen yet. */
  watch(on: boolean): void {
    this.#watching = on;
    this.#exception = false;
  }
  /** An exception was offered since watch(true). */
  get sawException(): boolean {
    return this.#exception;
  }
}
