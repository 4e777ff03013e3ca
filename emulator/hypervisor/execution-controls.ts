/**
 * VM-execution controls (SDM vol. 3, 25.6): the fields of a VMCS that decide which events leave the
 * guest, under the manual's names and bit numbers, and that decision itself (26.1 "Instructions that
 * cause VM exits", 26.2 "Other causes of VM exits"). The TSC offset is in the vCPU's state block.
 * Controls of features that the processor model lacks are named but decide nothing.
 */
import type { GuestEvent, HostOwnedBits } from '../cpu/exit-hook.ts';
import type { EptRange } from './extended-page-tables.ts';
import type { KvmRelease } from './faces/kvm-face.ts';
import { noSvmControls } from './svm-controls.ts';
import type { SvmControls } from './svm-controls.ts';

/** Pin-based controls, table 25-5. */
// prettier-ignore
export const PIN = {
  EXTERNAL_INTERRUPT_EXITING: 1 << 0, NMI_EXITING: 1 << 3, VIRTUAL_NMIS: 1 << 5, VMX_PREEMPTION_TIMER: 1 << 6,
  PROCESS_POSTED_INTERRUPTS: 1 << 7,
} as const;

/** Primary processor-based controls, table 25-6. */
// prettier-ignore
export const PRIMARY = {
  INTERRUPT_WINDOW_EXITING: 1 << 2, USE_TSC_OFFSETTING: 1 << 3, HLT_EXITING: 1 << 7, INVLPG_EXITING: 1 << 9,
  MWAIT_EXITING: 1 << 10, RDPMC_EXITING: 1 << 11, RDTSC_EXITING: 1 << 12, CR3_LOAD_EXITING: 1 << 15,
  CR3_STORE_EXITING: 1 << 16, CR8_LOAD_EXITING: 1 << 19, CR8_STORE_EXITING: 1 << 20, USE_TPR_SHADOW: 1 << 21,
  NMI_WINDOW_EXITING: 1 << 22, MOV_DR_EXITING: 1 << 23, UNCONDITIONAL_IO_EXITING: 1 << 24, USE_IO_BITMAPS: 1 << 25,
  MONITOR_TRAP_FLAG: 1 << 27, USE_MSR_BITMAPS: 1 << 28, MONITOR_EXITING: 1 << 29, PAUSE_EXITING: 1 << 30,
  ACTIVATE_SECONDARY_CONTROLS: 1 << 31,
} as const;

/** Secondary processor-based controls, table 25-7. */
// prettier-ignore
export const SECONDARY = {
  VIRTUALIZE_APIC_ACCESSES: 1 << 0, ENABLE_EPT: 1 << 1, DESCRIPTOR_TABLE_EXITING: 1 << 2, ENABLE_RDTSCP: 1 << 3,
  VIRTUALIZE_X2APIC_MODE: 1 << 4, ENABLE_VPID: 1 << 5, WBINVD_EXITING: 1 << 6, UNRESTRICTED_GUEST: 1 << 7,
  APIC_REGISTER_VIRTUALIZATION: 1 << 8, VIRTUAL_INTERRUPT_DELIVERY: 1 << 9, PAUSE_LOOP_EXITING: 1 << 10,
  RDRAND_EXITING: 1 << 11, ENABLE_INVPCID: 1 << 12, ENABLE_VM_FUNCTIONS: 1 << 13, VMCS_SHADOWING: 1 << 14,
  ENABLE_ENCLS_EXITING: 1 << 15, RDSEED_EXITING: 1 << 16, ENABLE_PML: 1 << 17, EPT_VIOLATION_VE: 1 << 18,
} as const;

/** VM-exit controls, table 25-13, as far as they can matter here. */
export const VM_EXIT = {
  ACKNOWLEDGE_INTERRUPT_ON_EXIT: 1 << 15,
  SAVE_VMX_PREEMPTION_TIMER_VALUE: 1 << 22,
} as const;

/** Signals that leave without a control as well, though not where a hypervisor emulates the local APIC. */
export const SIGNAL = { INIT: 1 << 0, SIPI: 1 << 1 } as const;

/**
 * What leaves without any control in VMX non-root operation. A VMCS has no such field: it is here so
 * that a bare machine is one without exits, and so that a launch can switch a single one off.
 */
// prettier-ignore
export const UNCONDITIONAL = {
  CPUID: 1 << 0, INVD: 1 << 1, VMCALL: 1 << 2, VMX_INSTRUCTIONS: 1 << 3, TASK_SWITCH: 1 << 4, TRIPLE_FAULT: 1 << 5,
  /** RDMSR and WRMSR without MSR bitmap or outside its ranges. */
  MSR: 1 << 6,
} as const;

export interface ExecutionControls {
  pinBased: number;
  primary: number;
  secondary: number;
  unconditional: number;
  /** VM_EXIT bits. */
  vmExit: number;
  /** SIGNAL bits. */
  signals: number;
  exceptionBitmap: number;
  /** #PF leaves by bit 14 of the exception bitmap if (error code & mask) == match, else by its opposite. */
  pageFaultErrorMask: number;
  pageFaultErrorMatch: number;
  /** I/O bitmaps A and B, one bit per port: 8 KiB. */
  readonly ioBitmap: Uint8Array;
  /** Read low, read high, write low, write high: 4 × 1 KiB (25.6.9). */
  readonly msrBitmap: Uint8Array;
  cr0Mask: number;
  cr4Mask: number;
  /** Read shadows; null: they follow the guest's own register, as KVM keeps them. */
  cr0Shadow: number | null;
  cr4Shadow: number | null;
  /** Values of MOV to CR3 that do not leave, at most four. */
  cr3Targets: readonly number[];
  /** Which of the two sets of controls decides: the fields above, or `svm`. The other one says what it would. */
  hardware: 'vmx' | 'svm';
  /** The same hypervisor's VMCB on a processor of AMD's. */
  readonly svm: SvmControls;
  /** Added to the machine's ticks at power-on, with USE_TSC_OFFSETTING. */
  tscOffset: number;
  /** Device pages are marked by misconfigured EPT entries once they have been touched, as KVM does it. */
  eptMarksDevices: boolean;
  /** RAM that the hypervisor takes rights from at power-on, the later over the earlier. */
  eptRights: readonly EptRange[];
  /** EPTP bit 6: accessed and dirty flags for EPT (29.3.5). */
  eptAccessedDirty: boolean;
  /** VMX-preemption timer: ticks of the TSC from a VM entry to the exit (25.5.1). */
  preemptionTimer: number;
  /** PAUSE-loop exiting: ticks of the TSC between two PAUSEs of one loop, and of a loop that leaves (25.6.13). */
  pauseLoopGap: number;
  pauseLoopWindow: number;
  /** What the same hypervisor sets on the other vendor's processors; null: these fields hold both. */
  elsewhere: ExecutionControls | null;
  /** Whose exits to user space the KVM face shows (faces/kvm-face.ts). */
  release: KvmRelease;
}

/** The controls that hold for a processor of a kind, whether they decide or not. */
export function controlsOf(
  controls: ExecutionControls,
  hardware: 'vmx' | 'svm',
): ExecutionControls {
  const { elsewhere } = controls;
  return controls.hardware === hardware || elsewhere?.hardware !== hardware ? controls : elsewhere;
}

/** Controls under which nothing leaves. */
export function noControls(): ExecutionControls {
  return {
    pinBased: 0,
    primary: 0,
    secondary: 0,
    unconditional: 0,
    vmExit: 0,
    signals: 0,
    exceptionBitmap: 0,
    pageFaultErrorMask: 0,
    pageFaultErrorMatch: 0,
    ioBitmap: new Uint8Array(8192),
    msrBitmap: new Uint8Array(4096),
    cr0Mask: 0,
    cr4Mask: 0,
    cr0Shadow: null,
    cr4Shadow: null,
    cr3Targets: [],
    hardware: 'vmx',
    svm: noSvmControls(),
    tscOffset: 0,
    eptMarksDevices: false,
    eptRights: [],
    eptAccessedDirty: false,
    preemptionTimer: 0,
    pauseLoopGap: 0,
    pauseLoopWindow: 0,
    elsewhere: null,
    release: 'today',
  };
}

/** The secondary controls as they act: none unless they are activated (25.6.2). */
export function secondaryControls({ primary, secondary }: ExecutionControls): number {
  return (primary & PRIMARY.ACTIVATE_SECONDARY_CONTROLS) === 0 ? 0 : secondary;
}

/** Bits of CR0 or CR4 that belong to the hypervisor, and what the guest reads there. */
export function ownedBits(controls: ExecutionControls, register: 0 | 4): HostOwnedBits {
  return register === 0
    ? { mask: controls.cr0Mask, shadow: controls.cr0Shadow }
    : { mask: controls.cr4Mask, shadow: controls.cr4Shadow };
}

/** Offset in the MSR bitmap of the byte with the MSR's bit, or -1 for one outside both ranges. */
function msrByte(index: number, write: boolean): number {
  const low = index <= 0x1fff;
  if (!low && (index < 0xc0000000 || index > 0xc0001fff)) return -1;
  return (write ? 2048 : 0) + (low ? 0 : 1024) + ((index & 0x1fff) >> 3);
}

/** Whether the MSR bitmap has bits for it. */
export const isInMsrBitmap = (index: number): boolean => msrByte(index, false) >= 0;

/** Lets reads or writes of an MSR in the bitmap's ranges leave, or not. */
export function setMsrExiting(
  controls: ExecutionControls,
  index: number,
  write: boolean,
  leave: boolean,
): void {
  const at = msrByte(index, write);
  if (at < 0) throw new RangeError(`MSR 0x${index.toString(16)} is outside the MSR bitmap`);
  const bit = 1 << (index & 7);
  if (leave) controls.msrBitmap[at] |= bit;
  else controls.msrBitmap[at] &= ~bit;
}

function msrLeaves(controls: ExecutionControls, index: number, write: boolean): boolean {
  const at = msrByte(index, write);
  if (at < 0 || (controls.primary & PRIMARY.USE_MSR_BITMAPS) === 0) {
    return (controls.unconditional & UNCONDITIONAL.MSR) !== 0;
  }
  return (controls.msrBitmap[at] & (1 << (index & 7))) !== 0;
}

function ioLeaves(controls: ExecutionControls, port: number, size: number): boolean {
  if ((controls.primary & PRIMARY.USE_IO_BITMAPS) === 0) {
    return (controls.primary & PRIMARY.UNCONDITIONAL_IO_EXITING) !== 0;
  }
  // an access that wraps around the port space always leaves
  if (port + size > 0x10000) return true;
  for (let each = port; each < port + size; each++) {
    if ((controls.ioBitmap[each >> 3] & (1 << (each & 7))) !== 0) return true;
  }
  return false;
}

/** The control registers as the guest last set them. */
export interface GuestControlRegisters {
  readonly cr0: number;
  readonly cr4: number;
}

type CrAccess = Extract<GuestEvent, { kind: 'cr-access' }>;

function crLeaves(
  controls: ExecutionControls,
  { register, access, value }: CrAccess,
  guest: GuestControlRegisters,
): boolean {
  const shadow = controls.cr0Shadow ?? guest.cr0;
  const mask = controls.cr0Mask;
  // prettier-ignore
  switch (access) {
    case 'clts': return (mask & shadow & 8) !== 0;
    // LMSW sets PE but cannot clear it
    case 'lmsw': return (mask & (value ^ shadow) & 0xe) !== 0 || (mask & value & ~shadow & 1) !== 0;
    case 'mov-from-cr':
      if (register === 3) return (controls.primary & PRIMARY.CR3_STORE_EXITING) !== 0;
      return register === 8 && (controls.primary & PRIMARY.CR8_STORE_EXITING) !== 0;
    case 'mov-to-cr':
      if (register === 0) return (mask & (value ^ shadow)) !== 0;
      if (register === 4) return (controls.cr4Mask & (value ^ (controls.cr4Shadow ?? guest.cr4))) !== 0;
      if (register === 3) return (controls.primary & PRIMARY.CR3_LOAD_EXITING) !== 0 && !controls.cr3Targets.includes(value);
      return register === 8 && (controls.primary & PRIMARY.CR8_LOAD_EXITING) !== 0;
  }
}

type ExceptionEvent = Extract<GuestEvent, { kind: 'exception' }>;

function exceptionLeaves(
  controls: ExecutionControls,
  { vector, type, errorCode }: ExceptionEvent,
): boolean {
  if (type === 'nmi') return (controls.pinBased & PIN.NMI_EXITING) !== 0;
  const bit = ((controls.exceptionBitmap >>> (vector & 31)) & 1) === 1;
  if (vector !== 14) return bit;
  const matches = ((errorCode ?? 0) & controls.pageFaultErrorMask) === controls.pageFaultErrorMatch;
  return matches === bit;
}

/** Whether the event leaves the guest. */
export function leaves(
  controls: ExecutionControls,
  event: GuestEvent,
  guest: GuestControlRegisters,
): boolean {
  const { primary, pinBased, signals, unconditional } = controls;
  const secondary = secondaryControls(controls);
  // prettier-ignore
  switch (event.kind) {
    case 'cpuid':              return (unconditional & UNCONDITIONAL.CPUID) !== 0;
    case 'invd':               return (unconditional & UNCONDITIONAL.INVD) !== 0;
    case 'vmcall':
    case 'vmmcall':            return (unconditional & UNCONDITIONAL.VMCALL) !== 0;
    case 'vmx-instruction':    return (unconditional & UNCONDITIONAL.VMX_INSTRUCTIONS) !== 0;
    case 'task-switch':        return (unconditional & UNCONDITIONAL.TASK_SWITCH) !== 0;
    case 'triple-fault':       return (unconditional & UNCONDITIONAL.TRIPLE_FAULT) !== 0;
    case 'hlt':                return (primary & PRIMARY.HLT_EXITING) !== 0;
    case 'wbinvd':             return (secondary & SECONDARY.WBINVD_EXITING) !== 0;
    case 'rdtsc':
    case 'rdtscp':             return (primary & PRIMARY.RDTSC_EXITING) !== 0;
    case 'rdpmc':              return (primary & PRIMARY.RDPMC_EXITING) !== 0;
    case 'pause':              return (primary & PRIMARY.PAUSE_EXITING) !== 0;
    case 'monitor':            return (primary & PRIMARY.MONITOR_EXITING) !== 0;
    case 'mwait':              return (primary & PRIMARY.MWAIT_EXITING) !== 0;
    case 'invlpg':             return (primary & PRIMARY.INVLPG_EXITING) !== 0;
    // outside system-management mode RSM is #UD, which comes before any exit
    case 'rsm':
    // nothing of VMX takes these
    case 'smsw':
    case 'pushf':
    case 'popf':
    case 'iret':
    case 'int':                return false;
    case 'io':                 return ioLeaves(controls, event.port, event.size);
    case 'cr-access':          return crLeaves(controls, event, guest);
    case 'dr-access':          return (primary & PRIMARY.MOV_DR_EXITING) !== 0;
    case 'rdmsr':              return msrLeaves(controls, event.index, false);
    case 'wrmsr':              return msrLeaves(controls, event.index, true);
    case 'descriptor-table':   return (secondary & SECONDARY.DESCRIPTOR_TABLE_EXITING) !== 0;
    case 'exception':          return exceptionLeaves(controls, event);
    case 'rdrand':             return (secondary & SECONDARY.RDRAND_EXITING) !== 0;
    case 'rdseed':             return (secondary & SECONDARY.RDSEED_EXITING) !== 0;
    case 'external-interrupt': return (pinBased & PIN.EXTERNAL_INTERRUPT_EXITING) !== 0;
    case 'interrupt-window':   return (primary & PRIMARY.INTERRUPT_WINDOW_EXITING) !== 0;
    case 'nmi-window':         return (primary & PRIMARY.NMI_WINDOW_EXITING) !== 0;
    case 'monitor-trap':       return (primary & PRIMARY.MONITOR_TRAP_FLAG) !== 0;
    case 'preemption-timer':   return (pinBased & PIN.VMX_PREEMPTION_TIMER) !== 0;
    case 'entry-failure':      return true;
    case 'init-signal':               return (signals & SIGNAL.INIT) !== 0;
    case 'sipi':               return (signals & SIGNAL.SIPI) !== 0;
    case 'second-stage':       return (secondary & SECONDARY.ENABLE_EPT) !== 0;
  }
}
