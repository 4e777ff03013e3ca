/**
 * What emitted SIMD instructions have in common: the checks of their registers, operands in the order of
 * faults, and the state that a use of MMX registers leaves in the x87 unit (SDM vol. 1, 9.5 and 11.6.7).
 */
import type { Local } from '../../wasm/assembler.ts';
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';

/** Pushes the result of an instruction on vectors `a`, the destination, and `b`. */
export type Combine = (e: Backend, a: Local, b: Local) => void;

/** Forms with MMX registers, with XMM registers, and both. */
export const MMX_FORMS = ['q,q', 'q,g8'] as const;
export const XMM_FORMS = ['v,v', 'v,g16'] as const;
export const BOTH_FORMS = [...MMX_FORMS, ...XMM_FORMS] as const;

export function isMmx(e: Backend, n = 0): boolean {
  return e.operandKind(n) === 'mmx';
}
/** The checks of an instruction whose operand `n` tells which registers it uses. */
export function require(e: Backend, n = 0): void {
  if (isMmx(e, n)) e.requireMmx();
  else e.requireXmm();
}

/** op destination, source. @param forms patterns, some with an immediate behind. */
export function packed(
  combine: Combine,
  forms: readonly string[] = BOTH_FORMS,
): EmittedInstruction {
  return {
    vector: true,
    patterns: forms,
    emit(e) {
      const { body } = e;
      require(e);
      const a = e.tempVector();
      const b = e.tempVector();
      e.readVector(1);
      body.set(b);
      e.readVector(0);
      body.set(a);
      combine(e, a, b);
      body.set(a);
      if (isMmx(e)) e.enterMmx();
      e.writeVector(0, a);
      e.next();
    },
  };
}

/** The pattern of i8x16.shuffle from runs of bytes: [first, length] each, 16 bytes in all. */
export function runs(...parts: readonly (readonly [first: number, length: number])[]): number[] {
  return parts.flatMap(([first, length]) => Array.from({ length }, (_, i) => first + i));
}
/** A vector constant from its doublewords. */
export function doublewords(...words: readonly number[]): number[] {
  return words.flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff));
}
