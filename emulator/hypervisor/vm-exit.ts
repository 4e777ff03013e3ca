/**
 * A VM exit as a value, with the fields that the SDM gives it (vol. 3, 28.2 "Recording VM-exit
 * information"). Born in one place (hypervisor.ts, offer()), resolved in one place (exits/).
 */
import type { GuestEvent } from '../cpu/exit-hook.ts';

export interface VmExit extends RecordedExit {
  /** What the CPU offered. */
  readonly event: GuestEvent;
}

/** What is kept of an exit: numbers alone. */
export interface RecordedExit {
  /** Number of the vCPU that left. */
  readonly vcpu: number;
  /** VMX basic exit reason (exit-reasons.ts has its name and decoders). */
  readonly reason: number;
  /** Exit qualification, unsigned 32 bits. */
  readonly qualification: number;
  /** Bytes of the instruction, 0 where undefined. */
  readonly instructionLength: number;
  readonly instructionInformation: number;
  readonly guestLinear: number;
  readonly guestPhysical: number;
  /** VM-exit interruption information and error code (SDM vol. 3, 25.9.2), 0 when invalid. */
  readonly interruptionInformation: number;
  readonly interruptionErrorCode: number;
  /** IDT-vectoring information (25.9.3), 0 when no event was being delivered. */
  readonly idtVectoringInformation: number;
  readonly idtVectoringErrorCode: number;
  /** What MOV to CR, LMSW, OUT or a store outside RAM writes; the manual has no field for it. */
  readonly operand: number;
  /** Bytes of an access outside RAM, else 0. */
  readonly accessSize: number;
  /** Guest non-register state (25.4.2): interruptibility, activity and pending debug exceptions. */
  readonly interruptibility: number;
  readonly activity: number;
  readonly pendingDebug: number;
  /** What SVM records of the event (AMD APM vol. 2, 15.6): EXITCODE, or NO_EXITCODE where it has none. */
  readonly exitCode: number;
  /** EXITINFO1, bits 31:0 and 63:32. */
  readonly exitInfo1: number;
  readonly exitInfo1High: number;
  /** EXITINFO2, below 2^53. */
  readonly exitInfo2: number;
  /** nRIP, 0 where it is not saved. */
  readonly nextRip: number;
  /** Guest state at the exit, for the log. */
  readonly rip: number;
  readonly csBase: number;
  readonly cpl: number;
  readonly eflags: number;
  /** Registers that say what an instruction asked for (leaf, MSR, hypercall and arguments), unsigned. */
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
  readonly esi: number;
  /** Retired instructions at the exit: the machine's position. */
  readonly position: number;
  /** Ordinal of the exit since power-on, from 0. */
  readonly ordinal: number;
}
