/**
 * Notes what a handler does to the vCPU between exit and entry (vcpu.ts has the doings), from which the
 * exit's outcome follows. One for each vCPU, used again for each exit, so that noting costs a few stores.
 */
import { NONE, OUTCOME, type ExitOutcome } from './exit-outcome.ts';

export class ExitWitness implements ExitOutcome {
  kind: number = OUTCOME.pending;
  intervened = 0;
  vector = NONE;
  errorCode = NONE;
  interrupt = NONE;
  eax = 0;
  ebx = 0;
  ecx = 0;
  edx = 0;
  gpr = 0;
  steps = 0;

  /** A handler begins: nothing has been done yet. */
  begin(): void {
    this.kind = OUTCOME.resumed;
    this.intervened = 0;
    this.vector = NONE;
    this.errorCode = NONE;
    this.interrupt = NONE;
    this.gpr = 0;
    this.steps = 0;
  }
  /** An instruction was carried out, by itself or by the handler that now passes over it. */
  emulated(): void {
    this.kind = OUTCOME.emulated;
    this.steps++;
  }
  injected(vector: number, errorCode: number | null): void {
    this.kind = OUTCOME.injected;
    this.vector = vector;
    this.errorCode = errorCode ?? NONE;
    this.steps++;
  }
  redelivered(): void {
    this.kind = OUTCOME.redelivered;
    this.steps++;
  }
  interrupted(vector: number): void {
    this.interrupt = vector;
    this.steps++;
  }
  /** Pieces of guest memory, or entries of page tables, were read or written. */
  touched(count = 1): void {
    this.steps += count;
  }

  /** As a value that stays. */
  outcome(): ExitOutcome {
    const { kind, intervened, vector, errorCode, interrupt, eax, ebx, ecx, edx, gpr, steps } = this;
    return { kind, intervened, vector, errorCode, interrupt, eax, ebx, ecx, edx, gpr, steps };
  }
}
