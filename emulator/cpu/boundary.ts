/**
 * Between two instructions: which of the events that wait is taken (SDM vol. 3, 6.9 "Priority among
 * simultaneous exceptions and interrupts", 6.7 "Nonmaskable interrupt", 6.8 "Enabling and disabling
 * interrupts", 26.2 "Other causes of VM exits"). Traps of the last instruction have gone before (run-loop.ts);
 * then come the hypervisor's preemption timer, its NMI window, a non-maskable interrupt, its interrupt
 * window, and INTR.
 *
 * Not emulated: machine checks, system-management interrupts. INIT is the machine's affair.
 */
import { deliverInterrupt } from './exceptions.ts';
import { AWAITED } from './exit-hook.ts';
import type { ExitHook } from './exit-hook.ts';
import type { InstructionCount } from './instruction-count.ts';
import * as L from './layout.ts';
import { VECTOR, VmExitSignal } from './processor.ts';
import type { Processor } from './processor.ts';
import { ACTIVITY } from './state.ts';

export interface BoundaryParts {
  readonly cpu: Processor & {
    interruptible(): boolean;
    /** A debugger stops before the interrupt that is acknowledged next. */
    watchesInterrupt(): boolean;
  };
  readonly hook: ExitHook;
  readonly count: InstructionCount;
}

export class Boundary {
  readonly #parts: BoundaryParts;
  /** AWAITED bits at the last look. */
  awaited = 0;

  constructor(parts: BoundaryParts) {
    this.#parts = parts;
  }

  /** 'again': an event was delivered, look anew; 'exit': it has left the guest. */
  look(): 'go' | 'again' | 'exit' | 'halted' {
    const { cpu, hook, count } = this.#parts;
    const { state, platform } = cpu;
    const awaited = hook.awaits;
    this.awaited = awaited;
    if (awaited !== 0 && this.#offerAwaited(awaited)) return 'exit';
    const nmi = state.get(L.NMI);
    if ((nmi & L.NMI_STATE.PENDING) !== 0 && !count.inShadow) {
      const taken = this.#takeNmi(nmi, awaited);
      if (taken !== null) return taken;
    }
    const pending = platform.interruptPending();
    const window = (awaited & AWAITED.INTERRUPT_WINDOW) !== 0;
    if (pending || window) {
      const open = cpu.interruptible();
      if (window && open && hook.offer({ kind: 'interrupt-window' }, 0)) return 'exit';
      if (pending && hook.offer({ kind: 'external-interrupt' }, 0)) return 'exit';
      if (pending && open && !window) {
        if (cpu.watchesInterrupt()) return 'exit';
        return this.#deliver(platform.acknowledgeInterrupt(), 'external');
      }
    }
    state.set(L.EVENT_PENDING, pending || window ? 1 : 0);
    return state.get(L.ACTIVITY) === ACTIVITY.HALTED ? 'halted' : 'go';
  }

  /** What the hypervisor wants to know before any event of the guest. */
  #offerAwaited(awaited: number): boolean {
    const { cpu, hook, count } = this.#parts;
    const timer = (awaited & AWAITED.PREEMPTION_TIMER) !== 0;
    if (timer && hook.offer({ kind: 'preemption-timer' }, 0)) return true;
    if ((awaited & AWAITED.NMI_WINDOW) === 0) return false;
    const blocked = (cpu.state.get(L.NMI) & L.NMI_STATE.BLOCKED) !== 0;
    return !blocked && !count.inShadow && hook.offer({ kind: 'nmi-window' }, 0);
  }
  /** A non-maskable interrupt that no shadow keeps out; null: the guest blocks it. */
  #takeNmi(nmi: number, awaited: number): 'again' | 'exit' | null {
    const { cpu, hook } = this.#parts;
    const blocked = nmi & L.NMI_STATE.BLOCKED;
    if (blocked !== 0 && (awaited & AWAITED.NMI) === 0) return null;
    // whoever takes it, it is no longer pending
    cpu.state.set(L.NMI, blocked);
    if (blocked === 0) return this.#deliver(VECTOR.NMI, 'nmi');
    const event = { kind: 'exception', vector: VECTOR.NMI, errorCode: null, type: 'nmi', qualification: 0 } as const; // prettier-ignore
    if (hook.offer(event, 0)) return 'exit';
    cpu.state.set(L.NMI, nmi);
    return null;
  }

  #deliver(vector: number, type: 'nmi' | 'external'): 'again' | 'exit' {
    const { cpu, hook } = this.#parts;
    const left = leavesGuest(() => {
      deliverInterrupt(cpu, vector, type, cpu.state.eip);
    });
    if (left) {
      const comesAgain = type === 'nmi' && hook.held === true && cpu.vectoring === null;
      if (comesAgain) cpu.state.set(L.NMI, L.NMI_STATE.PENDING);
      return 'exit';
    }
    wake(cpu);
    return 'again';
  }
}

/** An event has been delivered: HLT is over, but not the end of a triple fault. */
export function wake({ state }: Processor): void {
  if (state.get(L.ACTIVITY) === ACTIVITY.HALTED) state.set(L.ACTIVITY, ACTIVITY.RUNNING);
}

/** Delivers something; true when an event on the way has left the guest. */
export function leavesGuest(deliver: () => void): boolean {
  try {
    deliver();
    return false;
  } catch (error) {
    if (error instanceof VmExitSignal) return true;
    throw error;
  }
}
