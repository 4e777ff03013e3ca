/**
 * From the event that the CPU offered to what a #VMEXIT of SVM records of it (AMD APM vol. 2, 15.6
 * "#VMEXIT", 15.9 to 15.14 and appendix C): EXITCODE, EXITINFO1, EXITINFO2 and nRIP, with the decode
 * assists of 15.33 (register of MOV CR and DR, segment of INS and OUTS, linear address of INVLPG, vector
 * of INTn). EXITINTINFO has the form of IDT-vectoring information and is made from it (faces/svm-face.ts).
 * Fields that the manual leaves undefined for a code are 0 here.
 */
import type { GuestEvent } from '../cpu/exit-hook.ts';
import { FLAG } from '../cpu/state.ts';
import { NO_EXITCODE, SVM_EXIT, svmExitCode } from './svm-exit-codes.ts';

type Event<Kind extends GuestEvent['kind']> = Extract<GuestEvent, { kind: Kind }>;

/** Instructions without any operand in their exit code. */
// prettier-ignore
const PLAIN = {
  cpuid: SVM_EXIT.CPUID, hlt: SVM_EXIT.HLT, invd: SVM_EXIT.INVD, wbinvd: SVM_EXIT.WBINVD, rdtsc: SVM_EXIT.RDTSC,
  rdtscp: SVM_EXIT.RDTSCP, rdpmc: SVM_EXIT.RDPMC, pause: SVM_EXIT.PAUSE, monitor: SVM_EXIT.MONITOR, mwait: SVM_EXIT.MWAIT,
  rsm: SVM_EXIT.RSM, smsw: SVM_EXIT['CR#_READ'], pushf: SVM_EXIT.PUSHF, popf: SVM_EXIT.POPF, iret: SVM_EXIT.IRET,
  int: SVM_EXIT.SWINT, vmcall: NO_EXITCODE, vmmcall: SVM_EXIT.VMMCALL, invlpg: SVM_EXIT.INVLPG, io: SVM_EXIT.IOIO,
  rdmsr: SVM_EXIT.MSR, wrmsr: SVM_EXIT.MSR, 'task-switch': SVM_EXIT.TASK_SWITCH, 'triple-fault': SVM_EXIT.SHUTDOWN,
  'external-interrupt': SVM_EXIT.INTR, 'interrupt-window': SVM_EXIT.VINTR, 'second-stage': SVM_EXIT.NPF,
  'init-signal': SVM_EXIT.INIT, 'entry-failure': SVM_EXIT.INVALID, sipi: NO_EXITCODE, 'nmi-window': NO_EXITCODE, 'monitor-trap': NO_EXITCODE,
  'preemption-timer': NO_EXITCODE, rdrand: NO_EXITCODE, rdseed: NO_EXITCODE,
} as const;

/** LGDT, SIDT and so on: IDTR_READ to TR_WRITE. */
// prettier-ignore
const TABLE_ACCESS: { readonly [mnemonic: string]: number } = {
  sidt: SVM_EXIT.IDTR_READ, sgdt: SVM_EXIT.GDTR_READ, sldt: SVM_EXIT.LDTR_READ, str: SVM_EXIT.TR_READ,
  lidt: SVM_EXIT.IDTR_WRITE, lgdt: SVM_EXIT.GDTR_WRITE, lldt: SVM_EXIT.LDTR_WRITE, ltr: SVM_EXIT.TR_WRITE,
};

/** INT1 has an intercept of its own (15.12.2), the NMI too. */
function exceptionCode({ type, vector }: Event<'exception'>): number {
  if (type === 'nmi') return SVM_EXIT.NMI;
  return type === 'privileged' ? SVM_EXIT.ICEBP : SVM_EXIT['EXCP#'] + (vector & 31);
}

/**
 * EXITCODE of an event, NO_EXITCODE for one that SVM does not know. Of a write to CR0 it is CR0_WRITE, which
 * goes before CR0_SEL_WRITE.
 */
export function exitCodeOf(event: GuestEvent): number {
  switch (event.kind) {
    case 'cr-access':
      return SVM_EXIT[event.access === 'mov-from-cr' ? 'CR#_READ' : 'CR#_WRITE'] + event.register;
    case 'dr-access':
      return SVM_EXIT[event.access === 'mov-from-dr' ? 'DR#_READ' : 'DR#_WRITE'] + event.register;
    case 'descriptor-table':
      return TABLE_ACCESS[event.mnemonic] ?? NO_EXITCODE;
    case 'vmx-instruction':
      return svmExitCode(event.mnemonic.toUpperCase()) ?? NO_EXITCODE;
    case 'exception':
      return exceptionCode(event);
    default:
      return PLAIN[event.kind];
  }
}

/**
 * 15.10.2: 0 type (1 IN), 2 string, 3 REP, 6:4 operand size (8, 16, 32 bits), 9:7 address size (16, 32
 * bits), 12:10 segment of INS and OUTS, 31:16 port.
 */
function ioInformation(event: Event<'io'>): number {
  return (
    ((event.port << 16) |
      (event.string ? (event.segment ?? 0) << 10 : 0) |
      ((event.addressSize ?? 4) === 2 ? 1 << 7 : 1 << 8) |
      (event.size << 4) |
      (event.repeat ? 1 << 3 : 0) |
      (event.string ? 1 << 2 : 0) |
      (event.direction === 'in' ? 1 : 0)) >>>
    0
  );
}

/** Bits of a nested page fault's error code (15.25.6); every access of a guest is one of a user's. */
const NPF_USER = 1 << 2;
const NPF_PRESENT = 1 << 0;
const NPF_WRITE = 1 << 1;
const NPF_FETCH = 1 << 4;

/** EXITINFO1, bits 31:0. */
export function exitInfo1Of(event: GuestEvent): number {
  switch (event.kind) {
    case 'cr-access':
      return isMovCr(event) ? event.gpr & 15 : 0;
    case 'dr-access':
      return event.gpr & 15;
    case 'io':
      return ioInformation(event);
    case 'wrmsr':
      return 1;
    case 'invlpg':
      return event.linear;
    case 'int':
      return event.vector;
    case 'task-switch':
      return event.selector & 0xffff;
    case 'exception':
      return event.errorCode ?? 0;
    case 'second-stage': {
      const access = { read: 0, write: NPF_WRITE, fetch: NPF_FETCH }[event.access];
      // an entry that may be read is a present one
      return access | NPF_USER | ((event.rights ?? 0) & NPF_PRESENT);
    }
    default:
      return 0;
  }
}

const isMovCr = ({ access }: Event<'cr-access'>): boolean =>
  access === 'mov-to-cr' || access === 'mov-from-cr';

/** EXITINFO1, bits 63:32: MOV CR and not LMSW or CLTS (63); NPF of the access itself (32) or in the walk (33). */
export function exitInfo1HighOf(event: GuestEvent): number {
  if (event.kind === 'cr-access') return isMovCr(event) ? 0x80000000 : 0;
  if (event.kind === 'second-stage') return event.final ? 1 : 2;
  return 0;
}

/** 15.14.1, bits of EXITINFO2 of a task switch above the error code. */
const TASK = { iret: 2 ** 36, jmp: 2 ** 38, hasErrorCode: 2 ** 44, resumeFlag: 2 ** 48 } as const;

function taskInformation(event: Event<'task-switch'>, eflags: number): number {
  const { source, errorCode = null, flags = eflags } = event;
  let information = (errorCode ?? 0) >>> 0;
  if (source === 'iret') information += TASK.iret;
  if (source === 'jmp') information += TASK.jmp;
  if (errorCode !== null) information += TASK.hasErrorCode;
  if ((flags & FLAG.RF) !== 0) information += TASK.resumeFlag;
  return information;
}

/**
 * EXITINFO2.
 * @param eflags the guest's
 * @param nextEip offset of the instruction after the one that leaves
 */
export function exitInfo2Of(event: GuestEvent, eflags: number, nextEip: number): number {
  switch (event.kind) {
    case 'io':
      return nextEip;
    case 'task-switch':
      return taskInformation(event, eflags);
    case 'exception':
      return event.vector === 14 ? event.qualification : 0;
    case 'second-stage':
      return event.guestPhysical;
    default:
      return 0;
  }
}

/**
 * nRIP (15.7.1): after instructions that are intercepted, and after INT3, INTO and BOUND as exceptions;
 * else 0.
 * @param length bytes of the instruction
 */
export function nextRipOf(event: GuestEvent, rip: number, length: number): number {
  switch (event.kind) {
    case 'exception':
      return length === 0 ? 0 : (rip + length) >>> 0;
    case 'task-switch':
    case 'triple-fault':
    case 'external-interrupt':
    case 'interrupt-window':
    case 'second-stage':
    case 'init-signal':
    case 'entry-failure':
      return 0;
    default:
      return (rip + length) >>> 0;
  }
}
