/**
 * Every event of the machine that a debugger can stop at beside VM exits, one row each: the only place
 * where an event's name, group and meaning are written. Breakpoints, launch.json, the tree of events,
 * completion and the text of stops follow from the rows.
 *
 *   before  the event comes up again when the guest goes on: a fault at its instruction, an interrupt at
 *           the instruction it interrupts, an OUT that has not reached its port
 *   after   it has happened within the instruction that is complete: a mode switch, an IN with its value
 *
 * How the processor offers them is cpu/exit-hook.ts, how they are held and noted event-watch.ts.
 */
import { VECTOR } from '../cpu/processor.ts';
import { didYouMean } from '../nearest-name.ts';
import {
  CPL_CHANGE, CPUID, CR3_CHANGE, CR_READ, CR_WRITE, DESCRIPTOR_TABLE, DR_ACCESS, EXCEPTION, HYPERCALL, INIT, instruction,
  INTERRUPT, INVLPG, MMIO, MODE_CHANGE, MSR_READ, MSR_WRITE, only, PAGING_CHANGE, PORT, PORT_IN, PORT_OUT, START_UP,
  TASK_SWITCH, TRIPLE_FAULT,
} from './event-decoders.ts'; // prettier-ignore
import type { EventDecoder } from './event-decoders.ts';
import { hasHappened } from '../event-watch.ts';

/** Groups of the breakpoint tree, in its order. */
export const EVENT_GROUPS = [
  'Interrupts',
  'Exceptions',
  'Mode switches',
  'Ports and device memory',
  'Model-specific registers',
  'Control and debug registers',
  'Instructions',
  'Processor signals',
] as const;
export type EventGroup = (typeof EVENT_GROUPS)[number];

export interface MachineEventRow {
  /** As launch.json and requests name it. */
  readonly name: string;
  readonly group: EventGroup;
  readonly label: string;
  readonly decode: EventDecoder;
  /** A condition to start from, or null where there are no fields. */
  readonly example: string | null;
  /** One sentence. */
  readonly summary: string;
}

// prettier-ignore
const EXCEPTION_NAMES: { readonly [name in Exclude<keyof typeof VECTOR, 'NMI'>]: string } = {
  DE: 'divide error', DB: 'debug', BP: 'breakpoint (INT3)', OF: 'overflow (INTO)', BR: 'BOUND range exceeded',
  UD: 'invalid opcode', NM: 'device not available', DF: 'double fault', TS: 'invalid TSS', NP: 'segment not present',
  SS: 'stack-segment fault', GP: 'general protection', PF: 'page fault', MF: 'x87 floating-point error',
  AC: 'alignment check', MC: 'machine check', XM: 'SIMD floating-point',
};

/** One row for each vector that the manual names (SDM vol. 3, table 6-1). */
const EXCEPTIONS: readonly MachineEventRow[] = Object.entries(EXCEPTION_NAMES).map(
  ([name, meaning]) => ({
    name: `exception.${name}`,
    group: 'Exceptions',
    label: `#${name} ${meaning}`,
    decode: only(EXCEPTION, ({ vector }) => vector === VECTOR[name as keyof typeof VECTOR]),
    example: name === 'PF' ? 'event.errorCode & 2' : 'cpl == 3',
    summary: `#${name} is about to be delivered; RIP is at the instruction, behind it for a trap.`,
  }),
);

const source = (wanted: number): EventDecoder =>
  only(INTERRUPT, (fields) => fields['source'] === wanted);

// prettier-ignore
const OTHERS = [
  { name: 'interrupt',            group: 'Interrupts',                  label: 'any interrupt',                decode: INTERRUPT,                     example: 'event.vector == 0x30',                          summary: 'An interrupt is about to be delivered; RIP is at the instruction that it interrupts.' },
  { name: 'interrupt.external',   group: 'Interrupts',                  label: 'external interrupt (INTR)',    decode: source(0),                     example: 'event.vector == 0x30',                          summary: 'The interrupt controller\'s vector is about to be acknowledged and delivered, or injected by the hypervisor.' },
  { name: 'interrupt.nmi',        group: 'Interrupts',                  label: 'non-maskable interrupt',       decode: source(1),                     example: 'cpl == 3',                                      summary: 'An NMI is about to be delivered.' },
  { name: 'interrupt.software',   group: 'Interrupts',                  label: 'software interrupt (INT n)',   decode: source(2),                     example: 'event.vector == 0x80',                          summary: 'INT n is about to be executed; INT3, INTO and INT1 are exceptions.' },
  { name: 'exception',            group: 'Exceptions',                  label: 'any exception',                decode: EXCEPTION,                     example: 'event.vector == 14 && event.errorCode & 2',     summary: 'An exception is about to be delivered; RIP is at the instruction, behind it for a trap.' },
  { name: 'triple-fault',         group: 'Exceptions',                  label: 'triple fault',                 decode: TRIPLE_FAULT,                  example: null,                                            summary: 'A fault came up while a double fault was being delivered; the processor has not shut down yet.' },
  { name: 'mode',                 group: 'Mode switches',               label: 'real, protected, virtual-8086', decode: MODE_CHANGE,                   example: 'event.to == protected',                         summary: 'CR0.PE or EFLAGS.VM has changed; RIP is at the next instruction.' },
  { name: 'paging',               group: 'Mode switches',               label: 'paging off, on, PAE',          decode: PAGING_CHANGE,                 example: 'event.to == pae',                               summary: 'CR0.PG or CR4.PAE has changed the kind of paging.' },
  { name: 'cr3',                  group: 'Mode switches',               label: 'address space (CR3)',          decode: CR3_CHANGE,                    example: 'event.to == 0x1000',                            summary: 'CR3 has another value, by MOV or by a task switch.' },
  { name: 'cpl',                  group: 'Mode switches',               label: 'privilege level',              decode: CPL_CHANGE,                    example: 'event.to == 3',                                 summary: 'The current privilege level has changed.' },
  { name: 'port',                 group: 'Ports and device memory',     label: 'any port access',              decode: PORT,                          example: 'event.port == 0x3f8 && event.value == \'A\'',   summary: 'A port is about to be written, or has been read.' },
  { name: 'port.in',              group: 'Ports and device memory',     label: 'port read (IN, INS)',          decode: PORT_IN,                       example: 'event.port == 0x64 && event.value & 1',         summary: 'IN or INS has read a port.' },
  { name: 'port.out',             group: 'Ports and device memory',     label: 'port write (OUT, OUTS)',       decode: PORT_OUT,                      example: 'event.port >= 0x3f8 && event.port <= 0x3ff',    summary: 'OUT is about to write a port, OUTS the first of what it moves at once.' },
  { name: 'mmio',                 group: 'Ports and device memory',     label: 'device memory',                decode: MMIO,                          example: 'event.gpa >= 0xfee00000 && event.access == write', summary: 'Guest-physical memory that is not RAM is about to be accessed.' },
  { name: 'msr.read',             group: 'Model-specific registers',    label: 'RDMSR',                        decode: MSR_READ,                      example: 'event.index == 0xc0000080',                     summary: 'RDMSR is about to be executed.' },
  { name: 'msr.write',            group: 'Model-specific registers',    label: 'WRMSR',                        decode: MSR_WRITE,                     example: 'event.index == 0x4b564d01 && event.value & 1',  summary: 'WRMSR is about to be executed.' },
  { name: 'cr.write',             group: 'Control and debug registers', label: 'control register write',       decode: CR_WRITE,                      example: 'event.register == 0 && event.value & 0x80000000', summary: 'MOV to a control register, CLTS or LMSW is about to be executed.' },
  { name: 'cr.read',              group: 'Control and debug registers', label: 'control register read',        decode: CR_READ,                       example: 'event.register == 2',                           summary: 'MOV from a control register is about to be executed.' },
  { name: 'dr',                   group: 'Control and debug registers', label: 'debug register access',        decode: DR_ACCESS,                     example: 'event.register == 7 && event.access == write',  summary: 'MOV to or from a debug register is about to be executed.' },
  { name: 'descriptor-table',     group: 'Control and debug registers', label: 'GDTR, IDTR, LDTR, TR',         decode: DESCRIPTOR_TABLE,              example: null,                                            summary: 'LGDT, LIDT, LLDT, LTR or the instruction that stores one of them is about to be executed.' },
  { name: 'task-switch',          group: 'Mode switches',               label: 'hardware task switch',         decode: TASK_SWITCH,                   example: 'event.source == gate',                          summary: 'CALL, JMP, IRET or a task gate is about to switch tasks.' },
  { name: 'hlt',                  group: 'Instructions',                label: 'HLT',                          decode: instruction('HLT', 'hlt'),     example: null,                                            summary: 'HLT is about to be executed.' },
  { name: 'cpuid',                group: 'Instructions',                label: 'CPUID',                        decode: CPUID,                         example: 'event.leaf == 1',                               summary: 'CPUID is about to be executed.' },
  { name: 'hypercall',            group: 'Instructions',                label: 'VMCALL, VMMCALL',              decode: HYPERCALL,                     example: 'event.nr == 5',                                 summary: 'VMCALL or VMMCALL is about to be executed, whether it leaves the guest or not.' },
  { name: 'invlpg',               group: 'Instructions',                label: 'INVLPG',                       decode: INVLPG,                        example: 'event.gla >= 0xc0000000',                       summary: 'INVLPG is about to be executed.' },
  { name: 'rdtsc',                group: 'Instructions',                label: 'RDTSC, RDTSCP',                decode: instruction('RDTSC', 'rdtsc', 'rdtscp'), example: null,                                  summary: 'The time-stamp counter is about to be read.' },
  { name: 'pause',                group: 'Instructions',                label: 'PAUSE',                        decode: instruction('PAUSE', 'pause'), example: null,                                            summary: 'PAUSE is about to be executed.' },
  { name: 'mwait',                group: 'Instructions',                label: 'MONITOR, MWAIT',               decode: instruction('MWAIT', 'monitor', 'mwait'), example: null,                                 summary: 'MONITOR or MWAIT is about to be executed.' },
  { name: 'cache',                group: 'Instructions',                label: 'INVD, WBINVD',                 decode: instruction('WBINVD', 'invd', 'wbinvd'), example: null,                                  summary: 'INVD or WBINVD is about to be executed.' },
  { name: 'init',                 group: 'Processor signals',           label: 'INIT',                         decode: INIT,                          example: 'event.target == 1',                             summary: 'INIT has been sent to a processor; the stop is at its sender.' },
  { name: 'start-up',             group: 'Processor signals',           label: 'start-up interrupt (SIPI)',    decode: START_UP,                      example: 'event.target == 1',                             summary: 'A start-up interrupt has been sent to a processor; the stop is at its sender.' },
] as const satisfies readonly MachineEventRow[];

/** In the order of the groups. */
export const MACHINE_EVENTS: readonly MachineEventRow[] = [...OTHERS, ...EXCEPTIONS].sort(
  (one, other) => EVENT_GROUPS.indexOf(one.group) - EVENT_GROUPS.indexOf(other.group),
);

/** Whether a stop comes before the event or after it; 'either' where that depends on what it is. */
export function whenOf({ decode: { kinds } }: MachineEventRow): 'before' | 'after' | 'either' {
  if (kinds.every((kind) => hasHappened(kind))) return 'after';
  return kinds.some((kind) => hasHappened(kind)) ? 'either' : 'before';
}

/** By name, in any case; null where there is none. */
export function findMachineEvent(name: string): MachineEventRow | null {
  const wanted = name.trim().toLowerCase();
  return MACHINE_EVENTS.find((row) => row.name.toLowerCase() === wanted) ?? null;
}

/** One sentence about a name that findMachineEvent() does not know. */
export function unknownMachineEvent(name: string): string {
  const near = didYouMean(
    name,
    MACHINE_EVENTS.map((row) => row.name),
  );
  return `There is no event '${name}'.${near}`;
}
