/**
 * The finer execution controls, on the guests of this folder: masks and shadows of control registers, error
 * codes of page faults, bitmaps, windows, timer, traps, signals. Otherwise as cases.ts.
 */
import { REASON } from '../../../emulator/hypervisor/exit-reasons.ts';
import type { ExitCase, WantedExit } from './cases.ts';

const {
  CR_ACCESS, EPT_MISCONFIGURATION, EPT_VIOLATION, EXCEPTION_NMI, EXTERNAL_INTERRUPT, INIT, INTERRUPT_WINDOW, IO_INSTRUCTION, MONITOR, MONITOR_TRAP_FLAG, MWAIT, NMI_WINDOW,
  PAUSE,   RDMSR, RDRAND, RDSEED, SIPI, VMENTRY_FAILURE_GUEST_STATE, VMX_PREEMPTION_TIMER_EXPIRED, WRMSR,
} = REASON; // prettier-ignore

const NMI = 0x80000202;
const TS = 8;
const at = (...addresses: readonly number[]): readonly WantedExit[] =>
  addresses.map((rip) => ({ reason: MONITOR_TRAP_FLAG, rip, instructionLength: 0 }));

/** Qualification of an EPT violation: bits 7 and 8, or 7 alone for an access of the walk. */
const WALK = 1 << 7;
const FINAL = 1 << 8 | WALK; // prettier-ignore

// prettier-ignore
export const CONTROL_CASES: readonly ExitCase[] = [
  { name: 'CR masks and read shadows: reads get the shadow, writes leave when they differ from it', guest: 'cr-shadows', manual: '26.1.3, 26.3',
    on: { cr0Mask: ['TS', 'NE'], cr0Shadow: ['NE'], cr4Mask: ['PSE'], cr4Shadow: '0x10' },
    exits: [{ reason: CR_ACCESS, qualification: 0, operand: 0x10031 | TS }],
    // PE, ET and NE of the shadow; WP; TS, which the hypervisor has set as the guest wished; PSE of the shadow
    sees: { esi: 0x31, ebx: 0x31, ecx: 0x10031, edi: 0x10031 | TS, edx: 0x10 } },
  { name: 'CLTS leaves when mask and shadow have TS', guest: 'cr-shadows', manual: '26.1.3', on: { cr0Mask: TS, cr0Shadow: TS },
    exits: [{ reason: CR_ACCESS, qualification: 2 << 4 }, { reason: CR_ACCESS, qualification: 0 }], sees: { esi: 0x11 | TS, ebx: 0x11 | TS, ecx: 0x10011, edi: 0x10011 | TS } },
  { name: 'CR3-target values', guest: 'cr3', manual: '26.1.3', on: { cr3Load: true, cr3Targets: [0x2000, '0x3000'] },
    exits: [{ reason: CR_ACCESS, operand: 0x1000, qualification: 3 }, { reason: CR_ACCESS, operand: 0 }] },
  { name: 'CR3-store exiting alone', guest: 'cr3', manual: '26.1.3', on: { cr3Store: true }, exits: [{ reason: CR_ACCESS }] },
  { name: 'Page faults by mask and match of the error code', guest: 'page-faults', manual: '26.2', on: { pageFaults: { mask: 2, match: 2 } },
    exits: [{ reason: EXCEPTION_NMI, interruptionErrorCode: 2, qualification: 0x400004 }, { reason: EXCEPTION_NMI, interruptionErrorCode: 3, qualification: 0x800008 }] },
  { name: 'All page faults by the exception bitmap', guest: 'page-faults', manual: '26.2', on: { exceptions: ['#PF'] },
    exits: [0, 2, 3].map((interruptionErrorCode) => ({ reason: EXCEPTION_NMI, interruptionErrorCode })) },
  { name: 'Single exceptions by the exception bitmap', guest: 'exceptions', manual: '26.2', on: { exceptions: ['#UD', 7] },
    exits: [{ reason: EXCEPTION_NMI, interruptionInformation: 0x80000306 }, { reason: EXCEPTION_NMI, interruptionInformation: 0x80000307 }] },
  { name: 'I/O bitmaps, and around the end of the ports', guest: 'io', manual: '26.1.3', on: { io: ['0x2f8-0x2ff'] },
    exits: [...[1, 2, 3, 4, 5].map(() => ({ reason: IO_INSTRUCTION })), { reason: IO_INSTRUCTION, qualification: (0xffff << 16 | 1 << 3 | 3) >>> 0 }] },
  { name: 'MSR bitmaps, and MSRs that they do not cover', guest: 'msr', manual: '26.1.3', on: { rdmsr: ['0x277-0x278'] },
    exits: [{ reason: RDMSR, ecx: 0x277 }, { reason: RDMSR, ecx: 0x4b564d00 }, { reason: WRMSR, ecx: 0x4b564d00 }] },
  { name: 'Acknowledge interrupt on exit', guest: 'external-interrupt', manual: '25.7.1, 28.2.2', on: { externalInterrupt: true, acknowledgeInterrupt: true },
    exits: [{ reason: EXTERNAL_INTERRUPT, interruptionInformation: 0x80000040 }, { reason: INTERRUPT_WINDOW }] },
  { name: 'Interrupt window, once', guest: 'external-interrupt', manual: '26.2', on: { interruptWindow: true }, exits: [{ reason: INTERRUPT_WINDOW, interruptionInformation: 0 }] },
  { name: 'Virtual NMIs: the second leaves although the guest handles the first, and waits for its window', guest: 'nmi', manual: '25.3, 26.2', on: { nmi: true },
    exits: [{ reason: EXCEPTION_NMI, interruptionInformation: NMI }, { reason: EXCEPTION_NMI, interruptionInformation: NMI }, { reason: NMI_WINDOW }] },
  { name: 'NMI window from the start', guest: 'nmi', manual: '26.2', on: { nmi: true, nmiWindow: true },
    exits: [{ reason: NMI_WINDOW, position: 0 }, { reason: EXCEPTION_NMI }, { reason: EXCEPTION_NMI }, { reason: NMI_WINDOW }] },
  { name: 'VMX-preemption timer', guest: 'preemption-timer', manual: '26.5.1', on: { preemptionTimer: 1000 },
    exits: [{ reason: VMX_PREEMPTION_TIMER_EXPIRED, position: 1000 }, { reason: VMX_PREEMPTION_TIMER_EXPIRED, position: 2000 }] },
  { name: 'VMX-preemption timer, saved by the exits between', guest: 'preemption-timer', manual: '25.7.1', on: { preemptionTimer: 1500, savePreemptionTimer: true, crAccess: true },
    // the hypervisor's own execution of the MOV does not count
    exits: [{ reason: CR_ACCESS }, { reason: VMX_PREEMPTION_TIMER_EXPIRED, position: 1501 }] },
  { name: 'Monitor trap flag: after every instruction and delivery', guest: 'monitor-trap', manual: '26.5.2', on: { monitorTrap: true },
    // MOV, INC, MOV, MOV, INT to its handler, IRET, CLI, HLT
    exits: at(0x7c03, 0x7c04, 0x7c0a, 0x7c0e, 0x7c12, 0x7c10, 0x7c11, 0x7c12) },
  { name: 'PAUSE-loop exiting', guest: 'pause-loop', manual: '26.1.3', on: { pauseLoop: { gap: 10, window: 100 } },
    // the 52nd PAUSE comes 102 ticks after the first of its loop
    exits: [{ reason: PAUSE, ecx: 120 - 51 }, { reason: PAUSE, ecx: 120 - 103 }] },
  { name: 'TSC offsetting', guest: 'tsc-offset', manual: '25.6.5', on: { tscOffset: 5 * 2 ** 32 }, exits: [], sees: { edx: 5 } },
  { name: 'RDTSCP that is not enabled is #UD', guest: 'rdtsc', cpu: 'max', manual: '26.3', on: { enableRdtscp: false, exceptions: ['#UD'] },
    exits: [{ reason: EXCEPTION_NMI, interruptionInformation: 0x80000306 }] },
  { name: 'RDRAND exiting', guest: 'random', cpu: 'max', manual: '26.1.3', on: { rdrand: true }, exits: [{ reason: RDRAND, instructionLength: 3 }, { reason: RDRAND, instructionLength: 4 }] },
  { name: 'RDSEED exiting', guest: 'random', cpu: 'max', manual: '26.1.3', on: { rdseed: true }, exits: [{ reason: RDSEED, instructionLength: 3 }] },
  { name: 'MONITOR exiting, before the check of its hints', guest: 'monitor', cpu: 'max', manual: '26.1.1, 26.1.3', on: { monitor: true }, exits: [{ reason: MONITOR, instructionLength: 3, eax: 0x9000 }, { reason: MONITOR, ecx: 2 }] },
  { name: 'MWAIT exiting', guest: 'monitor', cpu: 'max', manual: '26.1.1, 26.1.3', on: { mwait: true }, exits: [{ reason: MWAIT, instructionLength: 3 }, { reason: MWAIT, ecx: 2 }] },
  { name: 'MWAIT without exiting, which sleeps until another processor writes to the line', guest: 'monitor-wait', cpu: 'max', vcpus: 2, manual: '9.10.5', on: { pause: true }, exits: [], sees: { eax: 0x9001, ebx: 0 } },
  { name: 'VM entry of a guest that must be restricted and has no paging', guest: 'hlt', manual: '27.3.1.1', on: { eptViolation: true, unrestrictedGuest: false },
    exits: [{ reason: VMENTRY_FAILURE_GUEST_STATE, position: 0, rip: 0x7c00 }], endsOtherwise: 'guest-error' },
  { name: 'EPT misconfiguration: device pages are marked when they have been touched', guest: 'ept-violation', manual: '29.3.3.1', on: { eptViolation: true, eptMisconfiguration: true },
    exits: [{ reason: EPT_VIOLATION, guestPhysical: 0xfec00000 }, { reason: EPT_MISCONFIGURATION, guestPhysical: 0xfec00000, qualification: 0 }, { reason: EPT_MISCONFIGURATION, guestPhysical: 0xfec00010 }, { reason: EPT_VIOLATION }] },
  { name: 'A page that lacks the right to be written gets it back at the first write', guest: 'ept-rights', manual: '29.3.3.2, table 28-7', on: { eptViolation: true, eptRights: ['0x9000 r-x'] },
    exits: [{ reason: EPT_VIOLATION, qualification: FINAL | 5 << 3 | 2, guestPhysical: 0x9004, guestLinear: 0x9004, accessSize: 4 }] },
  { name: 'A page that stays protected is written by emulation each time', guest: 'ept-rights', manual: '29.3.3.2, table 28-7', on: { eptViolation: true, eptRights: ['0x9000-0x9fff r-x keep'] },
    exits: [{ reason: EPT_VIOLATION, qualification: FINAL | 5 << 3 | 2, guestPhysical: 0x9004 }, { reason: EPT_VIOLATION, qualification: FINAL | 5 << 3 | 2, guestPhysical: 0x9000, guestLinear: 0x9000, accessSize: 2 }] },
  { name: 'A page without rights', guest: 'ept-rights', manual: '29.3.3.2, table 28-7', on: { eptViolation: true, eptRights: ['0x9000 ---'] },
    exits: [{ reason: EPT_VIOLATION, qualification: FINAL | 1, guestPhysical: 0x9000 }, { reason: EPT_VIOLATION, qualification: FINAL | 1 << 3 | 2, guestPhysical: 0x9004 }] },
  { name: 'Code in a page that lacks the right to be executed', guest: 'ept-rights', manual: '29.3.3.2, table 28-7', on: { eptViolation: true, eptRights: ['0xb000 rw-'] },
    exits: [{ reason: EPT_VIOLATION, qualification: FINAL | 3 << 3 | 4, guestPhysical: 0xb000, guestLinear: 0xb000, rip: 0xb000 }] },
  { name: 'Code in a page that is never executed', guest: 'ept-rights', manual: '29.3.3.2, table 28-7', on: { eptViolation: true, eptRights: ['0xb000 rw- keep'] },
    exits: [{ reason: EPT_VIOLATION, rip: 0xb000 }, { reason: EPT_VIOLATION, rip: 0xb000 }] },
  { name: 'A page table that may not be written: accessed and dirty flags', guest: 'ept-rights', manual: '29.3.3.2, table 28-7', on: { eptViolation: true, eptRights: ['0xe000 r-x keep'] },
    exits: [{ reason: EPT_VIOLATION, qualification: FINAL | 5 << 3 | 2, guestPhysical: 0xe000 }, { reason: EPT_VIOLATION, qualification: WALK | 5 << 3 | 2, guestPhysical: 0xe000, guestLinear: 0x400010, rip: 0x7d01 }, { reason: EPT_VIOLATION, qualification: WALK | 5 << 3 | 2, guestPhysical: 0xe000, guestLinear: 0x400018, rip: 0x7d0d }] },
  { name: 'A page table that may not be read', guest: 'ept-rights', manual: '29.3.3.2, table 28-7', on: { eptViolation: true, eptRights: ['0xe000 --x keep'] },
    exits: [{ reason: EPT_VIOLATION, qualification: FINAL | 4 << 3 | 2 }, ...[0x400010, 0x400014, 0x400018].map((guestLinear) => ({ reason: EPT_VIOLATION, qualification: WALK | 4 << 3 | 1, guestPhysical: 0xe000, guestLinear })), { reason: EPT_VIOLATION, qualification: FINAL | 4 << 3 | 1, guestLinear: 0xe000 }] },
  { name: 'With accessed and dirty flags for EPT, a walk writes to page tables', guest: 'ept-rights', manual: '29.3.5, table 28-7', on: { eptViolation: true, eptAccessedDirty: true, eptRights: ['0xe000 r-x keep'] },
    exits: [{ reason: EPT_VIOLATION, qualification: FINAL | 5 << 3 | 2 }, ...[0x400010, 0x400014, 0x400018].map((guestLinear) => ({ reason: EPT_VIOLATION, qualification: WALK | 5 << 3 | 3, guestPhysical: 0xe000, guestLinear }))] },
  { name: 'Accessed and dirty flags for EPT make no exits of their own', guest: 'ept-rights', manual: '29.3.5', on: { eptViolation: true, eptAccessedDirty: true }, exits: [] },
  { name: 'INIT, where the processor does not wait for a start-up, and SIPI, where it does', guest: 'signals', vcpus: 2, manual: '26.2', on: { init: true, sipi: true },
    exits: [{ reason: SIPI, qualification: 8, vcpu: 1 }, { reason: INIT, vcpu: 1 }, { reason: SIPI, qualification: 8, vcpu: 1 }] },
];
