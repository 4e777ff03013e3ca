/**
 * An outcome as people and conditions read it: the words of the log ("returned 0", "injected #GP(0)"),
 * and the values of the names that a condition after the hypervisor has handled the exit may use.
 */
import type { ExitOutcomeRecord } from '../stop-reason.ts';
import type { ExitField } from './exit-decoders.ts';
import { hex, vectorName, wideNumber } from './exit-decoders.ts';
import { NONE, OUTCOME, OUTCOMES, type ExitOutcome } from './exit-outcome.ts';
import { REASON } from './exit-reasons.ts';
import type { GuestInterface } from './guest-interface.ts';
import type { RecordedExit } from './vm-exit.ts';

type Result = (exit: RecordedExit, outcome: ExitOutcome) => number;
interface ResultRow {
  readonly reason: number;
  /** The result as one number; null: this exit has none. */
  readonly value: (exit: RecordedExit, outcome: ExitOutcome) => number | null;
  readonly text: (exit: RecordedExit, outcome: ExitOutcome, by: GuestInterface | null) => string;
}

const wide: Result = (_, { eax, edx }) => wideNumber(eax, edx);
const wideText = (_: RecordedExit, { eax, edx }: ExitOutcome): string =>
  edx === 0 ? hex(eax) : hex(edx) + eax.toString(16).padStart(8, '0');

/** What IN has put into AL, AX or EAX; OUT and the string instructions give nothing back. */
function inValue({ qualification }: RecordedExit, { eax }: ExitOutcome): number | null {
  if ((qualification & 0x18) !== 0x8) return null;
  const bits = ((qualification & 7) + 1) * 8;
  return bits === 32 ? eax : eax & ((1 << bits) - 1);
}
/** What a MOV from the register has put into a general one. */
const movedFrom =
  (mask: number, from: number) =>
  ({ qualification }: RecordedExit, { gpr }: ExitOutcome): number | null =>
    (qualification & mask) === from ? gpr : null;

function row(
  reason: number,
  value: ResultRow['value'],
  text: ResultRow['text'] = (exit, outcome) => hex(value(exit, outcome) ?? 0),
): ResultRow {
  return { reason, value, text };
}

// prettier-ignore
const RESULTS: readonly ResultRow[] = [
  row(REASON.CPUID,          (_, { eax }) => eax, (_, { eax, ebx, ecx, edx }) =>
    `eax ${hex(eax)}, ebx ${hex(ebx)}, ecx ${hex(ecx)}, edx ${hex(edx)}`),
  row(REASON.VMCALL,         (_, { eax }) => eax, (_, { eax }, by) => by?.describeResult(eax) ?? hex(eax)),
  row(REASON.RDMSR,          wide, wideText),
  row(REASON.RDTSC,          wide, wideText),
  row(REASON.RDTSCP,         wide, wideText),
  row(REASON.RDPMC,          wide, wideText),
  row(REASON.IO_INSTRUCTION, inValue),
  row(REASON.CR_ACCESS,      movedFrom(0x30, 0x10)),
  row(REASON.DR_ACCESS,      movedFrom(0x10, 0x10)),
];

/** What the guest got from an instruction that was carried out for it, as one number; else null. */
function resultOf(exit: RecordedExit, outcome: ExitOutcome): number | null {
  if (outcome.kind !== OUTCOME.emulated) return null;
  return RESULTS.find(({ reason }) => reason === exit.reason)?.value(exit, outcome) ?? null;
}

/** "#GP(0)", "#UD". */
function exceptionText({ vector, errorCode }: ExitOutcome): string {
  return (
    vectorName(vector) + (errorCode === NONE ? '' : `(${hex(errorCode).replace(/^0x0$/, '0')})`)
  );
}

const kindOf = ({ kind }: ExitOutcome) => OUTCOMES[kind] ?? OUTCOMES[0];

function outcomeText(
  exit: RecordedExit,
  outcome: ExitOutcome,
  guestInterface: GuestInterface | null,
): string {
  const { name } = kindOf(outcome);
  const result = resultOf(exit, outcome);
  const returned =
    result === null
      ? name
      : `returned ${RESULTS.find(({ reason }) => reason === exit.reason)?.text(exit, outcome, guestInterface) ?? ''}`;
  const what = outcome.kind === OUTCOME.injected ? `injected ${exceptionText(outcome)}` : returned;
  const interrupt =
    outcome.interrupt === NONE ? '' : `, interrupt ${hex(outcome.interrupt)} injected`;
  return `${outcome.intervened === 1 ? 'intervened: ' : ''}${what}${interrupt}`;
}

/** Names that a condition may use once the exit was handled. */
const AFTERWARDS = [
  { name: 'outcome',         meaning: 'what was done: emulated, skipped, injected, redelivered, halted, shutdown, resumed, dropped', value: (_, { kind }) => kind },
  { name: 'result',          meaning: 'what the guest got: EAX of CPUID and hypercalls, the value of IN, EDX:EAX of RDMSR, else 0', value: (exit, outcome) => resultOf(exit, outcome) ?? 0 },
  { name: 'intervened',      meaning: '1 when somebody took the hypervisor’s place', value: (_, { intervened }) => intervened },
  { name: 'injectedVector',  meaning: 'exception that the guest got, 0xffffffff for none', value: (_, { vector }) => vector },
  { name: 'injectedError',   meaning: 'its error code, 0xffffffff for none', value: (_, { errorCode }) => errorCode },
  { name: 'interruptVector', meaning: 'interrupt that went in with the entry, 0xffffffff for none', value: (_, { interrupt }) => interrupt },
  { name: 'steps',           meaning: 'what it cost: things done to the guest', value: (_, { steps }) => steps },
] as const satisfies readonly (ExitField & { readonly value: Result })[]; // prettier-ignore

export function outcomeNames(): readonly ExitField[] {
  const kinds = OUTCOMES.map(({ name, number, meaning }) => ({
    name,
    meaning: `${String(number)}, an outcome: ${meaning}`,
  }));
  return [...AFTERWARDS.map(({ name, meaning }) => ({ name, meaning })), ...kinds];
}

/** The value of such a name; null for any other. */
export function outcomeValue(
  exit: RecordedExit,
  outcome: ExitOutcome,
  name: string,
): number | null {
  const found = AFTERWARDS.find((each) => each.name === name);
  if (found !== undefined) return found.value(exit, outcome);
  return OUTCOMES.find((each) => each.name === name)?.number ?? null;
}

/** As in the log. @param guestInterface whose hypercalls they are */
export function describeOutcome(
  exit: RecordedExit,
  outcome: ExitOutcome,
  guestInterface: GuestInterface | null,
): ExitOutcomeRecord {
  const result = resultOf(exit, outcome);
  const has = (number: number): boolean => number !== NONE;
  return {
    kind: kindOf(outcome).name,
    text: outcomeText(exit, outcome, guestInterface),
    steps: outcome.steps,
    ...(outcome.intervened === 1 && { intervened: true as const }),
    ...(result !== null && { result }),
    ...(has(outcome.vector) && { vector: outcome.vector }),
    ...(has(outcome.errorCode) && { errorCode: outcome.errorCode }),
    ...(has(outcome.interrupt) && { interrupt: outcome.interrupt }),
  };
}
