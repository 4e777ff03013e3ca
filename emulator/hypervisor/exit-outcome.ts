/**
 * What became of a VM exit: what the hypervisor did to bring the guest past it, and what the guest got.
 * An outcome is numbers alone, like the exit that it belongs to; words are made when somebody looks.
 */

/** What was done, by number; the names are those of conditions ("exit.outcome == injected"). */
// prettier-ignore
export const OUTCOMES = [
  { number: 0, name: 'pending',     meaning: 'it waits for the hypervisor' },
  { number: 1, name: 'emulated',    meaning: 'the instruction was carried out for the guest' },
  { number: 2, name: 'skipped',     meaning: 'the instruction was passed over' },
  { number: 3, name: 'injected',    meaning: 'the guest got an exception' },
  { number: 4, name: 'redelivered', meaning: 'the event that the exit interrupted was delivered again' },
  { number: 5, name: 'halted',      meaning: 'the vCPU waits for an interrupt' },
  { number: 6, name: 'shutdown',    meaning: 'the vCPU has shut down' },
  { number: 7, name: 'resumed',     meaning: 'there was nothing to do but to enter the guest again' },
  { number: 8, name: 'dropped',     meaning: 'the debugger had moved the guest away from it' },
] as const satisfies readonly { readonly number: number; readonly name: string; readonly meaning: string }[];

export type OutcomeName = (typeof OUTCOMES)[number]['name'];

export const OUTCOME = Object.fromEntries(OUTCOMES.map((row) => [row.name, row.number])) as {
  readonly [name in OutcomeName]: number;
};

/** Of `vector`, `errorCode` and `interrupt`: there was none. */
export const NONE = 0xffffffff;

export interface ExitOutcome {
  /** One of OUTCOME. */
  readonly kind: number;
  /** 1 when a person or a breakpoint's action took the place of the hypervisor, else 0. */
  readonly intervened: number;
  /** Exception that the guest got, and its error code; NONE where there is none. */
  readonly vector: number;
  readonly errorCode: number;
  /** Vector of the interrupt that went in with the entry, or NONE. */
  readonly interrupt: number;
  /** EAX, EBX, ECX and EDX before the entry, unsigned. */
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
  /** The general register that a MOV from a control or debug register has written, else 0. */
  readonly gpr: number;
  /**
   * What it cost: things done to the guest, which are instructions emulated or skipped, events delivered,
   * and pieces of guest memory and entries of page tables read or written by the hypervisor.
   */
  readonly steps: number;
}
