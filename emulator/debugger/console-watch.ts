/**
 * Texts for which a debugger waits on the serial line COM1: each is looked for in the bytes as the guest
 * sends them, so that the machine can stop right after the one that completes it. By Knuth, Morris and
 * Pratt's automaton: a byte costs one step whatever the guest sends.
 */

interface Watched {
  readonly text: Uint8Array;
  /** For each length of what has matched: how long a start of the text its end is too. */
  readonly shorter: readonly number[];
  /** Bytes of the text that the newest bytes match. */
  matched: number;
}

export class ConsoleWatch {
  #watched: readonly Watched[] = [];
  #found: number | null = null;

  /** Replaces the texts; one that was watched before keeps what it has matched. Empty ones never match. */
  set(texts: readonly Uint8Array[]): void {
    const before = this.#watched;
    this.#watched = texts.map((text) => {
      const known = before.find((each) => isSame(each.text, text));
      return known ?? { text, shorter: borders(text), matched: 0 };
    });
    this.#found = null;
  }

  /** Takes the next byte; true when it completes a text. */
  see(byte: number): boolean {
    let found: number | null = null;
    for (const [index, watched] of this.#watched.entries()) {
      if (advance(watched, byte)) found ??= index;
    }
    this.#found ??= found;
    return found !== null;
  }

  /** Index of the text that was completed since the last call; null: none. */
  take(): number | null {
    const found = this.#found;
    this.#found = null;
    return found;
  }
}

function advance(watched: Watched, byte: number): boolean {
  const { text, shorter } = watched;
  if (text.length === 0) return false;
  while (watched.matched > 0 && text[watched.matched] !== byte) {
    watched.matched = shorter[watched.matched];
  }
  if (text[watched.matched] === byte) watched.matched++;
  if (watched.matched < text.length) return false;
  watched.matched = shorter[watched.matched];
  return true;
}

function borders(text: Uint8Array): readonly number[] {
  const shorter = [0, 0];
  for (let length = 2; length <= text.length; length++) {
    let border = shorter[length - 1];
    while (border > 0 && text[border] !== text[length - 1]) border = shorter[border];
    shorter.push(text[border] === text[length - 1] ? border + 1 : 0);
  }
  return shorter;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
