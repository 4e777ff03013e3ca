/**
 * From which linear pages code was found in the present generation of the jump cache, so that INVLPG of
 * any other page, which kernels execute by the ten thousand, costs the jump cache nothing. Pages share
 * slots: a false "yes" only costs time. A page of 2 or 4 MiB is one mapping (SDM vol. 3, 4.10.4.1).
 */
const SLOTS = 1024;

export class FetchedPages {
  /** Generation of the last fetch, by linear page modulo SLOTS. */
  readonly #pages = new Int32Array(SLOTS).fill(-1);
  /** And of the last fetch through a large page, by 4 MiB. */
  readonly #regions = new Int32Array(1024).fill(-1);

  note(linear: number, large: boolean, generation: number): void {
    this.#pages[(linear >>> 12) & (SLOTS - 1)] = generation;
    if (large) this.#regions[linear >>> 22] = generation;
  }
  /** Whether code may have been found through the mapping of a linear address. */
  has(linear: number, generation: number): boolean {
    return (
      this.#pages[(linear >>> 12) & (SLOTS - 1)] === generation ||
      this.#regions[linear >>> 22] === generation
    );
  }
}
