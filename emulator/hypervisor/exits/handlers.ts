/**
 * Which handler resolves which exit: one row for each reason that this machine leaves for, that is, for
 * each row of exit-reasons.ts without a gap.
 */
import { REASON } from '../exit-reasons.ts';
import { cpuid } from './cpuid.ts';
import { crAccess } from './cr-access.ts';
import { emulateOrRedeliver, eptViolation } from './ept-violation.ts';
import { exception, tripleFault } from './exception.ts';
import { emulate, goOn, skip } from './handler.ts';
import type { ExitHandler } from './handler.ts';
import { hlt } from './hlt.ts';
import { interrupt, window } from './interrupt.ts';
import { rdmsr, wrmsr } from './msr.ts';
import { init, startUp } from './signal.ts';
import { vmcall, vmxInstruction } from './vmcall.ts';

// prettier-ignore
export const HANDLERS: ReadonlyMap<number, ExitHandler> = new Map<number, ExitHandler>([
  [REASON.EXCEPTION_NMI,      exception],
  [REASON.EXTERNAL_INTERRUPT, interrupt],
  [REASON.TRIPLE_FAULT,       tripleFault],
  [REASON.INIT,               init],
  [REASON.SIPI,               startUp],
  [REASON.INTERRUPT_WINDOW,   window],
  [REASON.NMI_WINDOW,         window],
  [REASON.TASK_SWITCH,        emulateOrRedeliver],
  [REASON.CPUID,              cpuid],
  [REASON.HLT,                hlt],
  // caches have no contents of their own here
  [REASON.INVD,               skip],
  [REASON.WBINVD,             skip],
  [REASON.INVLPG,             emulate],
  [REASON.RDPMC,              emulate],
  [REASON.RDTSC,              emulate],
  [REASON.RDTSCP,             emulate],
  [REASON.VMCALL,             vmcall],
  [REASON.VMCLEAR,            vmxInstruction],
  [REASON.VMLAUNCH,           vmxInstruction],
  [REASON.VMPTRLD,            vmxInstruction],
  [REASON.VMPTRST,            vmxInstruction],
  [REASON.VMREAD,             vmxInstruction],
  [REASON.VMRESUME,           vmxInstruction],
  [REASON.VMWRITE,            vmxInstruction],
  [REASON.VMXOFF,             vmxInstruction],
  [REASON.VMXON,              vmxInstruction],
  [REASON.INVEPT,             vmxInstruction],
  [REASON.INVVPID,            vmxInstruction],
  [REASON.CR_ACCESS,          crAccess],
  [REASON.DR_ACCESS,          emulate],
  [REASON.IO_INSTRUCTION,     emulate],
  [REASON.RDMSR,              rdmsr],
  [REASON.WRMSR,              wrmsr],
  // KVM treats both as no-operations: a wait that ends at once is a correct one
  [REASON.MWAIT,              skip],
  [REASON.MONITOR,            skip],
  // only a change from outside makes the entry pass
  [REASON.VMENTRY_FAILURE_GUEST_STATE, goOn],
  // the hypervisor only looks on, and loads the timer at each entry
  [REASON.MONITOR_TRAP_FLAG,  goOn],
  [REASON.VMX_PREEMPTION_TIMER_EXPIRED, goOn],
  [REASON.PAUSE,              skip],
  [REASON.RDRAND,             emulate],
  [REASON.RDSEED,             emulate],
  [REASON.GDTR_IDTR_ACCESS,   emulate],
  [REASON.LDTR_TR_ACCESS,     emulate],
  [REASON.EPT_VIOLATION,      eptViolation],
  [REASON.EPT_MISCONFIGURATION, emulateOrRedeliver],
  [REASON.SMSW,               emulate],
  [REASON.PUSHF,              emulate],
  [REASON.POPF,               emulate],
  [REASON.IRET,               emulate],
  [REASON.SWINT,              emulate],
  [REASON.INVLPGA,            vmxInstruction],
  [REASON.VMRUN,              vmxInstruction],
  [REASON.VMLOAD,             vmxInstruction],
  [REASON.VMSAVE,             vmxInstruction],
  [REASON.STGI,               vmxInstruction],
  [REASON.CLGI,               vmxInstruction],
  [REASON.SKINIT,             vmxInstruction],
]);
