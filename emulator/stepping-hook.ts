/**
 * The exit hook that the processor is given: the hypervisor, and on the way to it an eye for what comes
 * between two instructions, so that a single step can end where an exception has been delivered and
 * tell an interrupt from the instruction; a debugger's eye on events (event-watch.ts); and one for PAUSE,
 * by which a processor says that it waits for another.
 */
import type {
  ExitHook, GuestEvent, HostOwnedBits, MachineEvent, MaskableInstruction,
} from './cpu/exit-hook.ts'; // prettier-ignore
import { VECTOR } from './cpu/processor.ts';
import { EventWatch } from './event-watch.ts';
import type { GuestPlace } from './guest-place.ts';

const NOTHING_OWNED: HostOwnedBits = { mask: 0, shadow: null };

/** What the hook tells the machine. */
export interface HookOwner {
  /** Makes the processor return at the next boundary. */
  readonly leave: () => void;
  /** Whether another processor could run now. */
  readonly othersWait: () => boolean;
  /** PAUSE was executed while another could run. */
  readonly paused: () => void;
}

export class SteppingHook implements ExitHook {
  readonly #hypervisor: ExitHook;
  readonly #owner: HookOwner;
  /** What a debugger waits for. */
  readonly events: EventWatch;
  /** INTR is kept from the processor, as a debugger may wish for a step. */
  masksInterrupts = false;
  #watching = false;
  #exception = false;
  #interrupted: GuestPlace | null = null;

  constructor(hypervisor: ExitHook, owner: HookOwner) {
    this.#hypervisor = hypervisor;
    this.#owner = owner;
    this.events = new EventWatch(owner.leave);
  }

  get awaits(): number {
    return this.#hypervisor.awaits;
  }
  ownedBits(register: 0 | 4): HostOwnedBits {
    return this.#hypervisor.ownedBits?.(register) ?? NOTHING_OWNED;
  }
  enables(instruction: 'rdtscp'): boolean {
    return this.#hypervisor.enables?.(instruction) ?? true;
  }
  get isSvm(): boolean {
    return this.#hypervisor.isSvm ?? false;
  }
  mayLeave(kind: MaskableInstruction): boolean {
    if (this.events.waitsFor(kind)) return true;
    if (kind === 'pause' && this.#owner.othersWait()) return true;
    return this.#hypervisor.mayLeave?.(kind) ?? true;
  }
  offer(event: GuestEvent, length: number): boolean {
    if (!this.#isHypervisorsOwn(event) && this.events.stopsBefore(event, length)) return true;
    if (event.kind === 'pause' && this.#owner.othersWait()) {
      this.#owner.paused();
      this.#owner.leave();
    }
    const left = this.#hypervisor.offer(event, length);
    // what has left comes back changed, or not at all: a fault that the guest never hears of is none
    if (!left && this.#watching && event.kind === 'exception') {
      this.#exception = true;
      this.#owner.leave();
    }
    return left;
  }
  /** A fault of the hypervisor's shadow tables; the guest's own comes up again when it is injected. */
  #isHypervisorsOwn(event: GuestEvent): boolean {
    const isPageFault = event.kind === 'exception' && event.vector === VECTOR.PF;
    return isPageFault && this.#hypervisor.shadowsPageTables === true;
  }
  watch(event: MachineEvent, length: number): boolean {
    return this.events.stopsBefore(event, length);
  }
  get held(): boolean {
    return this.events.held !== null;
  }
  modeChanged(): void {
    this.events.noteMode();
  }
  /** An interrupt is about to be delivered at `place`. */
  interrupt(place: () => GuestPlace): void {
    if (!this.#watching) return;
    this.#interrupted ??= place();
    this.#owner.leave();
  }

  /** Begins or ends looking, nothing being seen yet. */
  look(on: boolean): void {
    this.#watching = on;
    this.#exception = false;
    this.#interrupted = null;
  }
  /** An exception has stayed in the guest since look(true). */
  get sawException(): boolean {
    return this.#exception;
  }
  /** Where the first interrupt since look(true) came in and will return to. */
  get interrupted(): GuestPlace | null {
    return this.#interrupted;
  }
}
