/**
 * mulberry32, a generator of 32-bit numbers whose state is one word: cases and random programs are named
 * by a seed and the same in C (the make-vectors.c files) and here.
 */
export class Mulberry32 {
  #state: number;

  /** @param state the generator's own word; callers spread their seeds over it */
  constructor(state: number) {
    this.#state = state;
  }

  /** 32 bits, unsigned. */
  next(): number {
    let t = (this.#state = (this.#state + 0x6d2b79f5) | 0);
    t = Math.imul(t ^ (t >>> 15), 1 | t);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return (t ^ (t >>> 14)) >>> 0;
  }
}

/** The generator of a case in a file of vectors. */
export function generatorOfCase(index: number): Mulberry32 {
  return new Mulberry32(Math.imul(index, 0x9e3779b1));
}
