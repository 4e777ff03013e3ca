/**
 * Room for the rows of the exit log: recorded exits and their outcomes as numbers in arrays, a fixed
 * number of words each. exit-log.ts says which slot is which row's.
 */
import type { ExitOutcome } from './exit-outcome.ts';
import { OUTCOME } from './exit-outcome.ts';
import type { RecordedExit } from './vm-exit.ts';

/** Words of an exit: fields of 32 bits. */
const WORDS = 28;
/** Wider ones: guest-physical address, position, EXITINFO2 and ordinal. */
const WIDE = 4;
/** Words of an outcome. */
const OUTCOME_WORDS = 11;

export class ExitRows {
  readonly #words: Uint32Array;
  readonly #wide: Float64Array;
  readonly #outcomes: Uint32Array;

  constructor(capacity: number) {
    this.#words = new Uint32Array(capacity * WORDS);
    this.#wide = new Float64Array(capacity * WIDE);
    this.#outcomes = new Uint32Array(capacity * OUTCOME_WORDS);
  }

  ordinal(slot: number): number {
    return this.#wide[slot * WIDE + 3];
  }
  /** An exit that waits for the hypervisor. */
  // prettier-ignore
  write(exit: RecordedExit, slot: number): void {
    const words = this.#words;
    const at = slot * WORDS;
    words[at]      = exit.reason;
    words[at + 1]  = exit.qualification;
    words[at + 2]  = exit.instructionLength;
    words[at + 3]  = exit.instructionInformation;
    words[at + 4]  = exit.guestLinear;
    words[at + 5]  = exit.interruptionInformation;
    words[at + 6]  = exit.interruptionErrorCode;
    words[at + 7]  = exit.idtVectoringInformation;
    words[at + 8]  = exit.idtVectoringErrorCode;
    words[at + 9]  = exit.operand;
    words[at + 10] = exit.rip;
    words[at + 11] = exit.csBase;
    words[at + 12] = exit.cpl;
    words[at + 13] = exit.eax;
    words[at + 14] = exit.ebx;
    words[at + 15] = exit.ecx;
    words[at + 16] = exit.edx;
    words[at + 17] = exit.esi;
    words[at + 18] = exit.vcpu;
    words[at + 19] = exit.accessSize;
    words[at + 20] = exit.interruptibility;
    words[at + 21] = exit.activity;
    words[at + 22] = exit.pendingDebug;
    words[at + 23] = exit.eflags;
    words[at + 24] = exit.exitCode;
    words[at + 25] = exit.exitInfo1;
    words[at + 26] = exit.exitInfo1High;
    words[at + 27] = exit.nextRip;
    this.#wide[slot * WIDE]     = exit.guestPhysical;
    this.#wide[slot * WIDE + 1] = exit.position;
    this.#wide[slot * WIDE + 2] = exit.exitInfo2;
    this.#wide[slot * WIDE + 3] = exit.ordinal;
    this.#outcomes[slot * OUTCOME_WORDS] = OUTCOME.pending;
  }
  // prettier-ignore
  read(slot: number): RecordedExit {
    const words = this.#words;
    const at = slot * WORDS;
    return {
      reason:                  words[at],
      qualification:           words[at + 1],
      instructionLength:       words[at + 2],
      instructionInformation:  words[at + 3],
      guestLinear:             words[at + 4],
      interruptionInformation: words[at + 5],
      interruptionErrorCode:   words[at + 6],
      idtVectoringInformation: words[at + 7],
      idtVectoringErrorCode:   words[at + 8],
      operand:                 words[at + 9],
      rip:                     words[at + 10],
      csBase:                  words[at + 11],
      cpl:                     words[at + 12],
      eax:                     words[at + 13],
      ebx:                     words[at + 14],
      ecx:                     words[at + 15],
      edx:                     words[at + 16],
      esi:                     words[at + 17],
      vcpu:                    words[at + 18],
      accessSize:              words[at + 19],
      interruptibility:        words[at + 20],
      activity:                words[at + 21],
      pendingDebug:            words[at + 22],
      eflags:                  words[at + 23],
      exitCode:                words[at + 24],
      exitInfo1:               words[at + 25],
      exitInfo1High:           words[at + 26],
      nextRip:                 words[at + 27],
      guestPhysical:           this.#wide[slot * WIDE],
      position:                this.#wide[slot * WIDE + 1],
      exitInfo2:               this.#wide[slot * WIDE + 2],
      ordinal:                 this.ordinal(slot),
    };
  }
  // prettier-ignore
  writeOutcome(outcome: ExitOutcome, slot: number): void {
    const words = this.#outcomes;
    const at = slot * OUTCOME_WORDS;
    words[at]      = outcome.kind;
    words[at + 1]  = outcome.intervened;
    words[at + 2]  = outcome.vector;
    words[at + 3]  = outcome.errorCode;
    words[at + 4]  = outcome.interrupt;
    words[at + 5]  = outcome.eax;
    words[at + 6]  = outcome.ebx;
    words[at + 7]  = outcome.ecx;
    words[at + 8]  = outcome.edx;
    words[at + 9]  = outcome.gpr;
    words[at + 10] = outcome.steps;
  }
  /** null: it waits. */
  // prettier-ignore
  readOutcome(slot: number): ExitOutcome | null {
    const words = this.#outcomes;
    const at = slot * OUTCOME_WORDS;
    if (words[at] === OUTCOME.pending) return null;
    return {
      kind:       words[at],
      intervened: words[at + 1],
      vector:     words[at + 2],
      errorCode:  words[at + 3],
      interrupt:  words[at + 4],
      eax:        words[at + 5],
      ebx:        words[at + 6],
      ecx:        words[at + 7],
      edx:        words[at + 8],
      gpr:        words[at + 9],
      steps:      words[at + 10],
    };
  }
}
