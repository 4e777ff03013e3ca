/**
 * What each guest of this folder must leave for, as data: the controls over the profile `bare`, and the
 * exits in their order with the fields that are checked. Expected values are the manual's (SDM vol. 3,
 * sections in `manual`) for the instructions in the guest's source, not what this machine once gave.
 */
import type { MachineConfiguration } from '../../../emulator/debug-port.ts';
import { REASON } from '../../../emulator/hypervisor/exit-reasons.ts';
import type { RecordedExit } from '../../../emulator/hypervisor/vm-exit.ts';

/** An exit's reason, and whichever of its fields are checked. */
export type WantedExit = Partial<RecordedExit> & { readonly reason: number };

/** Numbers of the general registers. */
export const GENERAL = { eax: 0, ecx: 1, edx: 2, ebx: 3, esp: 4, ebp: 5, esi: 6, edi: 7 } as const;

export interface ExitCase {
  /** What it shows. */
  readonly name: string;
  /** NAME.s of this folder. */
  readonly guest: string;
  /** Section of the SDM, volume 3. */
  readonly manual: string;
  /** Settings of hypervisor.exits over the profile `bare`. */
  readonly on: MachineConfiguration['hypervisor']['exits'];
  /** Those of the run that must not leave; absent: none. */
  readonly off?: MachineConfiguration['hypervisor']['exits'];
  /** Reasons of the exits that happen there all the same; absent: none. */
  readonly offExits?: readonly number[];
  /** All exits, in order. */
  readonly exits: readonly WantedExit[];
  readonly cpu?: string;
  readonly vcpus?: number;
  /** Registers at the end where they are not those of the run without exits. */
  readonly sees?: { readonly [register in keyof typeof GENERAL]?: number };
  /** The stop of the run with exits where it is not that of the one without. */
  readonly endsOtherwise?: string;
}

const {
  CPUID, HLT, INVD, WBINVD, INVLPG, RDPMC, RDTSC, RDTSCP, PAUSE, VMCALL, CR_ACCESS, DR_ACCESS, IO_INSTRUCTION, RDMSR, WRMSR,
  GDTR_IDTR_ACCESS, LDTR_TR_ACCESS, EXCEPTION_NMI, EXTERNAL_INTERRUPT, INTERRUPT_WINDOW, TASK_SWITCH, TRIPLE_FAULT,
  EPT_VIOLATION, VMCLEAR, VMLAUNCH, VMPTRLD, VMPTRST, VMREAD, VMRESUME, VMWRITE, VMXOFF, VMXON, INVEPT, INVVPID,
} = REASON; // prettier-ignore

/** Exits of one reason, with nothing checked but that. */
const times = (count: number, reason: number): readonly WantedExit[] =>
  Array.from({ length: count }, () => ({ reason }));

/** Access types of control registers, table 28-3, bits 5:4. */
const FROM_CR = 1 << 4;
const CLTS = 2 << 4;
const LMSW = 3 << 4;

// prettier-ignore
export const EXIT_CASES: readonly ExitCase[] = [
  { name: 'CPUID', guest: 'cpuid', manual: '26.1.2', on: { cpuid: true },
    exits: [{ reason: CPUID, instructionLength: 2, eax: 1 }, { reason: CPUID, eax: 4, ecx: 1 }] },
  { name: 'HLT', guest: 'hlt', manual: '26.1.3 "HLT exiting"', on: { hlt: true }, exits: [{ reason: HLT, instructionLength: 1 }] },
  { name: 'INVD', guest: 'caches', manual: '26.1.2', on: { invd: true }, exits: [{ reason: INVD, instructionLength: 2 }] },
  { name: 'WBINVD', guest: 'caches', manual: '26.1.3 "WBINVD exiting"', on: { wbinvd: true },
    exits: [{ reason: WBINVD, instructionLength: 2 }, { reason: WBINVD, instructionLength: 3 }] },
  { name: 'INVLPG', guest: 'invlpg', manual: '26.1.3 "INVLPG exiting"', on: { invlpg: true },
    exits: [{ reason: INVLPG, qualification: 0x12345678 }, { reason: INVLPG, qualification: 0xfffff010 }] },
  { name: 'RDPMC', guest: 'rdpmc', manual: '26.1.3 "RDPMC exiting"', on: { rdpmc: true },
    exits: [{ reason: RDPMC, ecx: 1 }, { reason: RDPMC, ecx: 7 }] },
  { name: 'RDTSC', guest: 'rdtsc', manual: '26.1.3 "RDTSC exiting"', on: { rdtsc: true },
    exits: [{ reason: RDTSC, instructionLength: 2 }, { reason: RDTSC, instructionLength: 3 }] },
  { name: 'RDTSCP', guest: 'rdtsc', manual: '26.1.3 "RDTSC exiting"', cpu: 'max', on: { rdtsc: true },
    exits: [...times(2, RDTSC), { reason: RDTSCP, instructionLength: 3 }] },
  { name: 'PAUSE', guest: 'pause', manual: '26.1.3 "PAUSE exiting"', on: { pause: true },
    exits: [...times(2, PAUSE), { reason: PAUSE, instructionLength: 3 }] },
  { name: 'VMCALL', guest: 'vmcall', manual: '26.1.2', on: { vmcall: true }, exits: times(2, VMCALL) },
  { name: 'VMX instructions', guest: 'vmx', manual: '26.1.2', on: { vmx: true },
    exits: [VMCLEAR, VMLAUNCH, VMPTRLD, VMPTRST, VMREAD, VMRESUME, VMWRITE, VMXOFF, VMXON, INVEPT, INVVPID].map((reason) => ({ reason })) },
  { name: 'CR3-load and CR3-store exiting', guest: 'cr3', manual: '26.1.3', on: { cr3: true },
    exits: [...times(4, CR_ACCESS).map((exit) => ({ ...exit, instructionLength: 3 })), { reason: CR_ACCESS, qualification: FROM_CR | 3 << 8 | 3 }] },
  { name: 'MOV-DR exiting', guest: 'debug-registers', manual: '26.1.3', on: { drAccess: true }, exits: times(5, DR_ACCESS) },
  { name: 'Unconditional I/O exiting', guest: 'io', manual: '26.1.3', on: { io: true }, exits: times(11, IO_INSTRUCTION) },
  { name: 'RDMSR', guest: 'msr', manual: '26.1.3', on: { rdmsr: true }, exits: [...times(4, RDMSR), { reason: WRMSR }] },
  { name: 'WRMSR', guest: 'msr', manual: '26.1.3', on: { wrmsr: true }, exits: [{ reason: WRMSR }, { reason: RDMSR }, { reason: WRMSR }] },
  { name: 'Descriptor-table exiting', guest: 'descriptor-tables', manual: '26.1.3', on: { descriptorTables: true },
    exits: [...times(2 + 4, GDTR_IDTR_ACCESS), ...times(4, LDTR_TR_ACCESS)] },
  { name: 'Exceptions', guest: 'exceptions', manual: '26.2', on: { exceptions: true }, exits: times(8, EXCEPTION_NMI) },
  { name: 'External-interrupt exiting and interrupt window', guest: 'external-interrupt', manual: '26.2', on: { externalInterrupt: true },
    exits: [{ reason: EXTERNAL_INTERRUPT }, { reason: INTERRUPT_WINDOW }] },
  { name: 'NMI exiting', guest: 'nmi', manual: '26.2', on: { exceptions: true }, exits: times(2, EXCEPTION_NMI) },
  { name: 'Task switches', guest: 'task-switch', manual: '26.4.2', on: { taskSwitch: true }, exits: times(2, TASK_SWITCH) },
  { name: 'Triple fault', guest: 'triple-fault', manual: '26.2', on: { tripleFault: true }, exits: times(1, TRIPLE_FAULT) },
  { name: 'EPT violations of devices and holes', guest: 'ept-violation', manual: '29.3.3.2', on: { eptViolation: true }, exits: times(4, EPT_VIOLATION) },
  { name: 'Every bit of CR0 and CR4', guest: 'control-registers', manual: '26.1.3', on: { crAccess: true },
    exits: [
      { reason: CR_ACCESS, qualification: 0 }, // PE, on the way to protected mode
      { reason: CR_ACCESS, qualification: 0 }, { reason: CR_ACCESS, qualification: CLTS },
      { reason: CR_ACCESS, qualification: LMSW | 0x1b << 16 }, { reason: CR_ACCESS, qualification: LMSW | 1 << 6 | 1 << 16 },
      { reason: CR_ACCESS, qualification: 4 }, { reason: CR_ACCESS, qualification: 0 }, { reason: CR_ACCESS, qualification: 4 },
    ] },
];
