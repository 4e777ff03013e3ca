/**
 * Whose turn it is. The machine's processors run one after the other on the one host thread: a turn is a
 * fixed number of instructions, less when the processor halts, or pauses in a loop that waits for
 * another. The clock goes on with every instruction that any of them retires, so time never runs back
 * between two processors, and what one sees of another's work is always of the past: the machine is that
 * of a hypervisor that has one physical processor for all its vCPUs.
 *
 * Who runs when depends on nothing but the guest: not on how the run is cut into budgets, nor on single
 * steps of a debugger, as long as it lets the others run along. A processor alone, or one whose fellows
 * all wait, has no end of its turn.
 *
 * Time that passes for a processor which could run while another has the turn is stolen from it, as by
 * the scheduler of a host; it is told so, and told apart from a HLT, when its turn begins and ends.
 */
import type { MachineVcpu } from './machine-vcpu.ts';

/** Instructions of a turn: 50 µs of virtual time. */
const TURN = 50_000;

export class Turns {
  readonly #vcpus: readonly MachineVcpu[];
  #current: MachineVcpu;
  /** Instructions retired by the current one at which its turn is over. */
  #end = TURN;
  /** Instructions retired by all but the current one. */
  #others = 0;
  #only: MachineVcpu | null = null;
  /** Who gets the turn that is given up, if it can run then. */
  #successor: MachineVcpu | null = null;
  /** By number: since when it could run and does not, ns, or null. */
  readonly #waitingSince: (number | null)[];
  readonly #now: () => number;

  /**
   * The first has the first turn.
   * @param now virtual time, ns
   */
  constructor(vcpus: readonly MachineVcpu[], now: () => number) {
    this.#vcpus = vcpus;
    this.#current = vcpus[0];
    this.#waitingSince = vcpus.map(() => null);
    this.#now = now;
  }

  get current(): MachineVcpu {
    return this.#current;
  }
  /** Instructions retired by all since power-on. */
  get retired(): number {
    return this.#others + this.#current.cpu.retired;
  }
  /** Lets only this one run, for a debugger that holds the others; null: all again. */
  hold(only: MachineVcpu | null): void {
    this.#only = only;
  }
  /** The current one gives up the rest of its turn. */
  yield(): void {
    this.#end = Math.min(this.#end, this.#current.cpu.retired);
  }
  /** The current one gives up the rest of its turn for another, if that can run. */
  yieldTo(target: MachineVcpu): void {
    if (target === this.#current || !target.isReady) return;
    this.#successor = target;
    this.yield();
  }

  /** Passes the turn on if it is over; false: there is nobody who could run. */
  choose(): boolean {
    const vcpus = this.#vcpus;
    const current = this.#current;
    if (vcpus.length === 1 || current.isLeft) return true;
    this.#noteWaiting();
    if (this.#only !== null) {
      this.#begin(this.#only);
      return this.#only.isReady;
    }
    const ready = current.isReady;
    if (ready && current.cpu.retired < this.#end) return true;
    const successor = this.#successor;
    this.#successor = null;
    if (successor?.isReady === true) {
      this.#begin(successor);
      return true;
    }
    for (let step = 1; step < vcpus.length; step++) {
      const next = vcpus[(current.index + step) % vcpus.length];
      if (!next.isReady) continue;
      this.#begin(next);
      return true;
    }
    return ready;
  }
  #begin(next: MachineVcpu): void {
    const previous = this.#current;
    if (next === previous) return;
    this.#others = this.retired - next.cpu.retired;
    this.#current = next;
    this.#end = next.cpu.retired + TURN;
    if (previous.isReady) previous.kvm?.preempted();
    const since = this.#waitingSince[next.index] ?? this.#now();
    this.#waitingSince[next.index] = null;
    this.#noteWaiting();
    next.kvm?.scheduled(this.#now() - since);
  }
  /** Who could run and does not; looked at whenever that may have changed. */
  #noteWaiting(): void {
    for (const vcpu of this.#vcpus) {
      const waits = vcpu !== this.#current && vcpu.isReady;
      if (!waits) this.#waitingSince[vcpu.index] = null;
      else this.#waitingSince[vcpu.index] ??= this.#now();
    }
  }
  /** Another could run now. */
  get othersWait(): boolean {
    const vcpus = this.#vcpus;
    if (vcpus.length === 1 || this.#only !== null) return false;
    return vcpus.some((vcpu) => vcpu !== this.#current && vcpu.isReady);
  }
  /** Instructions until the turn is over. */
  get left(): number {
    return this.othersWait ? this.#end - this.#current.cpu.retired : Infinity;
  }
  /** Some halted processor would be woken by an interrupt. */
  get canWake(): boolean {
    return this.#only === null ? this.#vcpus.some((vcpu) => vcpu.canWake) : this.#only.canWake;
  }
}
