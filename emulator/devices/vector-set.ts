/** The 256-bit registers IRR, ISR and TMR of a local APIC (SDM vol. 3, 11.8.4): one bit per vector. */

export const VECTOR_WORDS = 8;
const NONE = -1;

/** Eight zero words. */
export function emptyVectors(): number[] {
  return new Array<number>(VECTOR_WORDS).fill(0);
}

export function hasVector(set: readonly number[], vector: number): boolean {
  return (((set[vector >> 5] ?? 0) >>> (vector & 31)) & 1) === 1;
}

export function addVector(set: number[], vector: number): void {
  set[vector >> 5] = ((set[vector >> 5] ?? 0) | (1 << (vector & 31))) >>> 0;
}

export function removeVector(set: number[], vector: number): void {
  set[vector >> 5] = ((set[vector >> 5] ?? 0) & ~(1 << (vector & 31))) >>> 0;
}

/** Highest vector of the set, or -1. */
export function highestVector(set: readonly number[]): number {
  for (let word = VECTOR_WORDS - 1; word >= 0; word--) {
    const bits = set[word] ?? 0;
    if (bits !== 0) return word * 32 + 31 - Math.clz32(bits);
  }
  return NONE;
}
