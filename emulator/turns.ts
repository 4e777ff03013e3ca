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

  /** The first has the first turn. */
  constructor(vcpus: readonly MachineVcpu[]) {
    this.#vcpus = vcpus;
    this.#current = vcpus[0];
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

  /** Passes the turn on if it is over; false: there is nobody who could run. */
  choose(): boolean {
    const vcpus = this.#vcpus;
    const current = this.#current;
    if (vcpus.length === 1 || current.isLeft) return true;
    if (this.#only !== null) {
      this.#begin(this.#only);
      return this.#only.isReady;
    }
    const ready = current.isReady;
    if (ready && current.cpu.retired < this.#end) return true;
    for (let step = 1; step < vcpus.length; step++) {
      const next = vcpus[(current.index + step) % vcpus.length];
      if (!next.isReady) continue;
      this.#begin(next);
      return true;
    }
    return ready;
  }
  #begin(next: MachineVcpu): void {
    if (next === this.#current) return;
    this.#others = this.retired - next.cpu.retired;
    this.#current = next;
    this.#end = next.cpu.retired + TURN;
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
