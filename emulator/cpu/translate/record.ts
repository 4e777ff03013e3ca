/**
 * The decoded record of the interpreter tier: 32 bytes in the machine's memory for each translated
 * instruction, laid out one after the other in blocks. Offsets in bytes.
 */

export const RECORD_SIZE = 32;
/** u16: index of the handler (handlers.ts). */
export const R_HANDLER = 0;
/** u16: offset in the vCPU block of register operand 0, 1. */
export const R_DESTINATION = 2;
export const R_SOURCE = 4;
/** u16: offsets of the base and index registers, ZERO where there is none. */
export const R_BASE = 6;
export const R_INDEX = 8;
/** u8: shift count of the index. */
export const R_SCALE = 10;
/** u8: instructions before this one in its block. */
export const R_ORDINAL = 11;
export const R_DISPLACEMENT = 12;
/** i32: immediate; EIP of a branch's target; number of a TypeScript instruction. */
export const R_IMMEDIATE = 16;
/** u32: EIP of this instruction and of the next. */
export const R_EIP = 20;
export const R_NEXT_EIP = 24;
/** u32: record of the branch's target in the same page, 0 while unknown. */
export const R_LINK = 28;
/** u16, memory operands only: offset of the segment cache in the vCPU block. Shares R_LINK. */
export const R_SEGMENT = 28;
/** u32, conditional branches only: record of the fall-through path. Shares R_DISPLACEMENT. */
export const R_LINK_NEXT = 12;

/** Most instructions in a block; the fuel below which the CPU steps one instruction at a time. */
export const MAX_BLOCK = 64;

/** Why the interpreter returned (layout EXIT). */
export const EXIT_CODE = {
  /** RIP has no translated block yet, or it is not in the jump cache. */
  LOOKUP: 1,
  /** Less than MAX_BLOCK fuel is left; RIP is at a block's start. */
  FUEL: 2,
  /** A memory access must be done with care; layout SLOW says how. The instruction has done nothing. */
  SLOW: 3,
  /** A TypeScript instruction ended the run; it has set RIP and accounted for itself. */
  TYPESCRIPT: 4,
  /** The instruction raises RAISED_VECTOR. */
  EXCEPTION: 5,
  /** An instruction that enabled interrupts is complete while EVENT_PENDING. */
  EVENT: 6,
  /** A breakpoint's record; the instruction has not run. */
  BREAKPOINT: 7,
  /** The single-step record: one instruction has run, RIP is after it. */
  STEPPED: 8,
} as const;

/** Layout SLOW. */
export const SLOW_OUTCOME = {
  /** The processor holds a GuestFault to be delivered. */
  FAULT: 1,
  /** Device, watched page or translated code: execute this instruction alone, by single step. */
  STEP: 2,
  /** The access leaves the guest; the hook holds the exit. */
  EXIT: 3,
} as const;
