/**
 * The door through which an event may leave the guest. The CPU knows that an event *may* leave and
 * offers it here; who decides by which controls, and who handles it, is the hypervisor's affair
 * (hypervisor/). Events carry what the CPU alone knows; the hypervisor turns them into a VmExit with
 * the SDM's fields (vol. 3, 28.2).
 */

import type { Instruction } from './decode/instruction.ts';

export type GuestEvent =
  | {
      readonly kind:
        | 'cpuid'
        | 'hlt'
        | 'invd'
        | 'wbinvd'
        | 'rdtsc'
        | 'rdtscp'
        | 'rdpmc'
        | 'pause'
        | 'monitor'
        | 'rsm'
        | 'smsw'
        | 'pushf'
        | 'popf'
        | 'iret';
    }
  /** INT n, before its gate is looked at. */
  | { readonly kind: 'int'; readonly vector: number }
  /** `armed`: MONITOR has been executed, and nothing has left the guest since. */
  | { readonly kind: 'mwait'; readonly armed?: boolean }
  /** VMCALL (0f 01 c1) and VMMCALL (0f 01 d9). Offered at any CPL. */
  | { readonly kind: 'vmcall' | 'vmmcall' }
  | {
      readonly kind: 'vmx-instruction';
      readonly mnemonic: string;
      readonly instruction?: Instruction;
    }
  | { readonly kind: 'invlpg'; readonly linear: number }
  | {
      readonly kind: 'io';
      readonly port: number;
      readonly size: 1 | 2 | 4;
      readonly direction: 'in' | 'out';
      readonly string: boolean;
      readonly repeat: boolean;
      /** The port was an immediate operand. */
      readonly immediate: boolean;
      /** Value to be written by OUT (not string), else 0. */
      readonly value: number;
      /** Linear address of the memory operand of INS and OUTS, else 0. */
      readonly linear: number;
      /** Bytes of the address size; absent: 4. INS and OUTS: the segment register of the operand. */
      readonly addressSize?: 2 | 4;
      readonly segment?: number;
    }
  | {
      readonly kind: 'cr-access';
      readonly register: 0 | 2 | 3 | 4 | 8;
      readonly access: 'mov-to-cr' | 'mov-from-cr' | 'clts' | 'lmsw';
      /** General register of MOV. */
      readonly gpr: number;
      /** Value to be written, or source word of LMSW. */
      readonly value: number;
      /** Linear address of LMSW's memory operand, or -1. */
      readonly linear: number;
    }
  | {
      readonly kind: 'dr-access';
      readonly register: number;
      readonly access: 'mov-to-dr' | 'mov-from-dr';
      readonly gpr: number;
    }
  | { readonly kind: 'rdmsr'; readonly index: number }
  | { readonly kind: 'wrmsr'; readonly index: number; readonly low: number; readonly high: number }
  | {
      readonly kind: 'descriptor-table';
      readonly mnemonic: string;
      readonly instruction?: Instruction;
    }
  | {
      readonly kind: 'task-switch';
      readonly selector: number;
      readonly source: 'call' | 'iret' | 'jmp' | 'gate';
      /** Pushed on the new task's stack, unless null or absent. */
      readonly errorCode?: number | null;
      /** EFLAGS that the old task's TSS gets, before IRET clears NT in them. */
      readonly flags?: number;
    }
  /** An exception (or NMI, vector 2) about to be delivered. */
  | {
      readonly kind: 'exception';
      readonly vector: number;
      readonly errorCode: number | null;
      /** 'fault' RIP is the instruction; 'trap' after it; 'software' INT3 and INTO; 'privileged' INT1. */
      readonly type: 'fault' | 'trap' | 'software' | 'privileged' | 'nmi';
      /** Faulting linear address of #PF, DR6 bits of #DB, else 0. */
      readonly qualification: number;
    }
  | { readonly kind: 'triple-fault' }
  /** INTR is asserted, before acknowledge; offered once per boundary at which it is. */
  | {
      readonly kind: 'external-interrupt';
      /** Set where the exit has acknowledged it. */
      readonly vector?: number;
    }
  /** Interrupts, or non-maskable ones, have just become acceptable. */
  | { readonly kind: 'interrupt-window' | 'nmi-window' }
  /** An instruction or the delivery of an event is complete since the VM entry. */
  | { readonly kind: 'monitor-trap' }
  | { readonly kind: 'preemption-timer' }
  /** INIT, and a start-up interrupt in the wait-for-SIPI state. */
  | { readonly kind: 'init-signal' }
  /** A VM entry was refused for the guest's state. */
  | { readonly kind: 'entry-failure'; readonly qualification: number }
  | { readonly kind: 'sipi'; readonly vector: number }
  /** The destination register and its size, 2 or 4 bytes. */
  | { readonly kind: 'rdrand' | 'rdseed'; readonly register: number; readonly size: number }
  /** An access to a guest-physical address that the second stage does not map as wanted (not RAM). */
  | {
      readonly kind: 'second-stage';
      readonly guestPhysical: number;
      readonly linear: number;
      /** False: the access was to a paging structure during a walk. */
      readonly final: boolean;
      readonly access: 'read' | 'write' | 'fetch';
      readonly size: number;
      /** The second stage has an entry of reserved form there; absent: it has none. */
      readonly misconfigured?: boolean;
      /** Bits 2:0 of what it has there, read, write, execute; absent: nothing. */
      readonly rights?: number;
      /** Reads and writes at once. */
      readonly updates?: boolean;
      /** What a store of at most four bytes writes; absent: 0. */
      readonly value?: number;
    };

/** Instructions of which SVM alone knows. */
export type SvmInstruction = 'pushf' | 'popf' | 'iret' | 'int' | 'smsw';
/** Instructions so frequent that they are offered only where they may leave. */
export type MaskableInstruction = 'rdtsc' | 'pause' | SvmInstruction;

/** The event by which such an instruction is asked about in general. */
export function eventOf(kind: MaskableInstruction): GuestEvent {
  return kind === 'int' ? { kind, vector: 0 } : { kind };
}

/**
 * What no control makes leave the guest, shown to a debugger alone. Interrupts are about to be delivered;
 * the others have happened within the instruction that is running.
 */
export type WatchedEvent =
  /** INTR is about to be acknowledged and will give this vector; or INT n. */
  | {
      readonly kind: 'interrupt';
      readonly vector: number;
      readonly source: 'external' | 'software';
    }
  /** IN or INS has read a port. */
  | {
      readonly kind: 'port-read';
      readonly port: number;
      readonly size: number;
      readonly value: number;
    }
  /** What decides the mode of execution and the address space has changed. */
  | { readonly kind: 'mode-change'; readonly before: ModeWord; readonly after: ModeWord }
  /** INIT was sent to a processor, or a start-up interrupt with its vector. */
  | { readonly kind: 'init'; readonly target: number }
  | { readonly kind: 'start-up'; readonly target: number; readonly vector: number };

/** The mode of execution as a debugger compares it. */
export interface ModeWord {
  readonly protectedMode: boolean;
  readonly v86: boolean;
  readonly paging: boolean;
  readonly pae: boolean;
  readonly cpl: number;
  readonly cr3: number;
}

/** Everything that a debugger can stop at. */
export type MachineEvent = GuestEvent | WatchedEvent;

/** What a hypervisor waits for at the boundaries between instructions, bits of ExitHook.awaits. */
export const AWAITED = {
  /** IF=1 and no shadow; no interrupt is delivered natively before. */
  INTERRUPT_WINDOW: 1 << 0,
  /** Non-maskable interrupts are not blocked, and there is no shadow. */
  NMI_WINDOW: 1 << 1,
  /** Every instruction or delivered event. */
  MONITOR_TRAP: 1 << 2,
  /** The VMX-preemption timer has run down. */
  PREEMPTION_TIMER: 1 << 3,
  /** A non-maskable interrupt, although the guest blocks them: its blocking is virtual. */
  NMI: 1 << 4,
} as const;

/** What a hypervisor keeps of CR0 or CR4 (SDM vol. 3, 25.6.6). */
export interface HostOwnedBits {
  readonly mask: number;
  /** What the guest reads in place of the masked bits; null: the register's own. */
  readonly shadow: number | null;
}

export interface ExitHook {
  /** AWAITED bits: each is offered at the first boundary at which it holds. */
  readonly awaits: number;
  /**
   * Whether such events may leave the guest at all; asked once a run. While they may not they are not
   * offered, so that emitted code can execute them alone. Absent: they may.
   */
  mayLeave?(kind: MaskableInstruction): boolean;
  /**
   * Under SVM the instructions of SvmInstruction may leave, and in the order of its table 15-7 (AMD APM vol.
   * 2): MOV CR, MOV DR, RDPMC, MONITOR and MWAIT make their own checks before they are offered, where under
   * VMX, and if this is absent, they are offered right after the check of CPL.
   */
  readonly isSvm?: boolean;
  /** #PF is first of the hypervisor's shadow of the page tables; the guest's own are injected. Absent: no. */
  readonly shadowsPageTables?: boolean;
  /** Absent: the guest's registers are all its own. */
  ownedBits?(register: 0 | 4): HostOwnedBits;
  /** False: the instruction is undefined under the hypervisor's controls. Absent: none is. */
  enables?(instruction: 'rdtscp'): boolean;
  /**
   * Offers an event. True: it leaves the guest; the CPU abandons the instruction with nothing
   * committed (RIP at the instruction) and returns to the machine, which asks the hypervisor to
   * resolve it. False: the CPU goes on natively.
   * @param length bytes of the instruction, 0 where the event is not one.
   */
  offer(event: GuestEvent, length: number): boolean;
  /**
   * Shows an event to a debugger alone: one that cannot leave the guest, or one of an instruction that the
   * hypervisor executes for it. True: the CPU abandons it as after offer(). Absent: nobody looks.
   */
  watch?(event: MachineEvent, length: number): boolean;
  /**
   * The last true answer came from a debugger: nobody resolves the event, so it must come up again when
   * the CPU goes on. What would not by itself, a trap or an NMI that was taken, is put back.
   */
  readonly held?: boolean;
  /** Something of ModeWord may have changed in the running instruction. */
  modeChanged?(): void;
}
