/**
 * Everything a debugger may see or do: the only door of the emulator for the debug adapter. All values
 * are plain data, so that the same interface can be called in process or over a message channel
 * (debug-adapter/machine/machine-host.ts). Addresses and register values are unsigned numbers.
 */
import type { Hotness } from './cpu/translate/compiled-tier.ts';
import type { LogLine, LogMessage } from './debugger/log-message.ts';
import type { Detail } from './debugger/views/detail.ts';
import type { DeviceSummary } from './debugger/views/devices/devices.ts';
import type { ViewName } from './debugger/views/views.ts';
import type { StepTarget } from './debugger/step-target.ts';
import type { Value } from './expressions/evaluator.ts';
import type { ExpressionSource } from './expressions/expression.ts';
import type { ExitLogOptions } from './hypervisor/exit-log.ts';
import type { ExitStatistics } from './hypervisor/exit-statistics.ts';
import type { MediumKind } from './devices/boot-medium.ts';
import type { ExitSetting } from './hypervisor/setting-kinds.ts';
import type { HostPagingOptions } from './hypervisor/host-paging.ts';
import type { GuestModule, KernelEntry, LoadedRange } from './loaders/loader.ts';
import type { Screen } from './picture.ts';
import type { ExitRecord, StopReason } from './stop-reason.ts';

/** Virtual processors of the largest machine. */
export const MOST_VCPUS = 8;

/** What of KVM's interface is other than usual. */
export interface KvmConfiguration {
  /** Features of paravirt/kvm-features.ts by name, over what the profile offers. */
  readonly features: { readonly [name: string]: boolean };
  /** Guest pages that the host has paged out; absent: none. */
  readonly asyncPageFaults?: HostPagingOptions;
}

/** What to build; file contents instead of names, since the emulator opens no files. */
export interface MachineConfiguration {
  readonly guest: {
    /** The kernel, or the medium that a BIOS machine boots from. */
    readonly kernel: Uint8Array;
    /** For messages only. */
    readonly kernelName: string;
    readonly format: 'auto' | 'bzimage' | 'multiboot' | 'pvh' | 'flat' | 'bios';
    /** With format 'bios', and only there. */
    readonly bios?: {
      /** What kind of medium the image is; 'auto' looks at it. */
      readonly medium: 'auto' | MediumKind;
      /** ROM that ends at 4 GiB, and its name for messages. */
      readonly firmware: Uint8Array;
      readonly firmwareName: string;
      /** Option ROM of the display. */
      readonly videoRom?: Uint8Array;
    };
    readonly initrd?: Uint8Array;
    /** For kernels whose protocol knows modules. */
    readonly modules?: readonly GuestModule[];
    readonly commandLine: string;
    /** Of a bzImage; 'auto' without it. */
    readonly entry?: KernelEntry;
    /** Guest-physical load address or 'auto'. */
    readonly loadAddress: 'auto' | number;
  };
  readonly memoryBytes: number;
  /** Virtual processors, up to MOST_VCPUS; 1 without it. */
  readonly vcpus?: number;
  readonly cpuModel: string;
  /** Adds the device for programs that test a machine (devices/test-device.ts). */
  readonly testDevice?: boolean;
  readonly hypervisor: {
    readonly interface: 'bare' | 'kvm';
    /** Profile name of hypervisor/profiles.ts. */
    readonly profile: string;
    /** Overrides by launch-attribute name ("cpuid", "hlt", …), hypervisor/exit-switches.ts. */
    readonly exits: { readonly [name: string]: ExitSetting };
    /** With interface 'kvm', and only there; as it is without. */
    readonly kvm?: KvmConfiguration;
    /** Rows of the exit log, and whether exits are counted by more than their reason. */
    readonly log?: Partial<ExitLogOptions>;
  };
  /** Offer shared memory where the host allows it. */
  readonly shared: boolean;
  /** When code is compiled, null: never, all is interpreted; as usual without it. Only speed depends on it. */
  readonly hotness?: Hotness | null;
}

export type AddressSpace = 'linear' | 'physical';

export interface MemoryRange {
  readonly address: number;
  /** What could be read from the start; shorter than asked when a page is unmapped. */
  readonly bytes: Uint8Array;
  /** Bytes after `bytes` that cannot be read (up to the next readable one or the end). */
  readonly unreadable: number;
}

/** A register as the Variables view shows it. */
export interface RegisterValue {
  readonly name: string;
  /** Unsigned; for 64-bit and 80-bit ones the exact hex digits are in `text`. */
  readonly value: number;
  readonly bits: number;
  /** Shown instead of the number where it says more ("1.5", "PE PG WP"). */
  readonly text?: string;
  readonly writable: boolean;
  /** A floating-point number, which `text` says. */
  readonly real?: true;
  /** The value is an address in this space. */
  readonly addressOf?: AddressSpace;
  /** Named bits and fields, and members of a segment register. */
  readonly children?: readonly RegisterValue[];
}
export interface RegisterGroup {
  /** "General", "Flags", "Segments", "Control", "Debug", "Descriptor tables", "FPU", "SIMD", "MSRs". */
  readonly name: string;
  readonly registers: readonly RegisterValue[];
}

export interface DisassembledLine {
  /** Linear address. */
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** False for bytes that could not be read or are no instruction. */
  readonly valid: boolean;
  /** Linear target of a direct branch or absolute memory operand, for a symbol. */
  readonly target?: number;
}

export interface InstructionBreakpoint {
  /** Those with one id are one breakpoint at several places: their hits count together. */
  readonly id: number;
  /** Linear address. */
  readonly address: number;
  /** Expression that tells whether the place is the one that is meant; where it has no value, it is not. */
  readonly where?: ExpressionSource;
  /** Expression over registers, symbols and memory (expressions/), or absent. */
  readonly condition?: ExpressionSource;
  /** Stops at hits of at least this ordinal (">= n" by a plain number, "% n", "== n"). */
  readonly hitCondition?: string;
  /** Printed instead of stopping. */
  readonly log?: LogMessage;
}

export interface DataBreakpoint {
  readonly id: number;
  readonly space: AddressSpace;
  readonly address: number;
  /** Bytes, 1 to 1 MiB. */
  readonly length: number;
  readonly access: 'read' | 'write' | 'readWrite';
  readonly condition?: ExpressionSource;
  readonly hitCondition?: string;
  /** Printed instead of stopping. */
  readonly log?: LogMessage;
}

/** A piece of memory that an expression names. */
export interface MemoryPlace {
  readonly space: AddressSpace;
  readonly address: number;
  /** Bytes. */
  readonly length: number;
}

export interface ExitBreakpoint {
  readonly id: number;
  /** Exit reason's name or number; '*' any. */
  readonly reason: string;
  /** Expression over the exit's fields and the registers ("leaf == 0x40000000"), or absent. */
  readonly condition?: ExpressionSource;
  readonly hitCondition?: string;
  /** Printed instead of stopping. */
  readonly log?: LogMessage;
  /** Number of a hypercall, with reason VMCALL; absent: any. */
  readonly hypercall?: number;
  /** Before the hypervisor handles the exit (without it), or after, when its outcome has names too. */
  readonly when?: 'before' | 'after';
  /** Done instead of what the hypervisor would do; the guest goes on. */
  readonly action?: ExitAction;
}

/** What a person or a breakpoint does with an exit in the hypervisor's place. */
export type ExitAction =
  /** The instruction is passed over, and registers get values. */
  | { readonly kind: 'skip'; readonly registers: readonly RegisterAction[] }
  /** The hypervisor handles it, and then registers get values. */
  | { readonly kind: 'return'; readonly registers: readonly RegisterAction[] }
  /** The guest gets an event at the instruction instead. */
  | { readonly kind: 'inject'; readonly event: EventAction };
export interface RegisterAction {
  /** A general register or a part of one: "eax", "al". */
  readonly register: string;
  readonly value: ExpressionSource;
}
export type EventAction =
  | {
      readonly kind: 'exception';
      readonly vector: number;
      /** null: it pushes none. */
      readonly errorCode: ExpressionSource | null;
      /** Of #PF. */
      readonly address: ExpressionSource | null;
    }
  | { readonly kind: 'interrupt'; readonly vector: ExpressionSource }
  | { readonly kind: 'nmi' };

/** Which exits the log keeps; all are counted. */
export interface ExitLogFilter {
  /** Names or numbers of exit reasons, or groups of them ("Hypercalls"); empty: all. */
  readonly reasons: readonly string[];
  /** Those of them that are left out nevertheless. */
  readonly except: readonly string[];
  /** Expression over the exit's fields and the registers; absent: all of them. */
  readonly condition?: ExpressionSource;
}

export interface EventBreakpoint {
  readonly id: number;
  /** Name of a row of debugger/machine-events.ts. */
  readonly event: string;
  /** Expression over the event's fields and the registers ("event.vector == 14"), or absent. */
  readonly condition?: ExpressionSource;
  readonly hitCondition?: string;
  /** Printed instead of stopping. */
  readonly log?: LogMessage;
}

export interface ResumeMode {
  /**
   * 'stepOver': over calls, software interrupts and repeated string instructions. 'stepOut': until the
   * current function has returned to its caller (by stack depth).
   */
  readonly kind: 'continue' | 'stepIn' | 'stepOver' | 'stepOut';
  /** Only the vCPU that is looked at runs; the others are held. */
  readonly alone?: boolean;
  /**
   * While a single instruction of a step is executed, external interrupts wait. Calls that are stepped
   * over run with interrupts as ever, since they may wait for one.
   */
  readonly maskInterrupts?: boolean;
  /** A step goes on while it ends at linear addresses from `start` to before `end`. */
  readonly within?: { readonly start: number; readonly end: number };
}

/** Where the machine is, and the vCPU that is looked at. */
export interface MachinePosition {
  /** Its number; after a stop, that of the one that stopped. */
  readonly vcpu: number;
  /** Instructions that all vCPUs have retired since power-on. */
  readonly retired: number;
  /** Virtual time, ns. */
  readonly time: number;
  readonly exits: number;
  readonly eip: number;
  /** CS base + EIP. */
  readonly linearEip: number;
  readonly cpl: number;
  readonly mode: 'real' | 'protected16' | 'protected32' | 'v86';
  readonly paging: 'off' | '32-bit' | 'PAE';
  readonly interruptsEnabled: boolean;
}

/** Rows of the exit log: `first` is kept, `end` will be the next; equal when it is empty. */
export interface ExitLogRange {
  readonly first: number;
  readonly end: number;
}

/** One virtual processor among the others. */
export interface VcpuSummary {
  readonly vcpu: number;
  readonly activity: 'running' | 'halted' | 'shut down' | 'waiting for start-up';
  /** CS base + EIP. */
  readonly linearEip: number;
  /** Instructions that it has retired. */
  readonly retired: number;
}

/**
 * The processor in a frame of the call stack: as it is now, or as it will be when the functions further
 * in have returned.
 */
export interface StackFrame {
  readonly eip: number;
  /** CS base + EIP. */
  readonly linearEip: number;
  /** EAX ECX EDX EBX ESP EBP ESI EDI, by their numbers; null: not known. */
  readonly registers: readonly (number | null)[];
  /** ESP, or SP as the stack segment has it: what the frame has on the stack begins here. */
  readonly stackPointer: number;
  /** All ones as wide as the stack pointer. */
  readonly stackMask: number;
  /** Base of SS. */
  readonly stackBase: number;
  readonly cpl: number;
  readonly mode: MachinePosition['mode'];
  /** It was left between two instructions, by an interrupt or an exception, and not by a call. */
  readonly isInterrupted: boolean;
}

/** Synchronous; throws ConfigurationError (checked-configuration.ts) from create, RangeError from misuse. */
export interface DebugPort {
  /** In the order of their numbers. */
  vcpus(): readonly VcpuSummary[];
  /**
   * Looks at a vCPU: what is read and written from now on is its state, and steps are its own. A stop
   * makes it the one that stopped. Throws RangeError when there is none of this number.
   */
  look(vcpu: number): void;
  /** Starts or goes on; the outcome comes from run(). Ends an earlier mode. */
  resume(mode: ResumeMode): void;
  /** Runs at most `budget` instructions in the current mode. */
  run(budget: number): StopReason;
  /** The next run() stops at once with 'pause'. Also settable from another thread, see pauseFlag. */
  requestPause(): void;
  position(): MachinePosition;
  registers(): readonly RegisterGroup[];
  /** By name ("eax", "eflags", "cs", "cr0", "st0"). Throws RangeError with a sentence. */
  writeRegister(name: string, value: number | bigint): void;
  readMemory(space: AddressSpace, address: number, count: number): MemoryRange;
  /** Returns the number of bytes written from the start. */
  writeMemory(space: AddressSpace, address: number, bytes: Uint8Array): number;
  /** Guest-physical address, or null when not mapped. */
  translate(linear: number): number | null;
  /** Exactly `count` lines, starting `offset` instructions from `address` (may be negative). */
  disassemble(address: number, offset: number, count: number): readonly DisassembledLine[];
  /**
   * The frame that the processor is in, or another one, and its callers as far as code and frame pointers
   * tell; at most `limit`.
   */
  stack(limit: number, from?: StackFrame): readonly StackFrame[];
  /** What was put into guest-physical memory before the first instruction. */
  loadedRanges(): readonly LoadedRange[];
  /** Where the next instruction leads if it calls, returns, jumps or interrupts; null: it does not. */
  stepTarget(): StepTarget | null;
  /**
   * Makes the instruction at a linear address the next one, in the present CS. Throws RangeError with a
   * sentence where there is none.
   */
  setNextInstruction(address: number): void;
  /** Replace all breakpoints of the kind. Throws ExpressionError with a sentence for a bad condition. */
  setInstructionBreakpoints(breakpoints: readonly InstructionBreakpoint[]): void;
  setExitBreakpoints(breakpoints: readonly ExitBreakpoint[]): void;
  setEventBreakpoints(breakpoints: readonly EventBreakpoint[]): void;
  setDataBreakpoints(breakpoints: readonly DataBreakpoint[]): void;
  /** Where what an expression names lies, `dword[esp]`; null for what is no place in memory. */
  placeOf(expression: ExpressionSource): MemoryPlace | null;
  /** Value of an expression where the guest is; throws ExpressionError. */
  evaluate(expression: ExpressionSource): Value;
  /**
   * Stores a value in a register or in memory; throws ExpressionError, and RangeError with a sentence for
   * what a register refuses.
   */
  assign(target: ExpressionSource, value: ExpressionSource): void;
  /** Rows of the log from number `from` on, at most `limit`. */
  exitLog(from: number, limit: number): readonly ExitRecord[];
  /** Numbers of the oldest row that the log keeps and of the next that it will have. */
  exitLogRange(): ExitLogRange;
  /** Which exits the log keeps from now on; null: all. Throws ExpressionError. */
  setExitFilter(filter: ExitLogFilter | null): void;
  /**
   * Takes the hypervisor's place at the exit at which the machine stands, when it goes on; null: not after
   * all. Throws RangeError with a sentence where that cannot be, and ExpressionError.
   */
  intervene(action: ExitAction | null): void;
  /** Gives the guest an event where it stands, at no exit; throws as intervene(). */
  inject(event: EventAction): void;
  exitCounts(): { readonly [name: string]: number };
  /** What all exits since power-on add up to. */
  exitStatistics(): ExitStatistics;
  /** Bytes the guest's serial port (COM1) has sent since the last call. */
  takeSerialOutput(): Uint8Array;
  /** Stops after the byte of COM1's output that completes one of these texts. */
  watchConsole(texts: readonly Uint8Array[]): void;
  /** Typed into COM1; recorded in the input log with the position at which they arrive. */
  sendSerialInput(bytes: Uint8Array): void;
  /** A view of the machine as a tree; `address` is linear, for views that are of one. */
  inspect(view: ViewName, address: number): readonly Detail[];
  /** The devices of this machine. */
  devices(): readonly DeviceSummary[];
  /** The registers of a device by its name; looking has no effect. Throws RangeError with a sentence. */
  inspectDevice(name: string): readonly Detail[];
  /**
   * Writes the register, or the part of one, that the names lead to, as the guest's own access would.
   * Throws RangeError with a sentence.
   */
  writeDevice(name: string, path: readonly string[], value: number): void;
  /** What breakpoints have printed since the last call, and how many lines were too many. */
  takeLogs(): { readonly lines: readonly LogLine[]; readonly dropped: number };
  /** What is on the screen; the picture is left out when nothing has changed since `seen`. */
  screen(seen: number | null): Screen;
  /** Typed into the keyboard: bytes of scan code set 1, released keys included. */
  sendKeys(codes: Uint8Array): void;
  /** Messages of the machine that a user should see (ignored ports, guest oddities), since the last call. */
  takeNotices(): readonly string[];
}
