/**
 * What a #VMEXIT of SVM records of every exit of svm-cases.ts, all of it: EXITCODE, EXITINFO1 and EXITINFO2 are
 * the case's, each absent one 0 but for what is here; EXITINTINFO (AMD APM vol. 2, 15.7.2) and nRIP (15.7.1) are
 * here, nRIP by the bytes of the instruction at RIP. With them the exit codes that no guest can make happen.
 */
import type { SVM_EXIT_CODES } from '../../../emulator/hypervisor/svm-exit-codes.ts';

export interface ProvenVmexit {
  /** What lies at CS:RIP, up to the end of that instruction. */
  readonly bytes: string;
  /** Absent: nRIP is behind the instruction. */
  readonly noNextRip?: boolean;
  /** EXITINTINFO, bits 31:0 and, of its error code, 63:32; absent: 0. */
  readonly interrupted?: number;
  readonly interruptedError?: number;
}
export interface ProvenVmexits {
  /** Name of the case whose exits these are, all of them. */
  readonly of: string;
  readonly exits: readonly ProvenVmexit[];
}

/** Intercepts of instructions, IOIO, MSR, and the exceptions of INT3, INTO and BOUND. */
const instructions = (...bytes: readonly string[]): readonly ProvenVmexit[] => bytes.map((each) => ({ bytes: each })); // prettier-ignore
const event = (bytes: string): ProvenVmexit => ({ bytes, noNextRip: true });
const events = (...bytes: readonly string[]): readonly ProvenVmexit[] => bytes.map(event);
/** 7:0 vector, 10:8 type, 11 error code valid, 31 valid. */
const VALID = 0x80000000;
const ERROR_CODE = 1 << 11;
const TYPE = { interrupt: 0, nmi: 2 << 8, exception: 3 << 8, software: 4 << 8 } as const;
const during = (bytes: string, interrupted: number, interruptedError = 0): ProvenVmexit => ({ ...event(bytes), interrupted: VALID + interrupted, interruptedError }); // prettier-ignore

// prettier-ignore
export const SVM_PROOFS: readonly ProvenVmexits[] = [
  { of: 'SVM: CPUID', exits: instructions('0fa2', '0fa2') },
  { of: 'SVM: HLT', exits: instructions('f4') },
  { of: 'SVM: INVLPG', exits: instructions('0f013d78563412', '0f017b10') },
  { of: 'SVM: RDPMC, after its #GP', exits: instructions('0f33') },
  { of: 'SVM: RDTSC and RDTSCP', exits: instructions('0f31', '3e0f31', '0f01f9') },
  { of: 'SVM: PAUSE', exits: instructions('f390', 'f390', '2ef390') },
  { of: 'SVM: VMMCALL, while VMCALL is undefined', exits: instructions('0f01d9') },
  { of: 'SVM: its own instructions', exits: instructions('0f01d8', '0f01da', '0f01db', '0f01dc', '0f01dd', '0f01de', '0f01df') },
  { of: 'SVM: CR0 and CR4, after the #GP of reserved bits',
    exits: instructions('0f20c0', '0f22c0', '0f20c0', '0f22c0', '0f06', '0f20c3', '0f01f0', '0f013500600000', '0f01e1', '0f20e2', '0f22e0', '0f20e6') },
  { of: 'SVM: selective write of CR0', exits: instructions('0f22c0', '0f01f0', '0f013500600000') },
  { of: 'SVM: debug registers', exits: instructions('0f23c0', '0f21c3', '0f21f1', '0f21fa', '0f23fa') },
  { of: 'SVM: ports', exits: instructions('e480', '66e580', 'e580', 'e680', 'ec', '6c', 'f36d', '666f', '26f36e', 'ed', 'ec') },
  { of: 'SVM: the end of the I/O permissions map', exits: [] },
  { of: 'SVM: MSRs', exits: instructions('0f32', '0f32', '0f32', '0f32', '0f30') },
  { of: 'SVM: descriptor tables',
    exits: instructions('0f0116307c', '0f011d6f7c0000', '0f010500600000', '0f011500600000', '0f010d08600000', '0f011d08600000', '660f00c0', '0f00d0', '660f00cb', '0f00d9') },
  { of: 'SVM: exceptions',
    exits: [...events('f7f1', '0f0b'), ...instructions('cc', 'f1'), ...instructions('ce'), ...events('8ee1', '0f20c0', 'd9d0')] },
  { of: 'SVM: INTR and VINTR', exits: events('90', '90') },
  { of: 'SVM: NMI', exits: events('90', '90') },
  { of: 'SVM: task switches', exits: events('9a000000002000', 'cf') },
  { of: 'SVM: shutdown', exits: events('0f0b') },
  { of: 'SVM: nested page faults', exits: events('a10000c0fe', 'c7050000c0fe01000000', '8b1d1000c0fe', '8a0d000000e0') },
  { of: 'SVM: flags, software interrupts and returns',
    exits: instructions('0f20c0', '9c', '9d', '9c', '9d', '660f01e0', 'cd42', 'cc', 'ce', '620500600000', '9c', 'cf', 'f1') },
  { of: 'SVM: INVD', exits: instructions('0f08') },
  { of: 'SVM: WBINVD', exits: instructions('0f09', '3e0f09') },
  { of: 'SVM: MONITOR, after the #GP of its hints', exits: instructions('0f01c8') },
  { of: 'SVM: MWAIT, after the #GP of its hints', exits: instructions('0f01c9') },
  { of: 'SVM: MWAIT of an armed monitor', exits: instructions('0f01c9') },
  { of: 'SVM: INIT', exits: events('ebfc') },
  { of: 'SVM: page faults', exits: events('a100004000', 'a304004000', 'a308008000') },
  { of: 'SVM: delivery that a nested page fault interrupts',
    exits: [
      during('cd40', TYPE.software + 0x40), during('cc', TYPE.exception + 3), during('f1', TYPE.exception + 1), during('0f0b', TYPE.exception + 6),
      during('8ee1', TYPE.exception + ERROR_CODE + 13, 0x28), ...events('c7051003e0fe00000000', 'c7050003e0fe41400400'), during('90', TYPE.interrupt + 0x41),
      ...events('c705b000e0fe00000000', 'c7050003e0fe00040000'), during('90', TYPE.nmi + 2), ...events('cf', 'cf'),
    ] },
  { of: 'SVM: faults in the delivery of events', exits: [during('cd41', TYPE.software + 0x41), during('0f0b', TYPE.exception + 6), event('8ee1')] },
];

type ExitName = (typeof SVM_EXIT_CODES)[number]['name'];
const SMM = 'there is no system-management mode';
const INSTRUCTION = 'no processor model has the instruction';
const FEATURE = 'the feature is not emulated';
const ENCRYPTED = 'guests are not encrypted';
const AVIC = 'the local APIC is a device behind NPF';

/** Exit codes without an exit of the cases, and why. */
export const SVM_GAPS: { readonly [name in ExitName]?: string } = {
  SMI: SMM,
  RSM: SMM,
  FERR_FREEZE: 'errors of the floating-point unit do not freeze the processor here',
  XSETBV: 'CR4.OSXSAVE cannot be set, so that XSETBV is #UD before any exit',
  RDPRU: INSTRUCTION,
  EFER_WRITE_TRAP: FEATURE,
  'CR#_WRITE_TRAP': FEATURE,
  INVLPGB: INSTRUCTION,
  INVLPGB_ILLEGAL: INSTRUCTION,
  INVPCID: INSTRUCTION,
  MCOMMIT: INSTRUCTION,
  TLBSYNC: INSTRUCTION,
  BUSLOCK: 'LOCK does not assert a bus here',
  IDLE_HLT: FEATURE,
  AVIC_INCOMPLETE_IPI: AVIC,
  AVIC_NOACCEL: AVIC,
  VMGEXIT: ENCRYPTED,
  MMIO_READ: ENCRYPTED,
  MMIO_WRITE: ENCRYPTED,
  AP_HLT_LOOP: ENCRYPTED,
  AP_JUMP_TABLE: ENCRYPTED,
  UNSUPPORTED_EVENT: ENCRYPTED,
  INVALID: 'the checks of VMRUN are not made',
};
