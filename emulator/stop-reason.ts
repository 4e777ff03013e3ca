/** Why a machine's run() returned to whoever debugs it. */
import type { Outsider } from './memory/outsider.ts';

export type StopReason =
  /** The budget of this slice is used up; call run() again. */
  | { readonly kind: 'budget' }
  /** Halted with interrupts to come at `wakeAt` (virtual ns); call run() again, at once or after pacing. */
  | { readonly kind: 'idle'; readonly wakeAt: number }
  | { readonly kind: 'entry' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'step' }
  | { readonly kind: 'breakpoint'; readonly ids: readonly number[] }
  /** An instruction has accessed watched memory and is complete; or a device or the hypervisor has. */
  | {
      readonly kind: 'data breakpoint';
      readonly ids: readonly number[];
      readonly access: DataAccess;
    }
  /** An exit breakpoint matched; the exit is pending and resolved on the next run. */
  | { readonly kind: 'exit'; readonly ids: readonly number[]; readonly exit: ExitRecord }
  /** COM1 has sent the last byte of a text that was waited for: its index in watchConsole(). */
  | { readonly kind: 'console'; readonly index: number }
  /**
   * An event breakpoint matched: before the event, which comes up again when the guest goes on, or after
   * it, as its row in debugger/machine-events.ts says.
   */
  | { readonly kind: 'event'; readonly ids: readonly number[]; readonly event: EventRecord }
  | {
      readonly kind: 'triple-fault';
      readonly description: string;
      readonly chain: readonly FaultLink[];
    }
  /** An instruction that is known but not implemented; continuing raises #UD. */
  | { readonly kind: 'unimplemented'; readonly instruction: string; readonly bytes: string }
  /** A guest broke an interface (ABI) in a way that cannot go on; `description` is a sentence. */
  | { readonly kind: 'guest-error'; readonly description: string }
  /** HLT with interrupts disabled: nothing can wake it. */
  | { readonly kind: 'halted-forever' }
  /** The guest switched the machine off (ACPI, debug-exit port) or asked for a reset. */
  | { readonly kind: 'power-off'; readonly code: number; readonly via: string }
  | { readonly kind: 'reset'; readonly via: string };

/** An access that met a data breakpoint. */
export interface DataAccess {
  readonly linear: number;
  readonly size: number;
  readonly write: boolean;
  /** Linear address of the instruction. */
  readonly instruction: number;
  /**
   * A device or the hypervisor, whose access it was: `linear` is guest-physical then, and `instruction`
   * the one that is next.
   */
  readonly by?: Outsider;
  /** The breakpoint's memory before and after (at most 16 bytes); null where it cannot be read. */
  readonly before: Uint8Array | null;
  readonly after: Uint8Array | null;
}

/** An event of the machine, plain data. Symbols are added by the adapter. */
export interface EventRecord {
  /** "exception", "port.out", … */
  readonly name: string;
  /** "#PF", "OUT", "interrupt 0x30": what kind of it, for a heading. */
  readonly title: string;
  /** "at 0x1000, write from user mode, not present"; or "". */
  readonly detail: string;
  readonly when: 'before' | 'after';
  /** Decoded fields by name, for conditions: { vector: 14, errorCode: 2 }. */
  readonly fields: { readonly [name: string]: number | bigint };
  /** Retired instructions of the machine. */
  readonly position: number;
  readonly rip: number;
  /** Linear address of RIP (CS base added): of the instruction that is or was at work. */
  readonly linearRip: number;
  readonly cpl: number;
  readonly vcpu: number;
  /** For exceptions: what led to it, itself the last; else empty. */
  readonly chain: readonly FaultLink[];
}

/** An exception, or an interrupt at the head, of a chain in which each arose while the one before was delivered. */
export interface FaultLink {
  /** "#GP", "interrupt 0x20", "triple fault". */
  readonly name: string;
  /** null: a triple fault has none. */
  readonly vector: number | null;
  /** null: it pushes none. */
  readonly errorCode: number | null;
  /** Offset in CS. */
  readonly eip: number;
  /** Linear address of #PF, else null. */
  readonly cr2: number | null;
}

/** One row of the exit log, plain data: what the editor shows. Symbols are added by the adapter. */
export interface ExitRecord {
  readonly ordinal: number;
  /** Retired instructions. */
  readonly position: number;
  readonly reason: number;
  /** "CPUID", "IO_INSTRUCTION", … */
  readonly name: string;
  readonly qualification: number;
  /** "leaf 0x40000000", "out 0x3f8, 1 byte, 0x41". */
  readonly detail: string;
  /** Decoded fields by name, for conditions: { leaf: 0x40000000, subleaf: 0 }. */
  readonly fields: { readonly [name: string]: number };
  readonly rip: number;
  /** Linear address of RIP (CS base added). */
  readonly linearRip: number;
  readonly instructionLength: number;
  readonly cpl: number;
  /** Number of the vCPU that left; absent: 0. */
  readonly vcpu?: number;
  /** Number of the row in the log; absent: the ordinal, as long as no filter has held exits back. */
  readonly row?: number;
  /** What became of it; absent while it waits for the hypervisor. */
  readonly outcome?: ExitOutcomeRecord;
}

/** What the hypervisor did at an exit, plain data. */
export interface ExitOutcomeRecord {
  /** "emulated", "injected", … (hypervisor/exit-outcome.ts). */
  readonly kind: string;
  /** "returned 0x40000001", "injected #GP(0)", "emulated, interrupt 0x20 injected". */
  readonly text: string;
  /** Things done to the guest: instructions, events, pieces of its memory, entries of page tables. */
  readonly steps: number;
  /** A person or a breakpoint's action took the hypervisor's place. */
  readonly intervened?: true;
  /** What the guest got back, as a number where it is one. */
  readonly result?: number;
  /** Exception that it got. */
  readonly vector?: number;
  readonly errorCode?: number;
  /** Vector of the interrupt that went in with the entry. */
  readonly interrupt?: number;
}
