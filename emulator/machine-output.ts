/**
 * What a machine has to say to its host: the bytes of its serial port COM1 and notices about what the
 * guest did. They are kept until the host takes them; a run returns when too much waits.
 */

/** Serial bytes that wait for the host before run() returns to let it take them. */
const BACKLOG = 1 << 16;
const MOST_NOTICES = 256;

export class MachineOutput {
  /** Sees each byte that COM1 sends; true ends the run after the access that sent it. */
  observer: ((byte: number) => boolean) | null = null;
  #bytes: number[] = [];
  #seen = false;
  #notices: string[] = [];

  /** COM1 sends a byte. */
  send(byte: number): void {
    this.#bytes.push(byte);
    if (this.observer?.(byte) === true) this.#seen = true;
  }
  /** Whether the observer has wanted the run to end; once. */
  takeSeen(): boolean {
    const seen = this.#seen;
    this.#seen = false;
    return seen;
  }
  /** Bytes that take() would give. */
  get waiting(): number {
    return this.#bytes.length;
  }
  get isFull(): boolean {
    return this.#bytes.length > BACKLOG;
  }
  take(): Uint8Array {
    const bytes = Uint8Array.from(this.#bytes);
    this.#bytes = [];
    return bytes;
  }

  /** Something that a user should know, one sentence; no more than a screenful are kept. */
  notice(text: string): void {
    if (this.#notices.length < MOST_NOTICES) this.#notices.push(text);
  }
  takeNotices(): readonly string[] {
    const notices = this.#notices;
    this.#notices = [];
    return notices;
  }
}
