/**
 * A queue of bytes whose cost does not grow with its length: a pasted file may wait for hours at the serial
 * port of a guest that reads one byte at a time.
 */

/** Taken bytes are dropped from the array once they are this many and the larger half. */
const COMPACT_AT = 4096;

export class ByteQueue {
  #bytes: number[];
  #head = 0;

  constructor(bytes: readonly number[] = []) {
    this.#bytes = [...bytes];
  }

  get length(): number {
    return this.#bytes.length - this.#head;
  }

  push(byte: number): void {
    this.#bytes.push(byte & 0xff);
  }

  shift(): number | undefined {
    if (this.length === 0) return undefined;
    const byte = this.#bytes[this.#head++];
    if (this.#head >= COMPACT_AT && this.#head * 2 > this.#bytes.length) {
      this.#bytes = this.#bytes.slice(this.#head);
      this.#head = 0;
    }
    return byte;
  }

  /** Puts bytes back in front, in their order. */
  unshift(bytes: readonly number[]): void {
    if (bytes.length === 0) return;
    this.#bytes = [...bytes, ...this.toArray()];
    this.#head = 0;
  }

  toArray(): number[] {
    return this.#bytes.slice(this.#head);
  }
}
