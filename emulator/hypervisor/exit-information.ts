/**
 * From the event that the CPU offered to the fields that a VM exit records (SDM vol. 3, 28.2
 * "Recording VM-exit information and updating VM-entry control fields"): basic reason, exit
 * qualification, instruction length and information, interruption and IDT-vectoring information.
 * Fields that the manual leaves undefined for a reason are 0 here.
 */
import type { GuestEvent } from '../cpu/exit-hook.ts';
import { VECTOR } from '../cpu/processor.ts';
import type { VectoredEvent } from '../cpu/processor.ts';
import { descriptorTableIdentity } from './exit-decoders.ts';
import { REASON, reasonOfInstruction } from './exit-reasons.ts';
import {
  displacementOf,
  randomInstructionInformation,
  selectorInstructionInformation,
  tableInstructionInformation,
  vmxInstructionInformation,
} from './operand-information.ts';

type Event<Kind extends GuestEvent['kind']> = Extract<GuestEvent, { kind: Kind }>;

const SYSTEM_TABLE_MNEMONICS = new Set(['sldt', 'str', 'lldt', 'ltr']);

/** The basic exit reason of an event, or null for an instruction that has none. */
export function reasonOf(event: GuestEvent): number | null {
  // prettier-ignore
  switch (event.kind) {
    case 'cpuid':              return REASON.CPUID;
    case 'hlt':                return REASON.HLT;
    case 'invd':               return REASON.INVD;
    case 'wbinvd':             return REASON.WBINVD;
    case 'rdtsc':              return REASON.RDTSC;
    case 'rdtscp':             return REASON.RDTSCP;
    case 'rdpmc':              return REASON.RDPMC;
    case 'pause':              return REASON.PAUSE;
    case 'monitor':            return REASON.MONITOR;
    case 'mwait':              return REASON.MWAIT;
    case 'rsm':                return REASON.RSM;
    case 'vmcall':
    case 'vmmcall':            return REASON.VMCALL;
    case 'vmx-instruction':    return reasonOfInstruction(event.mnemonic)?.number ?? null;
    case 'invlpg':             return REASON.INVLPG;
    case 'io':                 return REASON.IO_INSTRUCTION;
    case 'cr-access':          return REASON.CR_ACCESS;
    case 'dr-access':          return REASON.DR_ACCESS;
    case 'rdmsr':              return REASON.RDMSR;
    case 'wrmsr':              return REASON.WRMSR;
    case 'descriptor-table':
      return SYSTEM_TABLE_MNEMONICS.has(event.mnemonic) ? REASON.LDTR_TR_ACCESS : REASON.GDTR_IDTR_ACCESS;
    case 'task-switch':        return REASON.TASK_SWITCH;
    case 'exception':          return REASON.EXCEPTION_NMI;
    case 'triple-fault':       return REASON.TRIPLE_FAULT;
    case 'external-interrupt': return REASON.EXTERNAL_INTERRUPT;
    case 'interrupt-window':   return REASON.INTERRUPT_WINDOW;
    case 'second-stage':       return event.misconfigured ? REASON.EPT_MISCONFIGURATION : REASON.EPT_VIOLATION;
    case 'smsw':               return REASON.SMSW;
    case 'pushf':              return REASON.PUSHF;
    case 'popf':               return REASON.POPF;
    case 'iret':               return REASON.IRET;
    case 'int':                return REASON.SWINT;
    case 'nmi-window':         return REASON.NMI_WINDOW;
    case 'monitor-trap':       return REASON.MONITOR_TRAP_FLAG;
    case 'preemption-timer':   return REASON.VMX_PREEMPTION_TIMER_EXPIRED;
    case 'init-signal':        return REASON.INIT;
    case 'entry-failure':      return REASON.VMENTRY_FAILURE_GUEST_STATE;
    case 'sipi':               return REASON.SIPI;
    case 'rdrand':             return REASON.RDRAND;
    case 'rdseed':             return REASON.RDSEED;
  }
}

/**
 * Table 28-5: 2:0 size - 1, 3 direction (1 IN), 4 string, 5 REP, 6 operand encoding (1 immediate),
 * 31:16 port.
 */
function ioQualification(event: Event<'io'>): number {
  return (
    ((event.port << 16) |
      (event.immediate ? 1 << 6 : 0) |
      (event.repeat ? 1 << 5 : 0) |
      (event.string ? 1 << 4 : 0) |
      (event.direction === 'in' ? 1 << 3 : 0) |
      (event.size - 1)) >>>
    0
  );
}

/** Table 28-3, bits 5:4. */
const CR_ACCESS_TYPE = { 'mov-to-cr': 0, 'mov-from-cr': 1, clts: 2, lmsw: 3 } as const;

/**
 * Table 28-3: 3:0 register, 5:4 access type, 6 LMSW operand (1 memory), 11:8 general register, 31:16
 * source of LMSW. CLTS and LMSW have 0 for both registers.
 */
function crQualification(event: Event<'cr-access'>): number {
  const type = CR_ACCESS_TYPE[event.access] << 4;
  if (event.access === 'clts') return type;
  if (event.access === 'lmsw') {
    return (((event.value & 0xffff) << 16) | (event.linear >= 0 ? 1 << 6 : 0) | type) >>> 0;
  }
  return ((event.gpr & 15) << 8) | type | event.register;
}

/** Table 28-4: 2:0 register, 4 direction (1 from DR), 11:8 general register. */
function drQualification(event: Event<'dr-access'>): number {
  const direction = event.access === 'mov-from-dr' ? 1 << 4 : 0;
  return ((event.gpr & 15) << 8) | direction | (event.register & 7);
}

/** Table 28-2, bits 31:30. */
const TASK_SWITCH_SOURCE = { call: 0, iret: 1, jmp: 2, gate: 3 } as const;

/** Table 28-7, bits 2:0. */
const EPT_ACCESS = { read: 1 << 0, write: 1 << 1, fetch: 1 << 2 } as const;

/** "NMI unblocking due to IRET" (28.2.3), in the interruption information and in the qualification of EPT violations. */
const NMI_UNBLOCKED = 1 << 12;

/**
 * Table 28-7: bits 1:0 both where paging structures are updated; 5:3 are what the second stage allows; 7 the linear address is valid; 8 the
 * access was to its translation, not to a paging structure; 12 NMI unblocking due to IRET.
 */
function eptQualification(event: Event<'second-stage'>, unblocked: boolean): number {
  const flags = (event.final ? 1 << 8 : 0) | (unblocked ? NMI_UNBLOCKED : 0);
  const access = EPT_ACCESS[event.access] | (event.updates === true ? EPT_ACCESS.read : 0);
  return access | ((event.rights ?? 0) << 3) | (1 << 7) | flags;
}

/**
 * Exit qualification, unsigned 32 bits.
 * @param unblocked the event comes from an IRET that has ended the blocking of NMIs
 */
export function qualificationOf(event: GuestEvent, unblocked = false): number {
  // prettier-ignore
  switch (event.kind) {
    case 'io':           return ioQualification(event);
    case 'cr-access':    return crQualification(event);
    case 'dr-access':    return drQualification(event);
    case 'invlpg':       return event.linear;
    case 'second-stage': return event.misconfigured ? 0 : eptQualification(event, unblocked);
    case 'sipi':         return event.vector;
    case 'entry-failure': return event.qualification;
    case 'task-switch':  return ((TASK_SWITCH_SOURCE[event.source] << 30) | (event.selector & 0xffff)) >>> 0;
    case 'exception':
      if (event.vector === 14) return event.qualification;
      // table 28-1: B3-B0, BD and BS
      return event.vector === 1 ? event.qualification & 0x600f : 0;
    case 'descriptor-table':
    case 'vmx-instruction': return displacementOf(event.instruction);
    // 28.2.1: the address range is monitored
    case 'mwait':        return event.armed === true ? 1 : 0;
    default:             return 0;
  }
}

/** Interruption types, bits 10:8 of SDM vol. 3, 25.9.2. */
const EXCEPTION_TYPE = { fault: 3, trap: 3, software: 6, privileged: 5, nmi: 2 } as const;
/** And those of IDT-vectoring information (25.9.3), which has software interrupts as well. */
const VECTORING_TYPE = { external: 0, nmi: 2, exception: 3, software: 4, 'privileged-software': 5, 'software-exception': 6 } as const; // prettier-ignore

const ERROR_CODE_VALID = 1 << 11;
const VALID = 1 << 31;

function information(vector: number, type: number, errorCode: number | null): number {
  return (
    ((vector & 0xff) | (type << 8) | (errorCode === null ? 0 : ERROR_CODE_VALID) | VALID) >>> 0
  );
}

/**
 * VM-exit interruption information (25.9.2). For external interrupts it is valid only where the exit has
 * acknowledged them: otherwise the hypervisor does so when it injects.
 */
export function interruptionInformation(event: GuestEvent, unblocked = false): number {
  if (event.kind === 'external-interrupt') {
    return event.vector === undefined
      ? 0
      : information(event.vector, VECTORING_TYPE.external, null);
  }
  if (event.kind !== 'exception') return 0;
  const { vector, type, errorCode } = event;
  const flag = unblocked && vector !== VECTOR.DF ? NMI_UNBLOCKED : 0;
  return information(vector, EXCEPTION_TYPE[type], errorCode) + flag;
}

/** IDT-vectoring information (25.9.3) of the event whose delivery the exit interrupted. */
export function idtVectoringInformation(vectoring: VectoredEvent | null): number {
  if (vectoring === null) return 0;
  return information(vectoring.vector, VECTORING_TYPE[vectoring.type], vectoring.errorCode);
}

/**
 * VM-exit instruction length (28.2.5): defined for instructions that exit, for INT3, INTO and INT1, for
 * task switches by instruction, and while one of the software events is being delivered.
 */
export function instructionLengthOf(
  event: GuestEvent,
  length: number,
  vectoring: VectoredEvent | null,
): number {
  if (vectoring !== null) return vectoring.length;
  switch (event.kind) {
    case 'exception':
      return event.type === 'software' || event.type === 'privileged' ? length : 0;
    case 'task-switch':
      return event.source === 'gate' ? 0 : length;
    case 'triple-fault':
    case 'external-interrupt':
    case 'interrupt-window':
    case 'nmi-window':
    case 'monitor-trap':
    case 'preemption-timer':
    case 'init-signal':
    case 'entry-failure':
    case 'sipi':
    case 'second-stage':
      return 0;
    default:
      return length;
  }
}

/** VM-exit instruction information (28.2.5): INS and OUTS, table 28-8, here, the rest in operand-information.ts. */
export function instructionInformationOf(event: GuestEvent): number {
  if (event.kind === 'io' && event.string) {
    const addressSize = event.addressSize === 4 ? 1 << 7 : 0;
    return addressSize | (event.direction === 'out' ? (event.segment ?? 0) << 15 : 0);
  }
  if (event.kind === 'vmx-instruction' && event.instruction !== undefined) {
    return vmxInstructionInformation(event.instruction);
  }
  if (event.kind === 'rdrand' || event.kind === 'rdseed') {
    return randomInstructionInformation(event.register, event.size);
  }
  if (event.kind !== 'descriptor-table') return 0;
  const { mnemonic, instruction } = event;
  const isSelector = SYSTEM_TABLE_MNEMONICS.has(mnemonic);
  const identity = descriptorTableIdentity(mnemonic, isSelector ? 1 : 0);
  if (instruction === undefined) return identity << 28;
  return isSelector
    ? selectorInstructionInformation(instruction, identity)
    : tableInstructionInformation(instruction, identity);
}

/** What decoders show beside the manual's fields: value of MOV to CR, LMSW, OUT and of a store outside RAM. */
export function operandOf(event: GuestEvent): number {
  if (event.kind === 'io' || event.kind === 'cr-access') return event.value;
  return event.kind === 'second-stage' ? (event.value ?? 0) : 0;
}

/** Guest-linear address (28.2.1): of INS, OUTS, LMSW with a memory operand, and EPT violations; not of misconfigurations. */
export function guestLinearOf(event: GuestEvent): number {
  if (event.kind === 'io') return event.string ? event.linear : 0;
  if (event.kind === 'cr-access') return event.access === 'lmsw' ? Math.max(0, event.linear) : 0;
  return event.kind === 'second-stage' && event.misconfigured !== true ? event.linear : 0;
}
