/**
 * Bytes as text: base64 (RFC 4648) for memory in protocol messages, UTF-8 for the serial console. Written
 * here because neither Node nor a browser may be assumed in this folder.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function encodeBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    const digit = (shift: number): string => ALPHABET.charAt((bits >> shift) & 63);
    pieces.push(
      digit(18) +
        digit(12) +
        (b === undefined ? '=' : digit(6)) +
        (c === undefined ? '=' : digit(0)),
    );
  }
  return pieces.join('');
}

/** null for text that is no base64; padding may be missing. */
export function decodeBase64(text: string): Uint8Array | null {
  const digits = text.replace(/={1,2}$/, '');
  if (digits.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const character of digits) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return null;
    bits = ((bits << 6) | value) & 0xfffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = bits >> held;
  }
  return bytes;
}

const REPLACEMENT = 0xfffd;

/** Decodes UTF-8 that arrives in pieces; what is malformed becomes U+FFFD. */
export class Utf8Decoder {
  /** Code point so far, bytes still to come, and the least code point that needed so many bytes. */
  private code = 0;
  private missing = 0;
  private least = 0;

  decode(bytes: Uint8Array): string {
    const points: number[] = [];
    for (const byte of bytes) {
      if (this.missing > 0) {
        if ((byte & 0xc0) === 0x80) {
          this.code = (this.code << 6) | (byte & 0x3f);
          if (--this.missing === 0) points.push(this.valid() ? this.code : REPLACEMENT);
          continue;
        }
        this.missing = 0;
        points.push(REPLACEMENT);
      }
      if (byte < 0x80) points.push(byte);
      else if ((byte & 0xe0) === 0xc0) this.start(byte & 0x1f, 1, 0x80);
      else if ((byte & 0xf0) === 0xe0) this.start(byte & 0x0f, 2, 0x800);
      else if ((byte & 0xf8) === 0xf0) this.start(byte & 0x07, 3, 0x10000);
      else points.push(REPLACEMENT);
    }
    return textOf(points);
  }

  private start(code: number, missing: number, least: number): void {
    this.code = code;
    this.missing = missing;
    this.least = least;
  }

  private valid(): boolean {
    const surrogate = this.code >= 0xd800 && this.code <= 0xdfff;
    return this.code >= this.least && this.code <= 0x10ffff && !surrogate;
  }
}

function textOf(points: readonly number[]): string {
  const pieces: string[] = [];
  for (let at = 0; at < points.length; at += 4096)
    pieces.push(String.fromCodePoint(...points.slice(at, at + 4096)));
  return pieces.join('');
}
