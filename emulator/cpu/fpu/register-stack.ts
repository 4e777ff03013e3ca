/**
 * The register stack and the status word of the x87 unit in the vCPU's state block (SDM vol. 1, 8.1.2
 * to 8.1.7 and 8.5). ST(i) is the physical register (TOP + i) mod 8. Of a tag in the block only whether
 * it is empty counts, as in a processor: what a register holds is worked out when the tag word is stored.
 */
import * as L from '../layout.ts';
import type { CpuState } from '../state.ts';
import { Float80, KIND, kindOf } from './float80.ts';
import { Context, EXCEPTIONS, STATUS } from './rounding.ts';

const CONTROL = L.FPU_CONTROL >> 1;
const STATUS_WORD = L.FPU_STATUS >> 1;
const TAGS = L.FPU_TAGS >> 1;

/** Two-bit tags (8.1.7). */
export const TAG = { VALID: 0, ZERO: 1, SPECIAL: 2, EMPTY: 3 } as const;

export function tagOf(x: Float80): number {
  const kind = kindOf(x);
  if (kind === KIND.NORMAL) return TAG.VALID;
  return kind === KIND.ZERO ? TAG.ZERO : TAG.SPECIAL;
}

export function controlWord(state: CpuState): number {
  return state.u16[CONTROL];
}
export function statusWord(state: CpuState): number {
  return state.u16[STATUS_WORD];
}
/** The tag word as FNSTENV stores it. */
export function tagWord(state: CpuState): number {
  let tags = 0;
  for (let register = 0; register < 8; register++) {
    const shift = register << 1;
    const empty = ((state.u16[TAGS] >> shift) & 3) === TAG.EMPTY;
    tags |= (empty ? TAG.EMPTY : tagOf(readPhysical(state, register))) << shift;
  }
  return tags;
}

/** Sets the control word as FLDCW does: reserved bits read as processors give them. */
export function setControlWord(state: CpuState, value: number): void {
  state.u16[CONTROL] = (value & 0x1f7f) | 0x40;
  summarize(state, state.u16[STATUS_WORD]);
}
/** Sets the status word except ES and B, which follow from flags and masks. */
export function setStatusWord(state: CpuState, value: number): void {
  summarize(state, value);
}

function summarize(state: CpuState, status: number): void {
  const pending = (status & ~state.u16[CONTROL] & EXCEPTIONS) !== 0;
  const rest = status & ~(STATUS.ES | STATUS.B);
  state.u16[STATUS_WORD] = pending ? rest | STATUS.ES | STATUS.B : rest;
}

/** Replaces the condition bits named by `mask`. */
export function setConditions(state: CpuState, mask: number, bits: number): void {
  state.u16[STATUS_WORD] = (state.u16[STATUS_WORD] & ~mask) | bits;
}

function physical(state: CpuState, i: number): number {
  return ((state.u16[STATUS_WORD] >> 11) + i) & 7;
}

export function isEmpty(state: CpuState, i: number): boolean {
  return ((state.u16[TAGS] >> (physical(state, i) << 1)) & 3) === TAG.EMPTY;
}

/** The contents of ST(i), whatever its tag says. */
export function readRegister(state: CpuState, i: number): Float80 {
  return readPhysical(state, physical(state, i));
}
export function readPhysical(state: CpuState, register: number): Float80 {
  const at = L.FPU_REGISTERS + (register << 4);
  const top = state.u16[(at + 8) >> 1];
  const word = at >> 2;
  return new Float80(top >> 15, top & 0x7fff, state.i32[word + 1], state.i32[word]);
}

/** Writes ST(i), which becomes not empty. */
export function writeRegister(state: CpuState, i: number, x: Float80): void {
  const register = physical(state, i);
  writePhysical(state, register, x);
  setTag(state, register, TAG.VALID);
}
/** Writes a register and leaves its tag. */
export function writePhysical(state: CpuState, register: number, x: Float80): void {
  const at = L.FPU_REGISTERS + (register << 4);
  const word = at >> 2;
  state.i32[word] = x.low;
  state.i32[word + 1] = x.high;
  state.u16[(at + 8) >> 1] = (x.sign << 15) | x.exponent;
}

function setTag(state: CpuState, register: number, tag: number): void {
  const shift = register << 1;
  state.u16[TAGS] = (state.u16[TAGS] & ~(3 << shift)) | (tag << shift);
}
/** The tag of ST(i) becomes empty. */
export function free(state: CpuState, i: number): void {
  setTag(state, physical(state, i), TAG.EMPTY);
}
/** Sets all tags: those registers whose bit is set in `full` are not empty. */
export function setTags(state: CpuState, full: number): void {
  let tags = 0;
  for (let register = 0; register < 8; register++) {
    const empty = ((full >> register) & 1) === 0;
    tags |= (empty ? TAG.EMPTY : TAG.VALID) << (register << 1);
  }
  state.u16[TAGS] = tags;
}
/** The abridged tag word of FXSAVE: bit i is set when physical register i is not empty. */
export function fullRegisters(state: CpuState): number {
  let full = 0;
  for (let register = 0; register < 8; register++) {
    if (((state.u16[TAGS] >> (register << 1)) & 3) !== TAG.EMPTY) full |= 1 << register;
  }
  return full;
}

/** Moves TOP by 1 or -1 and touches no tag. */
export function rotate(state: CpuState, by: number): void {
  const status = state.u16[STATUS_WORD];
  state.u16[STATUS_WORD] = (status & ~STATUS.TOP) | ((status + (by << 11)) & STATUS.TOP);
}
export function push(state: CpuState, x: Float80): void {
  rotate(state, -1);
  writeRegister(state, 0, x);
}
export function pop(state: CpuState): void {
  free(state, 0);
  rotate(state, 1);
}

/** What FNINIT leaves (table 9-1): the registers' contents stay. */
export function initialize(state: CpuState): void {
  state.u16[CONTROL] = 0x037f;
  state.u16[STATUS_WORD] = 0;
  state.u16[TAGS] = 0xffff;
  state.u16[L.FPU_OPCODE >> 1] = 0;
  state.u32[L.FPU_IP >> 2] = 0;
  state.u16[L.FPU_CS >> 1] = 0;
  state.u32[L.FPU_DP >> 2] = 0;
  state.u16[L.FPU_DS >> 1] = 0;
}

/** Exceptions found before anything is computed; unmasked, they forbid the result (SDM vol. 1, 8.5). */
const BEFORE = STATUS.IE | STATUS.DE | STATUS.ZE;

/**
 * Ends an instruction's arithmetic: its exceptions go to the status word, C1 tells whether rounding
 * was upward. Returns false when an unmasked exception forbids the result; then the instruction must
 * neither write nor pop.
 */
export function report(state: CpuState, context: Context): boolean {
  const flags = context.flags;
  const status = state.u16[STATUS_WORD] & ~STATUS.C1;
  const rounded = context.roundedUp ? status | STATUS.C1 : status;
  if (flags === 0) {
    state.u16[STATUS_WORD] = rounded;
    return true;
  }
  if (!context.unmasked(flags & BEFORE)) {
    summarize(state, rounded | flags);
    return true;
  }
  // a result was not even computed, except that C1 tells the direction of a stack fault
  const stack = (flags & STATUS.SF) !== 0;
  summarize(state, (stack ? rounded : status) | (flags & (BEFORE | STATUS.SF)));
  return false;
}

/**
 * Raises #IS, C1 telling the direction. Returns whether it is masked, so that the instruction
 * delivers the indefinite.
 */
export function stackFault(state: CpuState, direction: 'overflow' | 'underflow'): boolean {
  const context = new Context(state.u16[CONTROL]);
  context.raise(STATUS.IE | STATUS.SF);
  context.roundedUp = direction === 'overflow';
  return report(state, context);
}
