/**
 * Between two instructions: which of the events that wait is taken (SDM vol. 3, 6.9 "Priority among
 * simultaneous exceptions and interrupts", 6.7 "Nonmaskable interrupt", 6.8 "Enabling and disabling
 * interrupts"). Traps of the last instruction have gone before (run-loop.ts); then come a non-maskable
 * interrupt, INTR, and the hypervisor's interrupt window.
 *
 * Not emulated: machine checks, system-management interrupts, INIT.
 */
import { deliverInterrupt } from './exceptions.ts';
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

  constructor(parts: BoundaryParts) {
    this.#parts = parts;
  }

  /** 'again': an event was delivered, look anew; 'exit': it has left the guest. */
  look(): 'go' | 'again' | 'exit' | 'halted' {
    const { cpu, hook, count } = this.#parts;
    const { state, platform } = cpu;
    if (state.get(L.NMI) === L.NMI_STATE.PENDING && !count.inShadow) {
      // whoever takes it, it is no longer pending
      state.set(L.NMI, 0);
      return this.#deliver(VECTOR.NMI, 'nmi');
    }
    const pending = platform.interruptPending();
    const window = hook.wantsInterruptWindow;
    if (pending || window) {
      const open = cpu.interruptible();
      if (pending && hook.offer({ kind: 'external-interrupt' }, 0)) return 'exit';
      if (window && open && hook.offer({ kind: 'interrupt-window' }, 0)) return 'exit';
      if (pending && open && !window) {
        if (cpu.watchesInterrupt()) return 'exit';
        return this.#deliver(platform.acknowledgeInterrupt(), 'external');
      }
    }
    state.set(L.EVENT_PENDING, pending || window ? 1 : 0);
    return state.get(L.ACTIVITY) === ACTIVITY.HALTED ? 'halted' : 'go';
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
