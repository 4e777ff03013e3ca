/**
 * Every VMX basic exit reason (SDM vol. 3, appendix C, table C-1) as one row: the only place where a
 * reason's number, names, group and launch attribute are written; after them the events that leave under
 * AMD's SVM alone, numbered SVM_ONLY + EXITCODE. Breakpoints, the log, completion and the launch schema are
 * derived from it; exits/handlers.ts has a handler for each row without a gap.
 */
import {
  CPUID, CR_ACCESS, DR_ACCESS, EPT_MISCONFIGURATION, EPT_VIOLATION, EXCEPTION, GDTR_IDTR_ACCESS, INVLPG, IO, LDTR_TR_ACCESS, NOTHING, RDMSR,
  RDPMC, SWINT, TASK_SWITCH, VMCALL, WRMSR,
} from './exit-decoders.ts'; // prettier-ignore
import type { ExitDecoder } from './exit-decoders.ts';
import { didYouMean } from '../nearest-name.ts';

/** Added to the EXITCODE of an event that VMX has no reason for. */
export const SVM_ONLY = 0x10000;

/** Groups of the breakpoint tree, in its order. */
export const EXIT_GROUPS = [
  'Interrupts and exceptions',
  'Hypercalls',
  'Instructions',
  'Registers',
  'Input/output and memory',
  'Local APIC',
  'Nested virtualization',
  'VM-entry failures',
  'System',
] as const;
export type ExitGroup = (typeof EXIT_GROUPS)[number];

export interface ExitReason {
  /** Bits 15:0 of the exit-reason field, or SVM_ONLY + EXITCODE. */
  readonly number: number;
  readonly name: string;
  /** Names that Linux, Xen, Bochs and kvm-unit-tests have for it where they differ. */
  readonly synonyms: readonly string[];
  readonly group: ExitGroup;
  /** Name under hypervisor.exits in launch.json, or null where nothing switches it. */
  readonly attribute: string | null;
  readonly decode: ExitDecoder;
  /** Why this machine never leaves for it, as an end to "… is not emulated:"; null when it does. */
  readonly gap: string | null;
  /** One sentence: when it happens, with the SDM's section of volume 3. */
  readonly summary: string;
}

const APIC = 'the local APIC is a device behind EPT_VIOLATION';
const SMM = 'there is no system-management mode';
const FEATURE = 'the processor model has no such instruction';

// prettier-ignore
export const EXIT_REASONS = [
  { number:  0, name: 'EXCEPTION_NMI',                synonyms: ['EXCEPTION', 'EXC_NMI'],                         group: 'Interrupts and exceptions', attribute: 'exceptions',        decode: EXCEPTION,        gap: null,    summary: 'An exception whose bit in the exception bitmap is set, or an NMI, is about to be delivered (26.2).' },
  { number:  1, name: 'EXTERNAL_INTERRUPT',           synonyms: ['EXTINT'],                                       group: 'Interrupts and exceptions', attribute: 'externalInterrupt', decode: NOTHING,          gap: null,    summary: 'The interrupt line is asserted, whether or not the guest has interrupts enabled (26.2).' },
  { number:  2, name: 'TRIPLE_FAULT',                 synonyms: ['SHUTDOWN'],                                     group: 'Interrupts and exceptions', attribute: 'tripleFault',       decode: NOTHING,          gap: null,    summary: 'A fault came up while a double fault was being delivered (26.2).' },
  { number:  3, name: 'INIT',                         synonyms: ['INIT_SIGNAL'],                                  group: 'System',                    attribute: 'init',                decode: NOTHING,          gap: null, summary: 'An INIT signal arrived (26.2).' },
  { number:  4, name: 'SIPI',                         synonyms: ['SIPI_SIGNAL', 'STARTUP_IPI'],                   group: 'System',                    attribute: 'sipi',                decode: NOTHING,          gap: null, summary: 'A start-up interprocessor interrupt arrived in the wait-for-SIPI state (26.2).' },
  { number:  5, name: 'IO_SMI',                       synonyms: [],                                               group: 'System',                    attribute: null,                decode: NOTHING,          gap: SMM,     summary: 'A system-management interrupt arrived right after an I/O instruction (32.15.2).' },
  { number:  6, name: 'SMI',                          synonyms: ['OTHER_SMI'],                                    group: 'System',                    attribute: null,                decode: NOTHING,          gap: SMM,     summary: 'A system-management interrupt arrived otherwise (32.15.2).' },
  { number:  7, name: 'INTERRUPT_WINDOW',             synonyms: ['PENDING_INTERRUPT', 'INTR_WINDOW', 'PENDING_VIRT_INTR'], group: 'Interrupts and exceptions', attribute: 'interruptWindow',      decode: NOTHING,          gap: null,    summary: 'The guest has become able to take an interrupt that the hypervisor holds for it (26.2).' },
  { number:  8, name: 'NMI_WINDOW',                   synonyms: ['PENDING_VIRT_NMI'],                             group: 'Interrupts and exceptions', attribute: 'nmiWindow',                decode: NOTHING,          gap: null, summary: 'The guest has become able to take an NMI that the hypervisor holds for it (26.2).' },
  { number:  9, name: 'TASK_SWITCH',                  synonyms: [],                                               group: 'Instructions',              attribute: 'taskSwitch',        decode: TASK_SWITCH,      gap: null,    summary: 'CALL, JMP, IRET or a task gate in the IDT is about to switch tasks (26.4.2).' },
  { number: 10, name: 'CPUID',                        synonyms: [],                                               group: 'Instructions',              attribute: 'cpuid',             decode: CPUID,            gap: null,    summary: 'CPUID, without condition (26.1.2).' },
  { number: 11, name: 'GETSEC',                       synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: 'CR4.SMXE cannot be set, so that GETSEC is #UD before any exit', summary: 'GETSEC of safer mode extensions (26.1.2).' },
  { number: 12, name: 'HLT',                          synonyms: [],                                               group: 'Instructions',              attribute: 'hlt',               decode: NOTHING,          gap: null,    summary: 'HLT under HLT exiting (26.1.3).' },
  { number: 13, name: 'INVD',                         synonyms: [],                                               group: 'Instructions',              attribute: 'invd',              decode: NOTHING,          gap: null,    summary: 'INVD, without condition (26.1.2).' },
  { number: 14, name: 'INVLPG',                       synonyms: [],                                               group: 'Instructions',              attribute: 'invlpg',            decode: INVLPG,           gap: null,    summary: 'INVLPG under INVLPG exiting (26.1.3).' },
  { number: 15, name: 'RDPMC',                        synonyms: [],                                               group: 'Instructions',              attribute: 'rdpmc',             decode: RDPMC,            gap: null,    summary: 'RDPMC under RDPMC exiting (26.1.3).' },
  { number: 16, name: 'RDTSC',                        synonyms: [],                                               group: 'Instructions',              attribute: 'rdtsc',             decode: NOTHING,          gap: null,    summary: 'RDTSC under RDTSC exiting (26.1.3).' },
  { number: 17, name: 'RSM',                          synonyms: [],                                               group: 'System',                    attribute: null,                decode: NOTHING,          gap: SMM,     summary: 'RSM in system-management mode (26.1.3).' },
  { number: 18, name: 'VMCALL',                       synonyms: ['VMMCALL'],                                      group: 'Hypercalls',                attribute: 'vmcall',            decode: VMCALL,           gap: null,    summary: 'VMCALL, without condition (26.1.2); VMMCALL, which is AMD\'s, is shown as the same.' },
  { number: 19, name: 'VMCLEAR',                      synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMCLEAR by the guest, answered with #UD (26.1.2).' },
  { number: 20, name: 'VMLAUNCH',                     synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMLAUNCH by the guest, answered with #UD (26.1.2).' },
  { number: 21, name: 'VMPTRLD',                      synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMPTRLD by the guest, answered with #UD (26.1.2).' },
  { number: 22, name: 'VMPTRST',                      synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMPTRST by the guest, answered with #UD (26.1.2).' },
  { number: 23, name: 'VMREAD',                       synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMREAD by the guest, answered with #UD (26.1.3).' },
  { number: 24, name: 'VMRESUME',                     synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMRESUME by the guest, answered with #UD (26.1.2).' },
  { number: 25, name: 'VMWRITE',                      synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMWRITE by the guest, answered with #UD (26.1.3).' },
  { number: 26, name: 'VMXOFF',                       synonyms: ['VMOFF'],                                        group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMXOFF by the guest, answered with #UD (26.1.2).' },
  { number: 27, name: 'VMXON',                        synonyms: ['VMON'],                                         group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'VMXON by the guest, answered with #UD (26.1.2).' },
  { number: 28, name: 'CR_ACCESS',                    synonyms: ['CONTROL_REGISTER_ACCESS'],                      group: 'Registers',                 attribute: 'crAccess',          decode: CR_ACCESS,        gap: null,    summary: 'A move to or from a control register, CLTS or LMSW that the CR masks or CR3 controls reserve to the hypervisor (26.1.3).' },
  { number: 29, name: 'DR_ACCESS',                    synonyms: ['MOV_DR'],                                       group: 'Registers',                 attribute: 'drAccess',          decode: DR_ACCESS,        gap: null,    summary: 'A move to or from a debug register under MOV-DR exiting (26.1.3).' },
  { number: 30, name: 'IO_INSTRUCTION',               synonyms: ['IO'],                                           group: 'Input/output and memory',   attribute: 'io',                decode: IO,               gap: null,    summary: 'IN, OUT, INS or OUTS under unconditional I/O exiting or by the I/O bitmaps (26.1.3).' },
  { number: 31, name: 'RDMSR',                        synonyms: ['MSR_READ'],                                     group: 'Registers',                 attribute: 'rdmsr',             decode: RDMSR,            gap: null,    summary: 'RDMSR of a register that the MSR bitmap does not pass through (26.1.3).' },
  { number: 32, name: 'WRMSR',                        synonyms: ['MSR_WRITE'],                                    group: 'Registers',                 attribute: 'wrmsr',             decode: WRMSR,            gap: null,    summary: 'WRMSR of a register that the MSR bitmap does not pass through (26.1.3).' },
  { number: 33, name: 'VMENTRY_FAILURE_GUEST_STATE',  synonyms: ['INVALID_STATE', 'FAIL_STATE', 'INVALID_GUEST_STATE'], group: 'VM-entry failures',  attribute: null,                decode: NOTHING,          gap: null,    summary: 'A VM entry found the guest state invalid (27.8).' },
  { number: 34, name: 'VMENTRY_FAILURE_MSR',          synonyms: ['MSR_LOAD_FAIL', 'FAIL_MSR', 'MSR_LOADING'],     group: 'VM-entry failures',         attribute: null,                decode: NOTHING,          gap: 'no MSRs are loaded at VM entry, the MSR-load area is empty',   summary: 'A VM entry failed to load a model-specific register (27.8).' },
  { number: 36, name: 'MWAIT',                        synonyms: ['MWAIT_INSTRUCTION'],                            group: 'Instructions',              attribute: 'mwait',             decode: NOTHING,          gap: null,    summary: 'MWAIT under MWAIT exiting (26.1.3).' },
  { number: 37, name: 'MONITOR_TRAP_FLAG',            synonyms: ['MTF'],                                          group: 'System',                    attribute: 'monitorTrap',                decode: NOTHING,          gap: null, summary: 'The monitor trap flag was set at an instruction boundary (26.5.2).' },
  { number: 39, name: 'MONITOR',                      synonyms: ['MONITOR_INSTRUCTION'],                          group: 'Instructions',              attribute: 'monitor',           decode: NOTHING,          gap: null,    summary: 'MONITOR under MONITOR exiting (26.1.3).' },
  { number: 40, name: 'PAUSE',                        synonyms: ['PAUSE_INSTRUCTION'],                            group: 'Instructions',              attribute: 'pause',             decode: NOTHING,          gap: null,    summary: 'PAUSE under PAUSE exiting (26.1.3).' },
  { number: 41, name: 'VMENTRY_FAILURE_MCA',          synonyms: ['MCE_DURING_VMENTRY', 'FAIL_MCE'],               group: 'VM-entry failures',         attribute: null,                decode: NOTHING,          gap: 'nothing here raises machine checks',   summary: 'A machine check came up during a VM entry (27.9).' },
  { number: 43, name: 'TPR_THRESHOLD',                synonyms: ['TPR_BELOW_THRESHOLD'],                          group: 'Local APIC',                attribute: null,                decode: NOTHING,          gap: 'the TPR shadow acts on MOV to CR8, which IA-32 guests do not have, and on the APIC-access page, which is not used',    summary: 'The guest lowered the task priority below the threshold (30.1.2).' },
  { number: 44, name: 'APIC_ACCESS',                  synonyms: [],                                               group: 'Local APIC',                attribute: null,                decode: NOTHING,          gap: APIC,    summary: 'An access to the APIC-access page (30.4).' },
  { number: 45, name: 'VIRTUALIZED_EOI',              synonyms: ['EOI_INDUCED'],                                  group: 'Local APIC',                attribute: null,                decode: NOTHING,          gap: APIC,    summary: 'EOI virtualization ended an interrupt whose bit in the EOI-exit bitmap is set (30.1.4).' },
  { number: 46, name: 'GDTR_IDTR_ACCESS',             synonyms: ['GDTR_IDTR', 'ACCESS_GDTR_OR_IDTR'],             group: 'Registers',                 attribute: 'descriptorTables',  decode: GDTR_IDTR_ACCESS, gap: null,    summary: 'LGDT, LIDT, SGDT or SIDT under descriptor-table exiting (26.1.3).' },
  { number: 47, name: 'LDTR_TR_ACCESS',               synonyms: ['LDTR_TR', 'ACCESS_LDTR_OR_TR'],                 group: 'Registers',                 attribute: 'descriptorTables',  decode: LDTR_TR_ACCESS,   gap: null,    summary: 'LLDT, LTR, SLDT or STR under descriptor-table exiting (26.1.3).' },
  { number: 48, name: 'EPT_VIOLATION',                synonyms: [],                                               group: 'Input/output and memory',   attribute: 'eptViolation',      decode: EPT_VIOLATION,    gap: null,    summary: 'An access to a guest-physical address that the second stage does not map: a memory-mapped device, ROM or nothing (29.3.3.2).' },
  { number: 49, name: 'EPT_MISCONFIGURATION',         synonyms: ['EPT_MISCONFIG'],                                group: 'Input/output and memory',   attribute: 'eptMisconfiguration', decode: EPT_MISCONFIGURATION, gap: null, summary: 'The walk of the second stage met an entry of reserved form, by which KVM marks devices (29.3.3.1).' },
  { number: 50, name: 'INVEPT',                       synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'INVEPT by the guest, answered with #UD (26.1.2).' },
  { number: 51, name: 'RDTSCP',                       synonyms: [],                                               group: 'Instructions',              attribute: 'rdtsc',             decode: NOTHING,          gap: null,    summary: 'RDTSCP under RDTSC exiting (26.1.3).' },
  { number: 52, name: 'VMX_PREEMPTION_TIMER_EXPIRED', synonyms: ['PREEMPTION_TIMER'],                             group: 'System',                    attribute: 'preemptionTimer',                decode: NOTHING,          gap: null,  summary: 'The VMX-preemption timer reached zero (26.5.1).' },
  { number: 53, name: 'INVVPID',                      synonyms: [],                                               group: 'Nested virtualization',     attribute: 'vmx',               decode: NOTHING,          gap: null,    summary: 'INVVPID by the guest, answered with #UD (26.1.2).' },
  { number: 54, name: 'WBINVD',                       synonyms: ['WBNOINVD'],                                     group: 'Instructions',              attribute: 'wbinvd',            decode: NOTHING,          gap: null,    summary: 'WBINVD under WBINVD exiting (26.1.3).' },
  { number: 55, name: 'XSETBV',                       synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: 'CR4.OSXSAVE cannot be set, so that XSETBV is #UD before any exit', summary: 'XSETBV, without condition (26.1.2).' },
  { number: 56, name: 'APIC_WRITE',                   synonyms: [],                                               group: 'Local APIC',                attribute: null,                decode: NOTHING,          gap: APIC,    summary: 'A write to the virtual-APIC page that the hypervisor must see has completed (30.4.3.3).' },
  { number: 57, name: 'RDRAND',                       synonyms: [],                                               group: 'Instructions',              attribute: 'rdrand',                decode: NOTHING,          gap: null, summary: 'RDRAND under RDRAND exiting (26.1.3).' },
  { number: 58, name: 'INVPCID',                      synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: 'no processor model has INVPCID, since process-context identifiers need IA-32e mode', summary: 'INVPCID under INVLPG exiting (26.1.3).' },
  { number: 59, name: 'VMFUNC',                       synonyms: [],                                               group: 'Nested virtualization',     attribute: null,                decode: NOTHING,          gap: 'VM functions are not enabled, so that VMFUNC is #UD', summary: 'VMFUNC with a function that the controls do not enable (26.5.6.2).' },
  { number: 60, name: 'ENCLS',                        synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'ENCLS of software guard extensions (26.1.3).' },
  { number: 61, name: 'RDSEED',                       synonyms: [],                                               group: 'Instructions',              attribute: 'rdseed',                decode: NOTHING,          gap: null, summary: 'RDSEED under RDSEED exiting (26.1.3).' },
  { number: 62, name: 'PML_LOGFULL',                  synonyms: ['PML_FULL', 'PML_BUFFER_FULL', 'PAGE_MODIFICATION_LOG_FULL'], group: 'Input/output and memory', attribute: null, decode: NOTHING,        gap: 'pages are not logged when they become dirty',  summary: 'The page-modification log is full (29.3.6).' },
  { number: 63, name: 'XSAVES',                       synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'XSAVES of a component in the XSS-exiting bitmap (26.1.3).' },
  { number: 64, name: 'XRSTORS',                      synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'XRSTORS of a component in the XSS-exiting bitmap (26.1.3).' },
  { number: 65, name: 'PCONFIG',                      synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'PCONFIG with a leaf in the PCONFIG-exiting bitmap (26.1.3).' },
  { number: 66, name: 'SPP',                          synonyms: ['SPP_EVENT'],                                    group: 'Input/output and memory',   attribute: null,                decode: NOTHING,          gap: 'write permissions below the size of a page are not emulated',  summary: 'A sub-page permission walk met a missing or malformed entry (29.3.4.2).' },
  { number: 67, name: 'UMWAIT',                       synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'UMWAIT under RDTSC exiting (26.1.3).' },
  { number: 68, name: 'TPAUSE',                       synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'TPAUSE under RDTSC exiting (26.1.3).' },
  { number: 69, name: 'LOADIWKEY',                    synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'LOADIWKEY under LOADIWKEY exiting (26.1.3).' },
  { number: 70, name: 'ENCLV',                        synonyms: [],                                               group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'ENCLV of software guard extensions (26.1.3).' },
  { number: 72, name: 'ENQCMD_PASID',                 synonyms: ['ENQCMD_PASID_TRANSLATION_FAILURE'],             group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'ENQCMD whose process address space identifier did not translate (26.5.8).' },
  { number: 73, name: 'ENQCMDS_PASID',                synonyms: ['ENQCMDS_PASID_TRANSLATION_FAILURE'],            group: 'Instructions',              attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'ENQCMDS whose process address space identifier did not translate (26.5.8).' },
  { number: 74, name: 'BUS_LOCK',                     synonyms: [],                                               group: 'System',                    attribute: null,                decode: NOTHING,          gap: 'LOCK does not assert a bus here',  summary: 'The processor asserted a bus lock under bus-lock detection (26.2).' },
  { number: 75, name: 'INSTRUCTION_TIMEOUT',          synonyms: ['NOTIFY'],                                       group: 'System',                    attribute: null,                decode: NOTHING,          gap: 'instructions take no time of their own',  summary: 'No instruction boundary was met for the length of the notify window (26.2).' },
  { number: 76, name: 'SEAMCALL',                     synonyms: [],                                               group: 'Nested virtualization',     attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'SEAMCALL of trust domain extensions.' },
  { number: 77, name: 'TDCALL',                       synonyms: [],                                               group: 'Nested virtualization',     attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'TDCALL of trust domain extensions.' },
  { number: 78, name: 'RDMSRLIST',                    synonyms: [],                                               group: 'Registers',                 attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'RDMSRLIST (26.1.3).' },
  { number: 79, name: 'WRMSRLIST',                    synonyms: [],                                               group: 'Registers',                 attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'WRMSRLIST (26.1.3).' },
  { number: 80, name: 'URDMSR',                       synonyms: [],                                               group: 'Registers',                 attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'URDMSR, the read of a model-specific register from user mode.' },
  { number: 81, name: 'UWRMSR',                       synonyms: [],                                               group: 'Registers',                 attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'UWRMSR, the write of a model-specific register from user mode.' },
  { number: 84, name: 'RDMSR_IMM',                    synonyms: [],                                               group: 'Registers',                 attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'RDMSR with an immediate operand.' },
  { number: 85, name: 'WRMSRNS',                      synonyms: ['WRMSRNS_IMM'],                                  group: 'Registers',                 attribute: null,                decode: NOTHING,          gap: FEATURE, summary: 'WRMSRNS with an immediate operand.' },
  { number: 0x10000, name: 'SMSW',                    synonyms: [],                                                group: 'Registers',                 attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'SMSW, a read of CR0, under SVM (APM vol. 2, 15.8.1).' },
  { number: 0x10070, name: 'PUSHF',                   synonyms: [],                                                group: 'Instructions',              attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'PUSHF under SVM (APM vol. 2, 15.9).' },
  { number: 0x10071, name: 'POPF',                    synonyms: [],                                                group: 'Instructions',              attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'POPF under SVM (APM vol. 2, 15.9).' },
  { number: 0x10074, name: 'IRET',                    synonyms: [],                                                group: 'Instructions',              attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'IRET under SVM (APM vol. 2, 15.9).' },
  { number: 0x10075, name: 'SWINT',                   synonyms: ['SOFTWARE_INTERRUPT', 'INTN'],                    group: 'Instructions',              attribute: 'svm',               decode: SWINT,            gap: null,    summary: 'INT n under SVM (APM vol. 2, 15.9).' },
  { number: 0x1007a, name: 'INVLPGA',                 synonyms: [],                                                group: 'Nested virtualization',     attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'INVLPGA by the guest under SVM, answered with #UD (APM vol. 2, 15.9).' },
  { number: 0x10080, name: 'VMRUN',                   synonyms: [],                                                group: 'Nested virtualization',     attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'VMRUN by the guest under SVM, answered with #UD (APM vol. 2, 15.9).' },
  { number: 0x10082, name: 'VMLOAD',                  synonyms: [],                                                group: 'Nested virtualization',     attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'VMLOAD by the guest under SVM, answered with #UD (APM vol. 2, 15.9).' },
  { number: 0x10083, name: 'VMSAVE',                  synonyms: [],                                                group: 'Nested virtualization',     attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'VMSAVE by the guest under SVM, answered with #UD (APM vol. 2, 15.9).' },
  { number: 0x10084, name: 'STGI',                    synonyms: [],                                                group: 'Nested virtualization',     attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'STGI by the guest under SVM, answered with #UD (APM vol. 2, 15.9).' },
  { number: 0x10085, name: 'CLGI',                    synonyms: [],                                                group: 'Nested virtualization',     attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'CLGI by the guest under SVM, answered with #UD (APM vol. 2, 15.9).' },
  { number: 0x10086, name: 'SKINIT',                  synonyms: [],                                                group: 'Nested virtualization',     attribute: 'svm',               decode: NOTHING,          gap: null,    summary: 'SKINIT by the guest under SVM, answered with #UD (APM vol. 2, 15.9).' },
] as const satisfies readonly ExitReason[];

export type ExitReasonName = (typeof EXIT_REASONS)[number]['name'];

/** REASON.CPUID is 10, and so on for every row. */
export const REASON = Object.fromEntries(EXIT_REASONS.map((row) => [row.name, row.number])) as {
  readonly [name in ExitReasonName]: number;
};

/** The row of a number; the high flags are ignored. Null for reserved numbers. */
export function exitReason(number: number): ExitReason | null {
  return EXIT_REASONS.find((row) => row.number === (number & 0x1ffff)) ?? null;
}

/** The instruction's row by its mnemonic in lower case: "vmxon". */
export function reasonOfInstruction(mnemonic: string): ExitReason | null {
  return EXIT_REASONS.find((row) => row.name === mnemonic.toUpperCase()) ?? null;
}

const normal = (text: string): string =>
  text
    .trim()
    .toUpperCase()
    .replace(/[\s-]/g, '_')
    .replace(/^(SVM_|VMX_)?EXIT_REASON_/, '');

/** A reason as a user may write it: "CPUID", "10", "0xa", "EXIT_REASON_MSR_READ", "io", "crAccess". */
export function findExitReason(text: string): ExitReason | null {
  const name = normal(text);
  if (/^(\d{1,5}|0X[0-9A-F]{1,5})$/.test(name)) return exitReason(Number(name));
  const rows: readonly ExitReason[] = EXIT_REASONS;
  return (
    rows.find((row) => row.name === name || row.synonyms.includes(name)) ??
    rows.find((row) => row.attribute?.toUpperCase() === name) ??
    null
  );
}

/** The sentence for a text that findExitReason() does not know. */
export function unknownExitReason(text: string): string {
  const rows: readonly ExitReason[] = EXIT_REASONS;
  const names = rows.flatMap((row) => [row.name, ...row.synonyms]);
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  const guess = didYouMean(normal(text), names);
  const remedy =
    guess === '' ? ' Give a name such as CPUID, IO_INSTRUCTION or VMCALL, or a number.' : guess;
  return `'${shown}' is no VM-exit reason.${remedy}`;
}

/** The sentence for a reason that this machine never leaves for, or null. */
export function exitReasonGap(reason: ExitReason): string | null {
  if (reason.gap === null) return null;
  return `${reason.name} (${reason.number}) never occurs on this machine: ${reason.gap}.`;
}
