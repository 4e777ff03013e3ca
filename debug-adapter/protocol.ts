/**
 * Every request and event that Guestscope adds to the Debug Adapter Protocol, in one typed file: the
 * editor's views are fed by these alone, and any other DAP client may use them in the same way (as
 * custom requests named `guestscope/…` and events named `guestscope.…`).
 *
 * Addresses travel as numbers (unsigned, exact) in bodies that programs read, and as memory references
 * where a client hands them on to readMemory, writeMemory or disassemble: "0x00100123" is linear,
 * "phys:0x00100123" guest-physical. `position` is always the count of retired instructions.
 */
import type { MachinePosition } from '../emulator/debug-port.ts';
import type { CountedAddress, ExitStatistics } from '../emulator/hypervisor/exit-statistics.ts';
import type { ExitRecord } from '../emulator/stop-reason.ts';

/** One row of the exit log: the machine's record and what the symbol files know of its RIP. */
export interface ExitRow extends ExitRecord {
  /** Nearest symbol at or below the RIP, "native_cpuid+0x13"; absent without symbols. */
  readonly symbol?: string;
}

/** Legal whenever a machine exists, running or stopped. */
export interface ExitsArguments {
  /** Number of the first row wanted (they are numbered from 0); absent: the newest `limit` rows. */
  readonly from?: number;
  /** At most this many rows, 1 to 1000; default 100. */
  readonly limit?: number;
  /** True starts and false ends the `guestscope.exits` events; absent leaves them as they are. */
  readonly follow?: boolean;
}
export interface ExitsBody {
  /** In order, without gaps, except that rows older than `first` are gone. */
  readonly rows: readonly ExitRow[];
  /** Number of the oldest row that the log still keeps; equal to `end` when it is empty. */
  readonly first: number;
  /** Number that the next row will have: rows that were kept since power-on. */
  readonly end: number;
  /** Exits since power-on: the ordinal that the next one will have; `end`, where there is no filter. */
  readonly total: number;
}

/** Rows of the log that a filter lets through, from the oldest on. */
export interface FindExitsArguments {
  /** Words that must all be in a row, "-word" that must not, comparisons as "port==0x3f8" (exit-row-filter.ts). */
  readonly filter: string;
  /** Number of the row to begin at; absent: the oldest. */
  readonly from?: number;
}
export interface FindExitsBody {
  /** At most 1000, in order. */
  readonly rows: readonly ExitRow[];
  /** Number of the row to go on from; equal to `end` when all have been looked at. */
  readonly next: number;
  readonly first: number;
  readonly end: number;
}

/** What all exits since power-on add up to, the log's filter and length notwithstanding. */
export interface ExitStatisticsBody extends Omit<ExitStatistics, 'addresses'> {
  readonly addresses: readonly CountedPlace[];
  /** By the function that the address belongs to, as far as there are symbols. */
  readonly functions: readonly { readonly name: string; readonly count: number }[];
}
export interface CountedPlace extends CountedAddress {
  /** Nearest symbol at or below. */
  readonly symbol?: string;
}

/** Everything as text, for a file that the client writes. */
export interface ExportExitsArguments {
  /** 'text', lines as `exits` prints them, is for the log alone. */
  readonly format: 'json' | 'csv' | 'text';
  /** The statistics, or the newest 100,000 rows of the log; absent: the statistics. */
  readonly what?: 'statistics' | 'log';
}
export interface ExportExitsBody {
  readonly text: string;
}

/** Which exits the log keeps from now on; without members: all. All are counted. */
export interface SetExitLogFilterArguments {
  /** Names or numbers of exit reasons, or groups of them ("Hypercalls"). */
  readonly reasons?: readonly string[];
  readonly except?: readonly string[];
  /** Expression over the exit's fields and registers. */
  readonly condition?: string;
}

/** What is done with the exit at which the guest is stopped, when it goes on. */
export interface InterveneArguments {
  /**
   * "skip eax=5, ebx=0": pass over the instruction; "return ecx=0": let the hypervisor handle it and
   * change what the guest gets; "inject #GP(0)", "inject #PF 0x1000 2", "inject interrupt 0x20",
   * "inject nmi": give the guest that instead; "handle": nothing of it.
   */
  readonly action: string;
}
/** An event that the guest gets where it is stopped: at once, or at an exit in the handler's place. */
export interface InjectArguments {
  /** "#GP(0)", "#PF 0x1000 2", "interrupt 0x20", "nmi". */
  readonly event: string;
}

export interface ExitCountsBody {
  /** Exits since power-on by the reason's name. */
  readonly counts: { readonly [name: string]: number };
  readonly total: number;
}

/** Bytes typed into the guest's serial port COM1; exactly one of the two. */
export interface ConsoleInputArguments {
  /** Sent as UTF-8. */
  readonly text?: string;
  readonly base64?: string;
}
export interface ConsoleInputBody {
  /** Bytes handed to the machine. */
  readonly bytes: number;
}

export interface ConsoleHistoryBody {
  /** What the guest has sent so far, the last 256 Ki characters of it: for a terminal opened late. */
  readonly text: string;
}

export interface ScreenArguments {
  /** `changes` of the answer before: spares the picture when nothing has changed since. */
  readonly seen?: number;
}
/** What is on the screen of the guest's display adapter. */
export interface ScreenBody {
  /** Grows whenever the picture may have changed. */
  readonly changes: number;
  /** Absent when nothing has changed. */
  readonly picture?: ScreenPicture;
}
export type ScreenPicture = ScreenText | ScreenPixels | ScreenDark;
/** A text mode. */
export interface ScreenText {
  readonly kind: 'text';
  readonly columns: number;
  readonly rows: number;
  /** The rows as Unicode, `columns` characters each. */
  readonly lines: readonly string[];
  /** Base64: character (usually of code page 437) and attribute of each cell, row by row. */
  readonly cells: string;
  /** Absent while it is off; its scan lines within the cell. */
  readonly cursor?: {
    readonly column: number;
    readonly row: number;
    readonly firstLine: number;
    readonly lastLine: number;
  };
  /** 0xRRGGBB of the sixteen colours of attributes. */
  readonly palette: readonly number[];
  /** Bit 7 of an attribute blinks instead of brightening the background. */
  readonly blinks: boolean;
  /** Scan lines of a cell. */
  readonly cellHeight: number;
  /**
   * Base64: 32 bytes for each of 256 glyphs, one a scan line, bit 7 leftmost; 512 of them where bit 3 of
   * an attribute chooses the upper half. Absent when the guest has loaded none.
   */
  readonly glyphs?: string;
}
/** A graphics mode. */
export interface ScreenPixels {
  readonly kind: 'graphics';
  readonly width: number;
  readonly height: number;
  /** Base64: red, green, blue, 255 of each pixel, row by row. */
  readonly pixels: string;
}
/** The adapter shows nothing. */
export interface ScreenDark {
  readonly kind: 'blank';
}

/** Keys for the guest's keyboard; exactly one of the two. */
export interface KeyboardInputArguments {
  /**
   * Characters of a US keyboard. Line feed and carriage return are Enter, 1Bh is Escape, other control
   * characters are letters with Ctrl held ("\u0002" is Ctrl+B).
   */
  readonly text?: string;
  /** Scan codes of set 1: makes and breaks (bit 7) with their prefixes, for any key there is. */
  readonly scanCodes?: readonly number[];
}
export interface KeyboardInputBody {
  /** Bytes of scan codes handed to the keyboard. */
  readonly scanCodes: number;
}

export interface TranslateArguments {
  /** Linear address, or an expression that gives one ("esp", "0xc0100000", "start_kernel"). */
  readonly address: number | string;
}
export interface TranslateBody {
  readonly linear: number;
  /** Guest-physical address, null when the page is not mapped. */
  readonly physical: number | null;
  /** "phys:0x…" when mapped. */
  readonly memoryReference?: string;
}

export interface PositionBody extends MachinePosition {
  readonly running: boolean;
  readonly symbol?: string;
  /** Where that is in the sources, if they are here; lines as the client counts them. */
  readonly source?: { readonly path: string; readonly line: number };
}

/** What an exit breakpoint can be set on, for completion and hovers. */
export interface ExitReasonDescription {
  /** Basic exit reason (Intel SDM vol. 3, appendix C). */
  readonly number: number;
  /** "CPUID", "IO_INSTRUCTION", … */
  readonly name: string;
  /** Heading of a tree of reasons, "Hypercalls". */
  readonly group: string;
  /** One sentence: when it happens. */
  readonly description: string;
  /** False for reasons that this machine never leaves for; a breakpoint on them is refused. */
  readonly occurs: boolean;
  /** Names that a condition on this reason may use beside registers and numbers. */
  readonly fields: readonly { readonly name: string; readonly meaning: string }[];
  /** A condition to start from, "leaf == 0x40000000"; absent where the reason has no fields. */
  readonly example?: string;
}
export interface ExitReasonsBody {
  readonly reasons: readonly ExitReasonDescription[];
}

export interface ExitBreakpointDescription {
  /** Name or number of an exit reason, in any case; "*" is any exit. Either this or `hypercall`. */
  readonly reason?: string;
  /** Name or number of a hypercall: "KVM_HC_KICK_CPU", "KICK_CPU", "5". */
  readonly hypercall?: string;
  /** 'after' the hypervisor has handled it: `exit.outcome`, `exit.result` and so on can be named then. */
  readonly when?: 'before' | 'after';
  /** Done in the hypervisor's place, and the guest goes on: see InterveneArguments. */
  readonly action?: string;
  /** Expression over the exit's fields, registers and symbols that must be nonzero. */
  readonly condition?: string;
  /** "3" from the third hit on, "== 3" at the third only, "% 3" at every third. */
  readonly hitCondition?: string;
  /** Print this instead of stopping; `{leaf}` in it is replaced by the expression's value. */
  readonly logMessage?: string;
}
export interface SetExitBreakpointsArguments {
  /** Replaces what this request set before; those of launch.json and of exception filters stay. */
  readonly breakpoints: readonly ExitBreakpointDescription[];
}
export interface BreakpointOutcome {
  readonly id: number;
  /** False: not set, and `message` says why. */
  readonly verified: boolean;
  readonly message?: string;
}
export interface SetExitBreakpointsBody {
  /** In the order of the arguments. */
  readonly breakpoints: readonly BreakpointOutcome[];
}

/** Something that the machine can be stopped at: a VM exit, a hypercall or an event of the machine itself. */
export interface EventDescription {
  /** "exception.PF", "port.out", "exit.CPUID", "hypercall.KICK_CPU". */
  readonly id: string;
  readonly label: string;
  /** One sentence: when it happens. */
  readonly description: string;
  /**
   * 'before': nothing of it is done, and it comes up again when the guest goes on. 'after': its
   * instruction is complete. 'either': as the access is, a write or a read.
   */
  readonly stops: 'before' | 'after' | 'either';
  /** Names that a condition may use beside registers and symbols, with words for their values. */
  readonly fields: readonly {
    readonly name: string;
    readonly meaning: string;
    readonly words?: readonly string[];
  }[];
  /** A condition to start from. */
  readonly example?: string;
  /** Why it never happens on this machine; a breakpoint on it is refused. */
  readonly unavailable?: string;
}
/** A breakpoint that is set on an event of the tree. */
export interface EventSetting extends BreakpointOutcome {
  /** launch.json's "breakOn", or guestscope/setEvents. */
  readonly by: 'launch' | 'client';
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}
/** The tree: groups, their events, and what is set on each. */
export interface EventsBody {
  readonly groups: readonly {
    readonly name: string;
    readonly events: readonly (EventDescription & { readonly set: readonly EventSetting[] })[];
  }[];
}

/** An event of the tree with what a breakpoint on it is to do. */
export interface EventSelection {
  /** Its id, in any case. */
  readonly event: string;
  /** Expression over the event's fields, registers and symbols that must be nonzero. */
  readonly condition?: string | undefined;
  /** "3" from the third hit on, "== 3" at the third only, "% 3" at every third. */
  readonly hitCondition?: string | undefined;
  /** Print this instead of stopping; `{event.vector}` in it is replaced by the expression's value. */
  readonly logMessage?: string | undefined;
}
export interface SetEventsArguments {
  /** Replaces what this request set before; those of launch.json and of exception filters stay. */
  readonly events: readonly EventSelection[];
}
export interface SetEventsBody {
  /** In the order of the arguments. */
  readonly breakpoints: readonly BreakpointOutcome[];
}

/** What ends the run of a guest that nobody watches; what is absent is not watched. */
export interface SetRunRulesArguments {
  /** Stops (reason "limit") when so many instructions have been retired since power-on. */
  readonly position?: number;
  /**
   * Stops (reason "quiet") when the guest has slept for so many ns of its time without printing, nearly
   * without executing anything; and at once when nothing of its own would wake it.
   */
  readonly quiet?: number;
  /**
   * Stops (reason "console text") right after COM1 has sent the last byte of one of these; the event's
   * body has its index as `consoleText`. A text that was in the list before goes on with what it matched.
   */
  readonly texts?: readonly string[];
  /** The guest waits for the client, rather than that output is left out. */
  readonly keepOutput?: boolean;
}

export interface SetExpectationsArguments {
  /**
   * Replaces what this request set before; those of launch.json ("expect") stay. Beside what every
   * expression may name there are `console`, `outcome` (the kind of the last stop, "power-off") and
   * `status` (the code with which the guest switched itself off).
   */
  readonly expressions: readonly string[];
}
export interface SetExpectationsBody {
  /** In their order: what is wrong with each, or null; the bad ones are not kept. */
  readonly problems: readonly (string | null)[];
}
export interface ExpectationResult {
  readonly expression: string;
  readonly holds: boolean;
  /** Why not: "exits.CPUID is 10". */
  readonly problem?: string;
}
/** A run as it is where the guest is stopped. */
export interface SummaryBody {
  /** Kind of the stop: "power-off", "triple-fault", "breakpoint", … */
  readonly outcome: string;
  /** With which the guest has switched itself off, else null. */
  readonly status: number | null;
  /** Retired instructions, and virtual ns, since power-on. */
  readonly position: number;
  readonly time: number;
  /** VM exits since power-on by the reason's name. */
  readonly exits: { readonly [name: string]: number };
  /** All of them, those of launch.json first. */
  readonly expectations: readonly ExpectationResult[];
}

/** Legal whenever a machine exists; changes it where `interrupts` is given. */
export interface SteppingArguments {
  /**
   * 'deliver': a step runs over interrupts with their handlers. 'mask': while a single instruction is
   * stepped external interrupts wait, so that no handler runs; calls that are stepped over run with
   * interrupts as ever.
   */
  readonly interrupts?: 'deliver' | 'mask' | undefined;
}
export interface SteppingBody {
  readonly interrupts: 'deliver' | 'mask';
}

/** Paravirt hooks of a Linux kernel (CONFIG_PARAVIRT), legal whenever a machine exists, as the next. */
export interface ParavirtOperationsBody {
  readonly groups: readonly {
    /** "mmu", "pv_mmu_ops", "paravirt_ops". */
    readonly name: string;
    readonly operations: readonly ParavirtOperation[];
  }[];
  /** What the tables have beside operations: `pv_info.name` is "KVM". */
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  /** Places that perform operations, and how many of them `.parainstructions` records. */
  readonly sites: number;
  readonly records: number;
  /** False: no file of symbols has the kernel's types, and operations are numbers. */
  readonly isTyped: boolean;
  /** Why call sites are not known, or not all. */
  readonly gap?: string;
}
export interface ParavirtOperation {
  /** "pv_ops.mmu.write_cr3": a function breakpoint of this name stops where it is performed. */
  readonly name: string;
  /** "write_cr3". */
  readonly member: string;
  /** Linear address of the pointer in the table. */
  readonly slot: number;
  /** What the pointer is now, 0 for no function; null where it cannot be read. */
  readonly target: number | null;
  /** The function, behind a thunk that saves registers. */
  readonly function: number | null;
  /** Its name; absent where the table cannot be read. */
  readonly symbol?: string;
  /** What the kernel puts at call sites for it when it patches them. */
  readonly patch: 'call' | 'native' | 'nop' | 'identity' | 'zero' | 'bug' | 'unreadable';
  readonly patchText: string;
  /** Places that perform it, and how many of them are in which state. */
  readonly sites: number;
  readonly states: { readonly [state in ParavirtSite['state']]?: number };
  /** "12 direct, 3 native". */
  readonly sitesText: string;
}
export interface ParavirtSitesArguments {
  /** "pv_ops.mmu.write_cr3", "hook:write_cr3"; absent: the places of all operations. */
  readonly operation?: string;
  /** Index of the first place wanted; absent: 0. */
  readonly from?: number;
  /** At most this many, 1 to 1000; default 100. */
  readonly limit?: number;
}
export interface ParavirtSitesBody {
  /** In the order of their addresses. */
  readonly sites: readonly ParavirtSite[];
  /** Of all pages. */
  readonly total: number;
}
/** What the hypervisor offers and what the guest has taken of it; legal whenever a machine exists. */
export interface ParavirtInterfaceBody {
  /** launch.json's `hypervisor.interface`: "kvm", "bare". */
  readonly interface: string;
  /** Features, and the structures that the guest has registered, decoded as they are now; empty for "bare". */
  readonly details: readonly ParavirtDetail[];
}
export interface ParavirtDetail {
  readonly name: string;
  readonly value: string;
  /** Where it lies in guest memory. */
  readonly memoryReference?: string;
  readonly children?: readonly ParavirtDetail[];
}
/** A place that performs operations, as it is in memory now. */
export interface ParavirtSite {
  readonly address: number;
  readonly memoryReference: string;
  /** Bytes. */
  readonly length: number;
  /** Names of operations; the oldest kernels have places that perform two. */
  readonly operations: readonly string[];
  /** Nearest symbol at or below, "native_cpuid+0x13". */
  readonly symbol?: string;
  /** False: a call through the table that the kernel does not record, and never patches. */
  readonly isRecorded: boolean;
  /**
   * 'table': calls through the table, as it was compiled; 'direct': a direct call; 'native': instructions in
   * the call's place; 'removed': nothing; 'other': none of these; 'unreadable': not mapped now.
   */
  readonly state: 'table' | 'direct' | 'native' | 'removed' | 'other' | 'unreadable';
  /** "direct call of kvm_flush_tlb_multi", "native instructions: cli". */
  readonly text: string;
  /** Where that is in the sources, if they are here; lines as the client counts them. */
  readonly source?: { readonly path: string; readonly line: number };
}

/**
 * The guest's Linux kernel, whose vmlinux is listed under "symbols". Legal whenever a machine exists, as the
 * next; the error says why the kernel cannot be seen, as before it is in memory.
 */
export interface LinuxTasksBody {
  /** Processes in the kernel's order, each with its threads behind it. */
  readonly tasks: readonly LinuxTask[];
  /** Why the list is not whole: the guest's memory is damaged. */
  readonly problem?: string;
}
export interface LinuxTask {
  readonly pid: number;
  /** Process that it is a thread of. */
  readonly tgid: number;
  /** The parent's process. */
  readonly parent: number;
  /** Up to 15 characters, of kernel threads as many as the kernel tells. */
  readonly name: string;
  /** "S (sleeping)", in the kernel's own words. */
  readonly state: string;
  /** The CPU that it runs on, or ran on last. */
  readonly cpu: number;
  readonly isKernelThread: boolean;
  /** A processor executes it now. */
  readonly isCurrent: boolean;
  /** Linear address of its task_struct. */
  readonly memoryReference: string;
  /** Why some of this cannot be told. */
  readonly problem?: string;
}
export interface LinuxTaskStackArguments {
  readonly pid: number;
}
/** The kernel stack of a task that does not run now. */
export interface LinuxTaskStackBody {
  /** Innermost first. */
  readonly frames: readonly {
    /** Linear address at which it goes on. */
    readonly memoryReference: string;
    /** Nearest symbol at or below. */
    readonly symbol: string;
  }[];
  /** Why there are no frames, or no more. */
  readonly problem?: string;
}
export interface LinuxLogArguments {
  /** Index of the first record wanted; absent: the newest `limit` records. */
  readonly from?: number;
  /** At most this many records, 1 to 10000; default 1000. */
  readonly limit?: number;
}
export interface LinuxLogBody {
  readonly records: readonly {
    /** Seconds since the boot; absent where the kernel does not note it. */
    readonly time?: number;
    /** 0 is an emergency, 7 for debugging. */
    readonly level: number;
    /** What said it (syslog's number); 0 is the kernel. */
    readonly facility: number;
    /** Without the line feed at its end; may have several lines. */
    readonly text: string;
  }[];
  /** Of all records that the buffer holds. */
  readonly total: number;
  readonly problem?: string;
}
export interface LinuxModulesBody {
  /** The youngest first, as in /proc/modules. */
  readonly modules: readonly LinuxModule[];
  readonly problem?: string;
}
export interface LinuxModule {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Where its core lies. */
  readonly memoryReference: string;
  readonly state: 'Live' | 'Loading' | 'Unloading' | 'Unformed';
  /** How often it is used; absent where the kernel does not count. */
  readonly users?: number;
  /** Modules that use it. */
  readonly usedBy: readonly string[];
  readonly sections: readonly { readonly name: string; readonly memoryReference: string }[];
  readonly problem?: string;
}

/** Custom requests by command: what goes in and what comes back in the response's body. */
export interface CustomRequests {
  'guestscope/exits': { readonly arguments: ExitsArguments; readonly body: ExitsBody };
  'guestscope/findExits': { readonly arguments: FindExitsArguments; readonly body: FindExitsBody };
  'guestscope/exitStatistics': { readonly arguments: undefined; readonly body: ExitStatisticsBody };
  'guestscope/exportExits': {
    readonly arguments: ExportExitsArguments;
    readonly body: ExportExitsBody;
  };
  'guestscope/setExitLogFilter': {
    readonly arguments: SetExitLogFilterArguments;
    readonly body: undefined;
  };
  /** Legal while the guest is stopped, as the next. */
  'guestscope/intervene': { readonly arguments: InterveneArguments; readonly body: undefined };
  'guestscope/inject': { readonly arguments: InjectArguments; readonly body: undefined };
  'guestscope/exitCounts': { readonly arguments: undefined; readonly body: ExitCountsBody };
  'guestscope/consoleInput': {
    readonly arguments: ConsoleInputArguments;
    readonly body: ConsoleInputBody;
  };
  'guestscope/consoleHistory': { readonly arguments: undefined; readonly body: ConsoleHistoryBody };
  /** Legal while stopped and while running (answered at a slice boundary), as the next three. */
  'guestscope/screen': { readonly arguments: ScreenArguments; readonly body: ScreenBody };
  'guestscope/keyboardInput': {
    readonly arguments: KeyboardInputArguments;
    readonly body: KeyboardInputBody;
  };
  'guestscope/translate': { readonly arguments: TranslateArguments; readonly body: TranslateBody };
  'guestscope/position': { readonly arguments: undefined; readonly body: PositionBody };
  /** Legal from `initialize` on. */
  'guestscope/exitReasons': { readonly arguments: undefined; readonly body: ExitReasonsBody };
  /** Legal from the `initialized` event on. */
  'guestscope/setExitBreakpoints': {
    readonly arguments: SetExitBreakpointsArguments;
    readonly body: SetExitBreakpointsBody;
  };
  'guestscope/stepping': { readonly arguments: SteppingArguments; readonly body: SteppingBody };
  /** Legal from the `initialized` event on, as the next. */
  'guestscope/events': { readonly arguments: undefined; readonly body: EventsBody };
  'guestscope/setEvents': {
    readonly arguments: SetEventsArguments;
    readonly body: SetEventsBody;
  };
  'guestscope/paravirtInterface': {
    readonly arguments: undefined;
    readonly body: ParavirtInterfaceBody;
  };
  'guestscope/paravirtOperations': {
    readonly arguments: undefined;
    readonly body: ParavirtOperationsBody;
  };
  'guestscope/linux/tasks': { readonly arguments: undefined; readonly body: LinuxTasksBody };
  'guestscope/linux/taskStack': {
    readonly arguments: LinuxTaskStackArguments;
    readonly body: LinuxTaskStackBody;
  };
  'guestscope/linux/log': { readonly arguments: LinuxLogArguments; readonly body: LinuxLogBody };
  'guestscope/linux/modules': { readonly arguments: undefined; readonly body: LinuxModulesBody };
  'guestscope/paravirtSites': {
    readonly arguments: ParavirtSitesArguments;
    readonly body: ParavirtSitesBody;
  };
  /** Legal whenever a machine exists. */
  'guestscope/setRunRules': { readonly arguments: SetRunRulesArguments; readonly body: undefined };
  'guestscope/setExpectations': {
    readonly arguments: SetExpectationsArguments;
    readonly body: SetExpectationsBody;
  };
  /** Legal while the guest is stopped; when it switches itself off, it comes as an event instead. */
  'guestscope/summary': { readonly arguments: undefined; readonly body: SummaryBody };
}
export type CustomRequestName = keyof CustomRequests;

/**
 * New rows of the exit log, at most ten events a second and 256 rows each, once `follow` was asked. A row
 * without an outcome, at which the guest was stopped, comes again with it.
 */
export interface ExitsEvent {
  readonly rows: readonly ExitRow[];
  /** Rows left out before the first of `rows` because exits came too fast; see guestscope/exits. */
  readonly skipped: number;
  readonly total: number;
}

/** Output of the guest's serial port COM1, at most thirty events a second. */
export interface ConsoleEvent {
  /** Decoded as UTF-8; a sequence cut by the end of an event is carried over to the next. */
  readonly text: string;
  /** The same bytes as they came. */
  readonly base64: string;
  /** Bytes lost before these because the guest sent faster than the client took them. */
  readonly dropped: number;
}

/** The machine has stopped here, or its registers or memory were changed from outside. */
export type PositionEvent = PositionBody;

/** A message of the machine that a user should see, one sentence. */
export interface NoticeEvent {
  readonly message: string;
}

/** Custom events by name: their bodies. */
export interface CustomEvents {
  'guestscope.exits': ExitsEvent;
  'guestscope.console': ConsoleEvent;
  'guestscope.position': PositionEvent;
  'guestscope.notice': NoticeEvent;
  /** The guest has switched itself off; `exited` follows. */
  'guestscope.summary': SummaryBody;
}
export type CustomEventName = keyof CustomEvents;

/** Rows of one `guestscope.exits` event and of one page of `guestscope/exits`. */
export const EXIT_ROWS_PER_EVENT = 256;
export const EXIT_ROWS_PER_PAGE = 1000;
/** Records of one answer of `guestscope/linux/log`. */
export const LINUX_RECORDS_PER_PAGE = 10_000;
/** Places of one page of `guestscope/paravirtSites`. */
export const PARAVIRT_SITES_PER_PAGE = 1000;
