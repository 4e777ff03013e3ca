/**
 * What the parts of one processor tell each other while it runs: what has ended an instruction early (a
 * fault, an event that left the guest, an instruction that is not there) and what ends the block around
 * it. Early ends are thrown, one object each for the whole life of the processor, and sorted here by
 * identity; anything else that is thrown is a bug of ours and goes on its way.
 */
import { GuestFault, VmExitSignal } from './processor.ts';

class UnimplementedSignal {}

export class RunSignals {
  /** The one instruction of a single step is running: slow accesses are made. */
  stepping = false;
  /** Translated code, mapping or mode changed under the running block. */
  stale = false;
  /** run() is to return at the next boundary. */
  leave = false;
  /** The instruction of the single step that is running is not followed by a trap for TF. */
  untraced = false;
  /** How the running instruction ended early, null if it did not. */
  outcome: 'fault' | 'exit' | 'unimplemented' | null = null;
  /** The fault of the outcome 'fault'. */
  readonly raised = new GuestFault();

  readonly #exit = new VmExitSignal();
  readonly #unimplemented = new UnimplementedSignal();

  fault(vector: number, errorCode: number | null, qualification: number): never {
    this.raised.vector = vector;
    this.raised.errorCode = errorCode;
    this.raised.qualification = qualification;
    throw this.raised;
  }
  exit(): never {
    throw this.#exit;
  }
  unimplemented(): never {
    throw this.#unimplemented;
  }
  /** Makes the outcome of what was thrown. */
  sort(error: unknown): void {
    if (error === this.raised) this.outcome = 'fault';
    else if (error === this.#exit) this.outcome = 'exit';
    else if (error === this.#unimplemented) this.outcome = 'unimplemented';
    else throw error;
  }
}
