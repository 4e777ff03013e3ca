/**
 * A place in the guest's run: the instruction that comes next together with the stack and the privilege
 * at which it does, so that the same code entered again (recursion, a handler, another task) is not
 * mistaken for it. A debugger waits for such places, and an interrupt comes back to one.
 */
import type { Cpu } from './cpu/cpu.ts';
import * as L from './cpu/layout.ts';
import { RIGHTS } from './cpu/state.ts';

const ESP = 4;

export interface GuestPlace {
  /** CS base + EIP. */
  readonly linearEip: number;
  /** SP or ESP, as the stack segment's size has it. */
  readonly stackPointer: number;
  readonly stackMask: number;
  readonly cpl: number;
  /** CR3 for user code, which belongs to its address space; 0 for a kernel's, which is in all of them. */
  readonly addressSpace: number;
}

/** All ones as wide as the stack pointer. */
export function stackMaskOf({ state }: Cpu): number {
  return (state.segment(L.SEGMENT.SS).rights & RIGHTS.DB) !== 0 ? 0xffffffff : 0xffff;
}

export function addressSpaceOf({ state }: Cpu, cpl: number): number {
  return cpl === 3 ? state.cr(3) : 0;
}

export function placeOf(cpu: Cpu): GuestPlace {
  const { state } = cpu;
  const stackMask = stackMaskOf(cpu);
  return {
    linearEip: cpu.linearEip,
    stackPointer: (state.gpr(ESP, 4) & stackMask) >>> 0,
    stackMask,
    cpl: state.cpl,
    addressSpace: addressSpaceOf(cpu, state.cpl),
  };
}

/**
 * Whether the guest is at a place, or there with up to `released` bytes of stack less: what a function
 * may take off beside its return address.
 */
export function isAt(cpu: Cpu, place: GuestPlace, released = 0): boolean {
  const { state } = cpu;
  if (cpu.linearEip !== place.linearEip || state.cpl !== place.cpl) return false;
  if (addressSpaceOf(cpu, place.cpl) !== place.addressSpace) return false;
  const above = (state.gpr(ESP, 4) - place.stackPointer) & place.stackMask;
  return above >>> 0 <= released;
}
