/**
 * The processor as an instruction sees it: what cpu/instructions, segmentation, exceptions and the x87
 * unit may use when they run in TypeScript. Implemented by cpu.ts.
 *
 * Rules for a TypeScript instruction `(cpu, instruction) => void`:
 * - On entry state.eip is the instruction's own offset and cpu.nextEip the one after it. On normal
 *   return the CPU continues at cpu.nextEip, so a jump sets that (already truncated to 16 bits where
 *   the operand size says so).
 * - cpu.fault() abandons it; so does a memory access that faults. State must be committed only after
 *   the last access that can fault.
 * - Whoever changes CS, SS, DS, ES, CPL, CR0, CR3, CR4, EFER or EFLAGS.VM calls modeChanged() once the
 *   change is complete; whoever may have enabled interrupts calls nothing (the loop looks after each
 *   TypeScript instruction).
 */
import type { CpuModel } from './cpu-model.ts';
import type { Instruction, MemoryOperand, Operand } from './decode/instruction.ts';
import type { GuestEvent, WatchedEvent } from './exit-hook.ts';
import type { SegmentIndex } from './layout.ts';
import type { Platform } from './platform.ts';
import type { CpuState } from './state.ts';

/** Vectors of exceptions (SDM vol. 3, 6.3.1). */
export const VECTOR = { DE: 0, DB: 1, NMI: 2, BP: 3, OF: 4, BR: 5, UD: 6, NM: 7, DF: 8, TS: 10, NP: 11, SS: 12, GP: 13, PF: 14, MF: 16, AC: 17, MC: 18, XM: 19 } as const; // prettier-ignore

/**
 * Linear memory with paging, at the current privilege or as the system (descriptor tables, TSS, IDT:
 * always supervisor). Throws GuestFault(#PF) with CR2 not yet set: qualification is the address.
 * Values are unsigned; accesses may be misaligned and cross pages. Writes are all or nothing.
 */
export interface LinearMemory {
  read8(linear: number): number;
  read16(linear: number): number;
  read32(linear: number): number;
  write8(linear: number, value: number): void;
  write16(linear: number, value: number): void;
  write32(linear: number, value: number): void;
  /** `length` bytes (at most 4096) copied out or in; a write first checks every page. */
  readBytes(linear: number, length: number): Uint8Array;
  writeBytes(linear: number, bytes: Uint8Array): void;
  /**
   * One access of `size` bytes (4, 8 or 16), from memory to layout VECTOR_OPERAND or from there to memory.
   * Alignment is the instruction's affair, except for #AC.
   */
  readVector(linear: number, size: number): void;
  writeVector(linear: number, size: number): void;
  /** #AC(0) where alignment is checked and the address is no multiple of `alignment`, a power of two. */
  requireAligned(linear: number, alignment: number): void;
  /** Faults as an access of `length` bytes would, and does nothing. */
  probeRead(linear: number, length: number): void;
  probeWrite(linear: number, length: number): void;
  readSystem8(linear: number): number;
  readSystem16(linear: number): number;
  readSystem32(linear: number): number;
  writeSystem8(linear: number, value: number): void;
  writeSystem16(linear: number, value: number): void;
  writeSystem32(linear: number, value: number): void;
}

/** An architectural exception on its way to delivery. Thrown by value, one object per processor. */
export class GuestFault {
  vector = 0;
  /** null: the exception pushes none. */
  errorCode: number | null = null;
  /** Linear address of #PF, DR6 bits of #DB. */
  qualification = 0;
}

/** An event on its way through the IDT: what IDT-vectoring information says of it (SDM vol. 3, 25.9.3). */
export interface VectoredEvent {
  readonly vector: number;
  /** 'software' is INT n, 'privileged-software' INT1, 'software-exception' INT3 and INTO. */
  readonly type: 'external' | 'nmi' | 'exception' | 'software' | 'privileged-software' | 'software-exception'; // prettier-ignore
  readonly errorCode: number | null;
  /** Bytes of the instruction for the three software types, else 0. */
  readonly length: number;
}

/** One exception as it was raised, for the account of a triple fault. */
export interface FaultRecord {
  readonly vector: number;
  readonly errorCode: number | null;
  /** Offset in CS that the exception was raised at. */
  readonly eip: number;
  /** CR2 after it. */
  readonly cr2: number;
}

/** Thrown when an event leaves the guest; the hook holds the exit. */
export class VmExitSignal {}

export interface Processor {
  readonly state: CpuState;
  readonly memory: LinearMemory;
  readonly platform: Platform;
  readonly model: CpuModel;
  /** Offset in CS of the instruction after the current one; set it to jump. */
  nextEip: number;
  /**
   * The event being delivered, else null. It stays when the delivery leaves the guest (VmExitSignal):
   * whoever resolves that exit delivers it again (exceptions.ts) or sets it to null.
   */
  vectoring: VectoredEvent | null;
  /** Entries of faultChain before it; those after it come up again when it is delivered again. */
  vectoringLinks: number;
  /** Exceptions of the last delivery in the order in which they were raised; one unless nested. */
  readonly faultChain: FaultRecord[];

  /** Abandons the instruction with an exception. */
  fault(vector: number, errorCode?: number | null, qualification?: number): never;
  /** Offers an event to the hypervisor; does not return if it leaves the guest. */
  offer(event: GuestEvent, length: number): void;
  /**
   * The same without the cost of a throw, for instructions that leave often: true if the event leaves the
   * guest. The instruction must then return at once, nothing committed.
   */
  leaves(event: GuestEvent, length: number): boolean;
  /** Shows an event to a debugger before it happens; does not return if that stops there. */
  watch(event: WatchedEvent, length: number): void;
  /** Whether the hypervisor lets the instruction be: #UD where not (SDM vol. 3, 26.3). */
  enables(instruction: 'rdtscp'): boolean;
  /** CR0 or CR4 as the guest reads it: bits that the hypervisor owns from its shadow (26.3). */
  seenControl(register: 0 | 4): number;
  /** What a write of `value` that does not leave makes of CR0 or CR4: bits that the hypervisor owns stay. */
  writtenControl(register: 0 | 4, value: number): number;
  /** Stops the machine with "not implemented" naming the instruction, then raises #UD if continued. */
  unimplemented(instruction: Instruction): never;

  /** CPL or a mode bit changed: recompute what is derived. CPL is state.get(L.CPL), set by the caller. */
  modeChanged(): void;
  /** MOV CR3, task switch (`global` false), or change of CR0.PG, CR0.WP, CR4.PSE/PAE/PGE (`global` true). */
  flushTlb(global: boolean): void;
  invalidatePage(linear: number): void;
  /**
   * Interrupts stay inhibited for one instruction (STI). After MOV SS and POP SS, `traps`, so do #DB for
   * breakpoints on data, and the instruction itself is not single-stepped (SDM vol. 3, 6.8.3).
   */
  inhibitInterrupts(traps?: boolean): void;
  /** The running instruction is not single-stepped: INT n and its kin (SDM vol. 3, 17.3.1.4). */
  endTrace(): void;
  /** IRET: non-maskable interrupts are taken again. */
  unblockNmi(): void;
  /** A port was accessed while DR7 enables a breakpoint. */
  portAccessed(port: number, size: number): void;
  /** HLT: waits for an interrupt. */
  halt(): void;
  /** Triple fault: the machine stops. */
  shutdown(): void;
  /** TSC as the guest reads it, two unsigned 32-bit halves. */
  timestamp(): { readonly low: number; readonly high: number };

  /** Guest-physical dword, for page-directory-pointer entries; all ones where there is no RAM. */
  readPhysical32(address: number): number;

  /** Segment-checked access: #GP(0) or #SS(0) outside the segment, then paging. */
  readSegment(segment: SegmentIndex, offset: number, size: 1 | 2 | 4): number;
  writeSegment(segment: SegmentIndex, offset: number, size: 1 | 2 | 4, value: number): void;
  /** The linear address of `length` bytes at segment:offset after limit and type checks. */
  checkSegment(segment: SegmentIndex, offset: number, length: number, write: boolean): number;

  /** Offset of a memory operand in its segment. */
  effectiveAddress(operand: MemoryOperand): number;
  /** Unsigned value of a register, memory or immediate operand of 1, 2 or 4 bytes. */
  readOperand(operand: Operand): number;
  writeOperand(operand: Operand, value: number): void;

  /** Stack of the current mode (SS.B decides between SP and ESP). Commit ESP only with the last one. */
  push(size: 2 | 4, value: number): void;
  pop(size: 2 | 4): number;
}

export type TypescriptInstruction = (cpu: Processor, instruction: Instruction) => void;
