/**
 * What a hypervisor owes its guest: interrupts and NMIs that left it and wait to go in (SDM vol. 3, 27.6
 * "Event injection", 25.3 "interruptibility state"). At each VM entry the first that the guest can take
 * is injected; for what it cannot take yet the window is asked for (26.2, interrupt-window and NMI-window
 * exiting), as KVM does it.
 *
 * Under SVM the window is a virtual interrupt whose intercept comes when the guest could take it, as KVM
 * does it (AMD APM vol. 2, 15.21.4); there is no NMI window.
 *
 * An interrupt stays in the guest's own controller until it goes in, unless "acknowledge interrupt on
 * exit" has taken its vector from there. An NMI is held here.
 */
import { ACTIVITY, NMI, NMI_STATE } from '../cpu/layout.ts';
import { VECTOR } from '../cpu/processor.ts';
import { ACTIVITY as ACTIVITIES } from '../cpu/state.ts';
import { PIN, PRIMARY, VM_EXIT } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';
import { intercepts, setIntercepts } from './svm-controls.ts';
import { SVM_EXIT } from './svm-exit-codes.ts';
import type { GuestVcpu } from './vcpu.ts';

/** For snapshots. */
export interface InjectionState {
  /** Acknowledged vector that waits, or -1. */
  readonly vector: number;
  readonly nmi: boolean;
  readonly interruptWindow: boolean;
  readonly nmiWindow: boolean;
}

const NMI_EVENT = { vector: VECTOR.NMI, errorCode: null, type: 'nmi', qualification: 0, length: 0 } as const; // prettier-ignore

export class EventInjection {
  readonly #controls: ExecutionControls;
  #vector = -1;
  #nmi = false;

  constructor(controls: ExecutionControls) {
    this.#controls = controls;
  }

  /** An NMI has left the guest and is to go in. */
  holdNmi(): void {
    this.#nmi = true;
  }

  /** The exit for an external interrupt takes its vector; null: it stays where it is. */
  acknowledge({ processor }: GuestVcpu): number | null {
    if ((this.#controls.vmExit & VM_EXIT.ACKNOWLEDGE_INTERRUPT_ON_EXIT) === 0) return null;
    this.#vector = processor.platform.acknowledgeInterrupt();
    return this.#vector;
  }

  /**
   * INTR is the hypervisor's already: it waits for the window, or for a vCPU that is blocked in HLT, which
   * is not in the guest, so that delivery is part of its next entry.
   */
  holdsInterrupt({ processor }: GuestVcpu): boolean {
    if (this.wantsWindow) return true;
    const { primary, vmExit, svm } = this.#controls;
    if ((vmExit & VM_EXIT.ACKNOWLEDGE_INTERRUPT_ON_EXIT) !== 0) return false;
    const hltLeaves = this.#isSvm
      ? intercepts(svm, SVM_EXIT.HLT)
      : (primary & PRIMARY.HLT_EXITING) !== 0;
    return hltLeaves && processor.state.get(ACTIVITY) === ACTIVITIES.HALTED;
  }

  /**
   * VM entry: what waits goes in, or its window is asked for. 'held': a debugger stops before the
   * interrupt, and the entry must be made anew.
   */
  enter(vcpu: GuestVcpu): 'entered' | 'held' {
    if (vcpu.processor.state.get(ACTIVITY) === ACTIVITIES.SHUTDOWN) return 'entered';
    const injected = this.#enterNmi(vcpu);
    return this.#enterInterrupt(vcpu, injected);
  }

  /** The interrupt window is asked for. */
  get wantsWindow(): boolean {
    const { primary, svm } = this.#controls;
    if (this.#isSvm) return svm.virtualInterrupt && intercepts(svm, SVM_EXIT.VINTR);
    return (primary & PRIMARY.INTERRUPT_WINDOW_EXITING) !== 0;
  }
  /** One of the windows has opened: it is asked for no longer. */
  opened(window: 'interrupt-window' | 'nmi-window'): void {
    if (window === 'nmi-window') this.#setNmiWindow(false);
    else this.#setInterruptWindow(false);
  }

  state(): InjectionState {
    const { primary } = this.#controls;
    return {
      vector: this.#vector,
      nmi: this.#nmi,
      interruptWindow: this.wantsWindow,
      nmiWindow: (primary & PRIMARY.NMI_WINDOW_EXITING) !== 0,
    };
  }
  restore({ vector, nmi, interruptWindow, nmiWindow }: InjectionState): void {
    this.#vector = vector;
    this.#nmi = nmi;
    this.#setInterruptWindow(interruptWindow);
    this.#setNmiWindow(nmiWindow);
  }

  /** True: an NMI was injected, and nothing else can go in at this entry. */
  #enterNmi(vcpu: GuestVcpu): boolean {
    if (!this.#nmi) return false;
    const { state } = vcpu.processor;
    const open = (state.get(NMI) & NMI_STATE.BLOCKED) === 0 && !vcpu.inShadow();
    this.#nmi = !open;
    if (open) vcpu.injectException(NMI_EVENT);
    if ((this.#controls.pinBased & PIN.VIRTUAL_NMIS) !== 0) this.#setNmiWindow(this.#nmi);
    return open;
  }
  #enterInterrupt(vcpu: GuestVcpu, taken: boolean): 'entered' | 'held' {
    if (!this.#takesInterrupts) return 'entered';
    const { platform } = vcpu.processor;
    let waits = this.#vector >= 0 || platform.interruptPending();
    if (waits && !taken && vcpu.interruptible()) {
      if (vcpu.watchesInterrupt()) return 'held';
      vcpu.injectInterrupt(this.#vector >= 0 ? this.#vector : platform.acknowledgeInterrupt());
      this.#vector = -1;
      waits = platform.interruptPending();
    }
    this.#setInterruptWindow(waits);
    return 'entered';
  }
  get #isSvm(): boolean {
    return this.#controls.hardware === 'svm';
  }
  /** Interrupts from outside are the hypervisor's to inject. */
  get #takesInterrupts(): boolean {
    const { pinBased, svm } = this.#controls;
    if (this.#isSvm) return intercepts(svm, SVM_EXIT.INTR);
    return (pinBased & PIN.EXTERNAL_INTERRUPT_EXITING) !== 0;
  }
  #setInterruptWindow(on: boolean): void {
    if (this.#isSvm) {
      const { svm } = this.#controls;
      svm.virtualInterrupt = on;
      setIntercepts(svm, on, SVM_EXIT.VINTR);
    } else if (on) this.#controls.primary |= PRIMARY.INTERRUPT_WINDOW_EXITING;
    else this.#controls.primary &= ~PRIMARY.INTERRUPT_WINDOW_EXITING;
  }
  #setNmiWindow(on: boolean): void {
    if (on) this.#controls.primary |= PRIMARY.NMI_WINDOW_EXITING;
    else this.#controls.primary &= ~PRIMARY.NMI_WINDOW_EXITING;
  }
}
