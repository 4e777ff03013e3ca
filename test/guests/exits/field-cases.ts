/**
 * Exits whose fields say more than which instruction it was, as rows of cases.ts: operand forms, events
 * whose delivery an exit interrupts, shadows of STI and MOV SS, NMIs that IRET unblocks. Expected values
 * follow from the guests' source by the tables of SDM vol. 3, chapter 28, that each row names.
 */
import { REASON } from '../../../emulator/hypervisor/exit-reasons.ts';
import type { ExitCase } from './cases.ts';

const { CPUID, EPT_VIOLATION, EXCEPTION_NMI, GDTR_IDTR_ACCESS, INVEPT, LDTR_TR_ACCESS, VMPTRLD, VMREAD, VMWRITE } = REASON; // prettier-ignore

/** Instruction information, tables 28-9 to 28-14. */
const FORM = { A32: 1 << 7, REGISTER: 1 << 10, O32: 1 << 11, NO_INDEX: 1 << 22, NO_BASE: 1 << 27 } as const; // prettier-ignore
const segment = (number: number): number => number << 15;
const index = (number: number, scale: number): number => (number << 18) | scale;
const base = (number: number): number => number << 23;
const identity = (number: number): number => number << 28;
const [EAX, ECX, EBX, EBP, ESI, EDI] = [0, 1, 3, 5, 6, 7];
const [ES, SS, DS] = [0, 2, 3];
const word = (value: number): number => value >>> 0;

/** Table 28-7: write and read, the linear address valid (7) and translated (8); NMI unblocking (12). */
const WRITE = 0x182;
const READ = 0x181;
const UNBLOCKED = 1 << 12;
const NOWHERE = 0xe0001000;

/** The frame of a delivery is pushed to NOWHERE. */
const pushes = (idtVectoringInformation: number, instructionLength: number) =>
  ({
    reason: EPT_VIOLATION,
    qualification: WRITE,
    guestPhysical: NOWHERE - 4,
    guestLinear: NOWHERE - 4,
    accessSize: 4,
    idtVectoringInformation,
    instructionLength,
    activity: 0,
  }) as const;
const writes = (guestPhysical: number, operand: number) =>
  ({ reason: EPT_VIOLATION, qualification: WRITE, guestPhysical, operand, idtVectoringInformation: 0 }) as const; // prettier-ignore

// prettier-ignore
export const FIELD_CASES: readonly ExitCase[] = [
  { name: 'Operands in instruction information and qualification', guest: 'operands', manual: '28.2.1, tables 28-9 to 28-14', on: { descriptorTables: true, vmx: true },
    exits: [
      { reason: GDTR_IDTR_ACCESS }, { reason: GDTR_IDTR_ACCESS },
      { reason: GDTR_IDTR_ACCESS, qualification: 0x10, instructionLength: 5,
        instructionInformation: FORM.A32 | FORM.O32 | segment(DS) | index(ESI, 2) | base(EBX) },
      { reason: GDTR_IDTR_ACCESS, qualification: 0x6000, instructionLength: 7,
        instructionInformation: FORM.A32 | FORM.O32 | segment(DS) | FORM.NO_INDEX | FORM.NO_BASE },
      { reason: GDTR_IDTR_ACCESS, qualification: 0, instructionLength: 4,
        instructionInformation: FORM.A32 | FORM.O32 | segment(ES) | FORM.NO_INDEX | base(EBX) | identity(1) },
      { reason: GDTR_IDTR_ACCESS, qualification: 0x10, instructionLength: 5,
        instructionInformation: FORM.O32 | segment(DS) | index(ESI, 0) | base(EBX) },
      { reason: GDTR_IDTR_ACCESS, qualification: 0x6000, instructionLength: 8,
        instructionInformation: FORM.A32 | segment(DS) | FORM.NO_INDEX | FORM.NO_BASE },
      { reason: LDTR_TR_ACCESS, qualification: 0xfffffffc,
        instructionInformation: FORM.A32 | segment(DS) | FORM.NO_INDEX | base(EBX) | identity(1) },
      { reason: LDTR_TR_ACCESS, qualification: 0, instructionInformation: FORM.REGISTER | (ECX << 3) },
      { reason: VMREAD, qualification: 0x100,
        instructionInformation: FORM.A32 | segment(DS) | index(ESI, 1) | base(EBX) | (EDI << 28) },
      { reason: VMWRITE, qualification: 0, instructionInformation: FORM.REGISTER | (EAX << 3) | (ECX << 28) },
      { reason: VMPTRLD, qualification: 8, instructionInformation: FORM.A32 | segment(SS) | FORM.NO_INDEX | base(EBP) },
      { reason: INVEPT, qualification: 0,
        instructionInformation: FORM.A32 | segment(DS) | FORM.NO_INDEX | base(EBX) | (ESI << 28) },
    ].map((exit) => ('instructionInformation' in exit ? { ...exit, instructionInformation: word(exit.instructionInformation ?? 0) } : exit)) },
  { name: 'Interruptibility and pending debug exceptions', guest: 'shadows', manual: '25.4.2, tables 25-3 and 25-4; 28.3.4', on: { cpuid: true },
    exits: [
      { reason: CPUID, interruptibility: 0, pendingDebug: 0 },
      { reason: CPUID, interruptibility: 1, pendingDebug: 0 },
      { reason: CPUID, interruptibility: 2, pendingDebug: 0 },
      { reason: CPUID, interruptibility: 2, pendingDebug: 1 | 1 << 12 },
    ] },
  { name: 'Delivery that an EPT violation interrupts', guest: 'delivery', manual: '28.2.4, table 25-19; 28.2.3 "NMI unblocking due to IRET"', on: { eptViolation: true },
    exits: [
      pushes(0x80000440, 2), pushes(0x80000603, 1), pushes(0x80000501, 1), pushes(0x80000306, 0),
      { ...pushes(0x80000b0d, 0), idtVectoringErrorCode: 0x28 },
      writes(0xfee00310, 0), writes(0xfee00300, 0x44041), { ...pushes(0x80000041, 0), interruptibility: 0 },
      writes(0xfee000b0, 0), writes(0xfee00300, 0x400), { ...pushes(0x80000202, 0), interruptibility: 8 },
      { reason: EPT_VIOLATION, qualification: READ | UNBLOCKED, guestPhysical: NOWHERE, interruptibility: 0, idtVectoringInformation: 0 },
      { reason: EPT_VIOLATION, qualification: READ, guestPhysical: NOWHERE, interruptibility: 0 },
    ] },
  { name: 'Faults in the delivery of events', guest: 'bad-gates', manual: '28.2.4', on: { exceptions: ['#GP'] },
    exits: [
      { reason: EXCEPTION_NMI, interruptionInformation: 0x80000b0d, interruptionErrorCode: 0x41 << 3 | 2, idtVectoringInformation: 0x80000441, instructionLength: 2 },
      { reason: EXCEPTION_NMI, interruptionInformation: 0x80000b0d, interruptionErrorCode: 6 << 3 | 3, idtVectoringInformation: 0x80000306, instructionLength: 0 },
      { reason: EXCEPTION_NMI, interruptionInformation: 0x80000b0d, interruptionErrorCode: 0x28, idtVectoringInformation: 0 },
    ] },
  { name: 'A double fault, which is no exit during delivery', guest: 'bad-gates', manual: '28.2.4', on: { exceptions: ['#DF'] },
    exits: [{ reason: EXCEPTION_NMI, interruptionInformation: 0x80000b08, interruptionErrorCode: 0, idtVectoringInformation: 0, instructionLength: 0 }] },
];
