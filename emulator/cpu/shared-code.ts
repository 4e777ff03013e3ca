/**
 * What the processors of one machine tell each other about translated code, so that self-modifying and
 * cross-modifying code work without the guest's help, as vol. 3, 9.1.3 allows and kernels have come to
 * expect. A write to bytes that some processor has translated drops them everywhere; a page that some
 * processor begins to translate from is no longer written to unseen by any.
 *
 * Processors run in turn, so whoever is told stands between two instructions.
 */

/** One processor, as the others tell it. */
export interface CodeHolder {
  /** Translated code of a page of guest-physical memory was written to. */
  codeWritten(pageNumber: number): void;
  /** Writes to a physical page must be seen from now on. */
  forbidWrites(physical: number): void;
}

export class SharedCode implements CodeHolder {
  readonly #holders: CodeHolder[] = [];

  join(holder: CodeHolder): void {
    this.#holders.push(holder);
  }
  codeWritten(pageNumber: number): void {
    for (const holder of this.#holders) holder.codeWritten(pageNumber);
  }
  forbidWrites(physical: number): void {
    for (const holder of this.#holders) holder.forbidWrites(physical);
  }
}
