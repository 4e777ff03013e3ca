/**
 * The guests of this folder on a processor of AMD's, as rows of cases.ts: which of their events leave under
 * SVM's intercepts, in the order of its table 15-7, with EXITCODE, EXITINFO1 and EXITINFO2. Expected values
 * follow from the guests' source by AMD APM vol. 2, the sections that each row names, and appendix C.
 */
import { REASON } from '../../../emulator/hypervisor/exit-reasons.ts';
import { SVM_EXIT } from '../../../emulator/hypervisor/svm-exit-codes.ts';
import type { ExitCase, WantedExit } from './cases.ts';

const {
  CPUID, HLT, INIT, INVD, INVLPG, MONITOR, MWAIT, WBINVD, RDPMC, RDTSC, RDTSCP, PAUSE, VMCALL, CR_ACCESS, DR_ACCESS, IO_INSTRUCTION, RDMSR, WRMSR,
  GDTR_IDTR_ACCESS, LDTR_TR_ACCESS, EXCEPTION_NMI, EXTERNAL_INTERRUPT, INTERRUPT_WINDOW, TASK_SWITCH, TRIPLE_FAULT,
  EPT_VIOLATION, SMSW, PUSHF, POPF, IRET, SWINT, INVLPGA, VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT,
} = REASON; // prettier-ignore

/** EXITINFO1 bit 63, in its upper half: MOV CR. */
const MOV_CR = 0x80000000;
const cr = (exitCode: number, gpr: number): WantedExit => ({ reason: CR_ACCESS, exitCode, exitInfo1: gpr, exitInfo1High: MOV_CR }); // prettier-ignore
/** CLTS and LMSW. */
const cr0Write: WantedExit = { reason: CR_ACCESS, exitCode: 0x10, exitInfo1: 0, exitInfo1High: 0 };
const exit = (reason: number, exitCode: number, exitInfo1 = 0): WantedExit => ({ reason, exitCode, exitInfo1 }); // prettier-ignore
const table = (exitCode: number): WantedExit =>
  exit([0x66, 0x67, 0x6a, 0x6b].includes(exitCode) ? GDTR_IDTR_ACCESS : LDTR_TR_ACCESS, exitCode);
const npf = (access: number, exitInfo2: number): WantedExit => ({ reason: EPT_VIOLATION, exitCode: 0x400, exitInfo1: access | 4, exitInfo1High: 1, exitInfo2 }); // prettier-ignore

// prettier-ignore
export const SVM_CASES: readonly ExitCase[] = [
  { name: 'SVM: CPUID', guest: 'cpuid', manual: 'APM 15.9', on: { svm: ['CPUID'] }, exits: [exit(CPUID, 0x72), exit(CPUID, 0x72)] },
  { name: 'SVM: HLT', guest: 'hlt', manual: 'APM 15.9', on: { svm: [], hlt: true }, exits: [exit(HLT, 0x78)] },
  { name: 'SVM: INVLPG', guest: 'invlpg', manual: 'APM 15.9, 15.33.2', on: { svm: ['INVLPG'] }, exits: [exit(INVLPG, 0x79, 0x12345678), exit(INVLPG, 0x79, 0xfffff010)] },
  { name: 'SVM: RDPMC, after its #GP', guest: 'rdpmc', manual: 'APM table 15-7', on: { svm: ['RDPMC'] }, exits: [exit(RDPMC, 0x6f)] },
  { name: 'SVM: RDTSC and RDTSCP', guest: 'rdtsc', manual: 'APM 15.9', cpu: 'max', on: { svm: ['RDTSC', 'RDTSCP'] },
    exits: [exit(RDTSC, 0x6e), exit(RDTSC, 0x6e), exit(RDTSCP, 0x87)] },
  { name: 'SVM: PAUSE', guest: 'pause', manual: 'APM 15.9', on: { svm: ['PAUSE'] }, exits: [exit(PAUSE, 0x77), exit(PAUSE, 0x77), exit(PAUSE, 0x77)] },
  { name: 'SVM: VMMCALL, while VMCALL is undefined', guest: 'vmcall', manual: 'APM 15.9', on: { svm: ['VMMCALL'] }, exits: [exit(VMCALL, 0x81)] },
  { name: 'SVM: its own instructions', guest: 'svm', manual: 'APM 15.9', on: { svm: ['VMRUN', 'VMLOAD', 'VMSAVE', 'STGI', 'CLGI', 'SKINIT', 'INVLPGA'] },
    exits: [exit(VMRUN, 0x80), exit(VMLOAD, 0x82), exit(VMSAVE, 0x83), exit(STGI, 0x84), exit(CLGI, 0x85), exit(SKINIT, 0x86), exit(INVLPGA, 0x7a)] },
  { name: 'SVM: CR0 and CR4, after the #GP of reserved bits', guest: 'control-registers', manual: 'APM 15.8.1, 15.33.1, table 15-7',
    on: { svm: ['CR0_READ', 'CR0_WRITE', 'CR4_READ', 'CR4_WRITE'] },
    exits: [
      cr(0x00, 0), cr(0x10, 0), cr(0x00, 0), cr(0x10, 0), cr0Write, cr(0x00, 3), cr0Write, cr0Write,
      { reason: SMSW, exitCode: 0x00, exitInfo1: 0, exitInfo1High: 0 }, cr(0x04, 2), cr(0x14, 0), cr(0x04, 6),
    ] },
  // PE, and both LMSW whatever they write; neither TS alone nor CLTS
  { name: 'SVM: selective write of CR0', guest: 'control-registers', manual: 'APM 15.8.1', on: { svm: ['CR0_SEL_WRITE'] },
    exits: [MOV_CR, 0, 0].map((exitInfo1High) => ({ reason: CR_ACCESS, exitCode: 0x65, exitInfo1High })) },
  { name: 'SVM: debug registers', guest: 'debug-registers', manual: 'APM 15.8.2', on: { svm: [], drAccess: true },
    exits: [exit(DR_ACCESS, 0x30, 0), exit(DR_ACCESS, 0x20, 3), exit(DR_ACCESS, 0x26, 1), exit(DR_ACCESS, 0x27, 2), exit(DR_ACCESS, 0x37, 2)] },
  { name: 'SVM: ports', guest: 'io', manual: 'APM 15.10.2', on: { svm: [], io: true },
    exits: [
      0x00800111, 0x00800121, 0x00800141, 0x00800110, 0x02f80111, 0x02f80115, 0x02f8014d, 0x02f80d24, 0x02f8011c, 0xffff0141, 0xffff0111,
    ].map((information) => exit(IO_INSTRUCTION, 0x7b, information)) },
  // under VMX an access past port FFFFh leaves in any case; here it asks the bits behind the last port's
  { name: 'SVM: the end of the I/O permissions map', guest: 'io', manual: 'APM 15.10.1', on: { svm: [], io: ['0x3f8'] }, exits: [] },
  // registers outside the map leave whatever it says
  { name: 'SVM: MSRs', guest: 'msr', manual: 'APM 15.11', on: { svm: [], rdmsr: true }, 
    exits: [exit(RDMSR, 0x7c), exit(RDMSR, 0x7c), exit(RDMSR, 0x7c), exit(RDMSR, 0x7c), exit(WRMSR, 0x7c, 1)] },
  { name: 'SVM: descriptor tables', guest: 'descriptor-tables', manual: 'APM 15.9', on: { svm: [], descriptorTables: true },
    exits: [0x6b, 0x6a, 0x67, 0x6b, 0x66, 0x6a, 0x68, 0x6c, 0x69, 0x6d].map(table) },
  { name: 'SVM: exceptions', guest: 'exceptions', manual: 'APM 15.12', on: { svm: ['ICEBP'], exceptions: true },
    exits: [
      exit(EXCEPTION_NMI, 0x40), exit(EXCEPTION_NMI, 0x46), exit(EXCEPTION_NMI, 0x43), exit(EXCEPTION_NMI, SVM_EXIT.ICEBP),
      exit(EXCEPTION_NMI, 0x44), exit(EXCEPTION_NMI, 0x4d, 0x28), exit(EXCEPTION_NMI, 0x41), exit(EXCEPTION_NMI, 0x47),
    ] },
  { name: 'SVM: INTR and VINTR', guest: 'external-interrupt', manual: 'APM 15.13.1, 15.21.4', on: { svm: [], externalInterrupt: true },
    exits: [exit(EXTERNAL_INTERRUPT, 0x60), exit(INTERRUPT_WINDOW, 0x64)] },
  { name: 'SVM: NMI', guest: 'nmi', manual: 'APM 15.13.2', on: { svm: ['NMI'] }, exits: [exit(EXCEPTION_NMI, 0x61), exit(EXCEPTION_NMI, 0x61)] },
  { name: 'SVM: task switches', guest: 'task-switch', manual: 'APM 15.14.1', on: { svm: ['TASK_SWITCH'] },
    exits: [
      { reason: TASK_SWITCH, exitCode: 0x7d, exitInfo1: 0x20, exitInfo2: 0 },
      { reason: TASK_SWITCH, exitCode: 0x7d, exitInfo1: 0x18, exitInfo2: 2 ** 36 },
    ] },
  { name: 'SVM: shutdown', guest: 'triple-fault', manual: 'APM 15.14.3', on: { svm: ['SHUTDOWN'] }, exits: [exit(TRIPLE_FAULT, 0x7f)] },
  { name: 'SVM: nested page faults', guest: 'ept-violation', manual: 'APM 15.25.6', on: { svm: [], eptViolation: true },
    exits: [npf(0, 0xfec00000), npf(2, 0xfec00000), npf(0, 0xfec00010), npf(0, 0xe0000000)] },
  { name: 'SVM: flags, software interrupts and returns', guest: 'flags', manual: 'APM 15.9, 15.12, table 15-7',
    on: { svm: ['PUSHF', 'POPF', 'SWINT', 'IRET', 'CR0_READ', 'EXCP3', 'EXCP4', 'EXCP5', 'ICEBP'] },
    exits: [
      cr(0x00, 0), exit(PUSHF, 0x70), exit(POPF, 0x71), exit(PUSHF, 0x70), exit(POPF, 0x71), exit(SMSW, 0x00), exit(SWINT, 0x75, 0x42),
      exit(EXCEPTION_NMI, 0x43), exit(EXCEPTION_NMI, 0x44), exit(EXCEPTION_NMI, 0x45), exit(PUSHF, 0x70), exit(IRET, 0x74),
      exit(EXCEPTION_NMI, SVM_EXIT.ICEBP),
    ] },
  { name: 'SVM: INVD', guest: 'caches', manual: 'APM 15.9', on: { svm: ['INVD'] }, exits: [exit(INVD, 0x76)] },
  { name: 'SVM: WBINVD', guest: 'caches', manual: 'APM 15.9', on: { svm: ['WBINVD'] }, exits: [exit(WBINVD, 0x89), exit(WBINVD, 0x89)] },
  { name: 'SVM: MONITOR, after the #GP of its hints', guest: 'monitor', cpu: 'max', manual: 'APM table 15-7', on: { svm: ['MONITOR'] }, exits: [exit(MONITOR, 0x8a)] },
  { name: 'SVM: MWAIT, after the #GP of its hints', guest: 'monitor', cpu: 'max', manual: 'APM table 15-7', on: { svm: ['MWAIT'] }, exits: [exit(MWAIT, 0x8b)] },
  { name: 'SVM: MWAIT of an armed monitor', guest: 'monitor', cpu: 'max', manual: 'APM 15.9', on: { svm: ['MWAIT_CONDITIONAL'] }, exits: [exit(MWAIT, 0x8c)] },
  { name: 'SVM: INIT', guest: 'signals', vcpus: 2, manual: 'APM 15.13.4', on: { svm: ['INIT'] }, exits: [{ ...exit(INIT, 0x63), vcpu: 1 }] },
  { name: 'SVM: page faults', guest: 'page-faults', manual: 'APM 15.12.15', on: { svm: ['EXCP14'] },
    exits: [0, 2, 3].map((code, at) => ({ ...exit(EXCEPTION_NMI, 0x4e, code), exitInfo2: [0x400000, 0x400004, 0x800008][at] ?? 0 })) },
  { name: 'SVM: delivery that a nested page fault interrupts', guest: 'delivery', manual: 'APM 15.7.2', on: { svm: [], eptViolation: true },
    exits: [
      ...Array.from({ length: 5 }, () => npf(2, 0xe0000ffc)), npf(2, 0xfee00310), npf(2, 0xfee00300), npf(2, 0xe0000ffc),
      npf(2, 0xfee000b0), npf(2, 0xfee00300), npf(2, 0xe0000ffc), npf(0, 0xe0001000), npf(0, 0xe0001000),
    ] },
  { name: 'SVM: faults in the delivery of events', guest: 'bad-gates', manual: 'APM 15.7.2, 15.12', on: { svm: ['EXCP13'] },
    exits: [exit(EXCEPTION_NMI, 0x4d, 0x20a), exit(EXCEPTION_NMI, 0x4d, 0x33), exit(EXCEPTION_NMI, 0x4d, 0x28)] },
];
