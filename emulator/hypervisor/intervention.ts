/**
 * Taking the hypervisor's place at an exit: passing over the instruction, changing what the guest gets
 * back, or giving it an event instead. An intervention is plain data and is carried out where the
 * handler would be, so that the same ones at the same exits give the same run.
 */
import type { ExitHandler, ExitHost } from './exits/handler.ts';
import { OUTCOME } from './exit-outcome.ts';
import { exitReason, REASON } from './exit-reasons.ts';
import type { GuestVcpu } from './vcpu.ts';
import type { VmExit } from './vm-exit.ts';

/** General registers and their parts: number and bytes as in encodings. */
// prettier-ignore
export const RESULT_REGISTERS = {
  eax: [0, 4], ecx: [1, 4], edx: [2, 4], ebx: [3, 4], esp: [4, 4], ebp: [5, 4], esi: [6, 4], edi: [7, 4],
  ax:  [0, 2], cx:  [1, 2], dx:  [2, 2], bx:  [3, 2], sp:  [4, 2], bp:  [5, 2], si:  [6, 2], di:  [7, 2],
  al:  [0, 1], cl:  [1, 1], dl:  [2, 1], bl:  [3, 1], ah:  [4, 1], ch:  [5, 1], dh:  [6, 1], bh:  [7, 1],
} as const satisfies { readonly [name: string]: readonly [number, 1 | 2 | 4] };
export type ResultRegister = keyof typeof RESULT_REGISTERS;

export interface RegisterResult {
  readonly register: ResultRegister;
  readonly value: number;
}

/** An event given to the guest (SDM vol. 3, 25.8.3 "VM-entry controls for event injection"). */
export type InjectedEvent =
  | {
      readonly kind: 'exception';
      /** 0 to 31. */
      readonly vector: number;
      /** null: it pushes none. */
      readonly errorCode: number | null;
      /** Of #PF, for CR2. */
      readonly address: number;
    }
  | { readonly kind: 'interrupt'; readonly vector: number }
  | { readonly kind: 'nmi' };

export type Intervention =
  /** Not handled: the instruction is passed over, and these registers get values. */
  | {
      readonly kind: 'skip';
      /** Bytes of the instruction. */
      readonly length: number;
      readonly registers: readonly RegisterResult[];
    }
  /** Handled, and then these registers get values, unless the guest got an exception. */
  | { readonly kind: 'return'; readonly registers: readonly RegisterResult[] }
  /** Not handled: the guest gets the event at the instruction, to which an interrupt returns. */
  | { readonly kind: 'inject'; readonly event: InjectedEvent };

/** Reasons that are no instruction's. */
const BETWEEN_INSTRUCTIONS: ReadonlySet<number> = new Set([
  REASON.EXTERNAL_INTERRUPT, REASON.TRIPLE_FAULT, REASON.INIT, REASON.SIPI, REASON.INTERRUPT_WINDOW,
  REASON.NMI_WINDOW, REASON.VMX_PREEMPTION_TIMER_EXPIRED,
]); // prettier-ignore

/** Why this cannot be done at this exit, one sentence; null: it can. */
export function interventionProblem(
  vcpu: GuestVcpu,
  exit: VmExit,
  intervention: Intervention,
): string | null {
  if (intervention.kind === 'inject') return injectionProblem(vcpu, intervention.event);
  const name = exitReason(exit.reason)?.name ?? String(exit.reason);
  const what = intervention.kind === 'skip' ? 'pass over' : 'return to';
  if (BETWEEN_INSTRUCTIONS.has(exit.reason)) {
    return `${name} comes between two instructions: there is none to ${what}.`;
  }
  if (exit.idtVectoringInformation !== 0) {
    return `The exit came while an event was being delivered: there is no instruction to ${what}.`;
  }
  return null;
}

/** Why the guest cannot take this event now, one sentence; null: it can. */
export function injectionProblem(vcpu: GuestVcpu, event: InjectedEvent): string | null {
  if (event.kind === 'interrupt' && !vcpu.interruptible()) {
    return 'The guest cannot take an interrupt here: EFLAGS.IF is 0, or STI or MOV SS comes before.';
  }
  return null;
}

/** Gives the guest an event at CS:EIP, to which interrupts return. */
export function injectEvent(vcpu: GuestVcpu, event: InjectedEvent): void {
  switch (event.kind) {
    case 'exception': {
      const { vector, errorCode, address } = event;
      const qualification = address;
      vcpu.injectException({ vector, errorCode, type: 'fault', qualification, length: 0 });
      break;
    }
    case 'interrupt':
      vcpu.injectInterrupt(event.vector);
      break;
    case 'nmi':
      vcpu.injectException({
        vector: 2,
        errorCode: null,
        type: 'nmi',
        qualification: 0,
        length: 0,
      });
  }
}

/** Carries it out in place of `handler`; what is no longer possible is left to the handler. */
export function intervene(
  host: ExitHost,
  exit: VmExit,
  intervention: Intervention,
  handler: ExitHandler,
): void {
  const { vcpu } = host;
  const { witness } = vcpu;
  if (interventionProblem(vcpu, exit, intervention) !== null) {
    handler(host, exit);
    return;
  }
  switch (intervention.kind) {
    case 'skip':
      setRegisters(vcpu, intervention.registers);
      if (endsWithoutInstruction(exit)) break;
      vcpu.skipInstruction(intervention.length);
      break;
    case 'return':
      handler(host, exit);
      if (witness.kind !== OUTCOME.injected) setRegisters(vcpu, intervention.registers);
      break;
    case 'inject':
      injectEvent(vcpu, intervention.event);
  }
  if (intervention.kind === 'skip') witness.kind = OUTCOME.skipped;
  witness.intervened = 1;
}

/** A trap and an NMI come after their instruction. */
const endsWithoutInstruction = ({ event }: VmExit): boolean =>
  event.kind === 'exception' && (event.type === 'trap' || event.type === 'nmi');

function setRegisters({ processor }: GuestVcpu, registers: readonly RegisterResult[]): void {
  for (const { register, value } of registers) {
    const [number, size] = RESULT_REGISTERS[register];
    processor.state.setGpr(number, size, value);
  }
}
