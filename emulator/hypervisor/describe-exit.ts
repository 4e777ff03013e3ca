/**
 * A VM exit as people and conditions read it: the row of the log, and the values of the names that a
 * condition on it may use. Made from the recorded exit when somebody looks.
 */
import type { ExitRecord } from '../stop-reason.ts';
import { describeOutcome, outcomeNames, outcomeValue } from './describe-outcome.ts';
import type { ExitField, ExitFields } from './exit-decoders.ts';
import { exitReason, REASON } from './exit-reasons.ts';
import type { ExitReason } from './exit-reasons.ts';
import type { ExitOutcome } from './exit-outcome.ts';
import type { GuestInterface } from './guest-interface.ts';
import type { RecordedExit } from './vm-exit.ts';

const linearRip = (exit: RecordedExit): number => (exit.csBase + exit.rip) >>> 0;

/** Names that every exit has. */
const COMMON = [
  { name: 'reason', meaning: 'basic exit reason', value: (exit) => exit.reason },
  { name: 'qualification', meaning: 'exit qualification', value: (exit) => exit.qualification },
  { name: 'rip', meaning: 'offset in CS', value: (exit) => exit.rip },
  { name: 'linearRip', meaning: 'CS base + RIP', value: linearRip },
  { name: 'cpl', meaning: 'privilege level', value: (exit) => exit.cpl },
  { name: 'instructionLength', meaning: 'bytes', value: (exit) => exit.instructionLength },
  { name: 'ordinal', meaning: 'exits since power-on', value: (exit) => exit.ordinal },
  { name: 'position', meaning: 'instructions since power-on', value: (exit) => exit.position },
] as const satisfies readonly (ExitField & { readonly value: (exit: RecordedExit) => number })[];

/** Words for numbers in conditions: "direction == out". */
const CONSTANTS: { readonly [name: string]: number } = {
  out: 0,
  in: 1,
  read: 0,
  write: 1,
  fetch: 2,
};

/** Decoded fields of the exit's reason, by name. */
export function exitFields(exit: RecordedExit): ExitFields {
  return exitReason(exit.reason)?.decode.fields(exit) ?? {};
}

/** When a condition on an exit is asked: before the hypervisor has handled it, or after. */
export type ExitMoment = 'before' | 'after';

/** What a condition on an exit of this reason may name (null: of any reason), registers apart. */
export function exitNames(reason: ExitReason | null, when: ExitMoment): readonly ExitField[] {
  const constants = Object.entries(CONSTANTS).map(([name, value]) => ({
    name,
    meaning: `${value}, of direction or access`,
  }));
  const afterwards = when === 'after' ? outcomeNames() : [];
  return [...(reason?.decode.names ?? []), ...COMMON, ...constants, ...afterwards];
}

/** The value of such a name, or null for any other. @param outcome null: before it has one */
export function exitValue(
  exit: RecordedExit,
  name: string,
  outcome: ExitOutcome | null = null,
): number | null {
  const fields = exitFields(exit);
  if (Object.hasOwn(fields, name)) return fields[name];
  const common = COMMON.find((each) => each.name === name);
  if (common !== undefined) return common.value(exit);
  if (Object.hasOwn(CONSTANTS, name)) return CONSTANTS[name];
  return outcome === null ? null : outcomeValue(exit, outcome, name);
}

function detailOf(exit: RecordedExit, guestInterface: GuestInterface | null): string {
  if (guestInterface !== null && exit.reason === REASON.VMCALL) {
    return guestInterface.describeHypercall(exit).text;
  }
  const detail = exitReason(exit.reason)?.decode.detail(exit) ?? '';
  const known = guestInterface === null ? null : nameOf(exit, guestInterface);
  return known === null ? detail : `${detail} (${known})`;
}

/** What the paravirtual interface calls the register or leaf of an exit; null: it is not its own. */
function nameOf(exit: RecordedExit, guestInterface: GuestInterface): string | null {
  if (exit.reason === REASON.CPUID) return guestInterface.leafName(exit.eax);
  const isWrite = exit.reason === REASON.WRMSR;
  if (!isWrite && exit.reason !== REASON.RDMSR) return null;
  const value = isWrite ? { low: exit.eax, high: exit.edx } : null;
  const msr = guestInterface.describeMsr(exit.ecx, value);
  if (msr === null) return null;
  return msr.text === null ? msr.name : `${msr.name}: ${msr.text}`;
}

/** An exit and, where they are known, the number of its row in the log and what became of it. */
export type DescribedExit = RecordedExit & {
  readonly row?: number;
  readonly outcome?: ExitOutcome | null;
};

/** The row of the log. */
export function describeExit(
  exit: DescribedExit,
  guestInterface: GuestInterface | null,
): ExitRecord {
  const { row = exit.ordinal, outcome = null } = exit;
  return {
    ordinal: exit.ordinal,
    position: exit.position,
    reason: exit.reason,
    name: exitReason(exit.reason)?.name ?? exit.reason.toString(),
    qualification: exit.qualification,
    detail: detailOf(exit, guestInterface),
    fields: exitFields(exit),
    rip: exit.rip,
    linearRip: linearRip(exit),
    instructionLength: exit.instructionLength,
    cpl: exit.cpl,
    ...(exit.vcpu > 0 && { vcpu: exit.vcpu }),
    ...(row !== exit.ordinal && { row }),
    ...(outcome !== null && { outcome: describeOutcome(exit, outcome, guestInterface) }),
  };
}
