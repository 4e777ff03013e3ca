/**
 * What the exits of a reason are told apart by in statistics: the port of an I/O instruction, the number
 * of a hypercall, the page of an EPT violation. One row a reason; a key is a number of 32 bits made from
 * the recorded exit, so that counting is a matter of numbers.
 */
import { msrName } from '../cpu/msrs.ts';
import { hex, vectorName } from './exit-decoders.ts';
import { REASON } from './exit-reasons.ts';
import type { GuestInterface } from './guest-interface.ts';
import { REASON_SLOTS, reasonSlot } from './reason-slots.ts';
import type { RecordedExit } from './vm-exit.ts';

export interface ExitKey {
  readonly reason: number;
  /** What the key is: "port", "MSR". */
  readonly what: string;
  /** Unsigned 32 bits. */
  of(exit: RecordedExit): number;
  /** "out 0x3f8", "MSR_KVM_STEAL_TIME". */
  text(key: number, guestInterface: GuestInterface | null): string;
}

const PAGE = 4096;

/** Bit 0 the direction (1 IN), the rest the port. */
const portOf = ({ qualification }: RecordedExit): number =>
  ((qualification >>> 16) << 1) | ((qualification >>> 3) & 1);
const portText = (key: number): string => `${(key & 1) === 1 ? 'in' : 'out'} ${hex(key >>> 1)}`;

/** SDM vol. 3, table 28-3: register in bits 3:0, access in bits 5:4. */
function controlText(key: number): string {
  const register = `cr${String(key & 15)}`;
  return [`to ${register}`, `from ${register}`, 'clts', 'lmsw'][(key >>> 4) & 3];
}
/** Table 28-4: register in bits 2:0, from it in bit 4. */
const debugText = (key: number): string =>
  `${(key & 16) === 0 ? 'to' : 'from'} dr${String(key & 7)}`;

const msrText = (key: number, guestInterface: GuestInterface | null): string =>
  guestInterface?.describeMsr(key, null)?.name ?? msrName(key) ?? hex(key);

const leafText = (key: number, guestInterface: GuestInterface | null): string =>
  guestInterface?.leafName(key) ?? hex(key);

const NO_REGISTERS = { ebx: 0, ecx: 0, edx: 0, esi: 0 };
const hypercallText = (key: number, guestInterface: GuestInterface | null): string =>
  guestInterface?.describeHypercall({ eax: key, ...NO_REGISTERS }).name ?? hex(key);

const pageText = (key: number): string => hex(key * PAGE);
const tableInstruction = ({ instructionInformation }: RecordedExit): number =>
  (instructionInformation >>> 28) & 3;

// prettier-ignore
const KEYS: readonly ExitKey[] = [
  { reason: REASON.EXCEPTION_NMI,    what: 'vector',      of: (exit) => exit.interruptionInformation & 0xff,           text: vectorName },
  { reason: REASON.SWINT,            what: 'vector',      of: (exit) => exit.exitInfo1,                                text: hex },
  { reason: REASON.TASK_SWITCH,      what: 'TSS',         of: (exit) => exit.qualification & 0xffff,                   text: hex },
  { reason: REASON.CPUID,            what: 'leaf',        of: (exit) => exit.eax,                                      text: leafText },
  { reason: REASON.INVLPG,           what: 'page',        of: (exit) => exit.qualification >>> 12,                     text: pageText },
  { reason: REASON.VMCALL,           what: 'hypercall',   of: (exit) => exit.eax,                                      text: hypercallText },
  { reason: REASON.CR_ACCESS,        what: 'register',    of: (exit) => exit.qualification & 0x3f,                     text: controlText },
  { reason: REASON.DR_ACCESS,        what: 'register',    of: (exit) => exit.qualification & 0x17,                     text: debugText },
  { reason: REASON.IO_INSTRUCTION,   what: 'port',        of: portOf,                                                  text: portText },
  { reason: REASON.RDMSR,            what: 'MSR',         of: (exit) => exit.ecx,                                      text: msrText },
  { reason: REASON.WRMSR,            what: 'MSR',         of: (exit) => exit.ecx,                                      text: msrText },
  { reason: REASON.GDTR_IDTR_ACCESS, what: 'instruction', of: tableInstruction,                                        text: (key) => ['sgdt', 'sidt', 'lgdt', 'lidt'][key & 3] },
  { reason: REASON.LDTR_TR_ACCESS,   what: 'instruction', of: tableInstruction,                                        text: (key) => ['sldt', 'str', 'lldt', 'ltr'][key & 3] },
  { reason: REASON.EPT_VIOLATION,    what: 'page',        of: (exit) => Math.floor(exit.guestPhysical / PAGE),         text: pageText },
  { reason: REASON.EPT_MISCONFIGURATION, what: 'page',    of: (exit) => Math.floor(exit.guestPhysical / PAGE),         text: pageText },
];

const BY_SLOT: readonly (ExitKey | null)[] = Array.from(
  { length: REASON_SLOTS },
  (_, slot) => KEYS.find(({ reason }) => reasonSlot(reason) === slot) ?? null,
);

/** How exits of this reason are told apart; null: not at all. */
export function exitKey(reason: number): ExitKey | null {
  return BY_SLOT[reasonSlot(reason)];
}
