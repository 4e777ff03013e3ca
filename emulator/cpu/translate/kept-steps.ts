/**
 * Which instructions have a record for single steps. The same few are executed alone again and again: a
 * loop that polls a device leaves the guest twice for each turn. A record serves as long as the bytes at
 * its place are those that it was made from; they are compared each time, so nothing has to be told when
 * they change.
 */
import type { Fetch } from './translator.ts';

/** Records kept; a power of two. */
export const KEPT_STEPS = 64;

interface KeptStep {
  readonly eip: number;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

export class KeptSteps {
  #steps: (KeptStep | undefined)[] = [];

  /** Where the record of the instruction at an EIP is kept. */
  slot(eip: number): number {
    return (eip ^ (eip >>> 6)) & (KEPT_STEPS - 1);
  }
  /** @param lastEip highest offset that CS allows */
  has(fetch: Fetch, eip: number, mode: number, lastEip: number): boolean {
    const step = this.#steps[this.slot(eip)];
    if (step === undefined || step.eip !== eip || step.mode !== mode) return false;
    const { bytes } = step;
    const { length } = bytes;
    if (fetch.start + length > fetch.end || eip + length - 1 > lastEip) return false;
    for (let at = 0; at < length; at++) {
      if (fetch.bytes[fetch.start + at] !== bytes[at]) return false;
    }
    return true;
  }
  /** The record of an instruction of `length` bytes has been made; 0: one that is not to be kept. */
  note(fetch: Fetch, eip: number, mode: number, length: number): void {
    const bytes = fetch.bytes.slice(fetch.start, fetch.start + length);
    this.#steps[this.slot(eip)] = length === 0 ? undefined : { eip, mode, bytes };
  }
  clear(): void {
    this.#steps = [];
  }
}
