/**
 * Text in guest images and guest memory: zero-terminated bytes. The emulator has neither TextEncoder nor
 * TextDecoder (they belong to the host), and needs little: ASCII in, UTF-8 out.
 */

/** Characters up to the terminating zero, `end` or the end of `bytes`; bytes above 0x7f as Latin-1. */
export function readText(bytes: Uint8Array, offset: number, end: number = bytes.length): string {
  const limit = Math.min(end, bytes.length);
  let text = '';
  for (let at = offset; at < limit && bytes[at] !== 0; at++) text += String.fromCharCode(bytes[at]);
  return text;
}

/** UTF-8 without a terminating zero; lone surrogates become U+FFFD. */
export function encodeText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), continuation(code, 0));
    else if (code < 0x10000)
      bytes.push(0xe0 | (code >> 12), continuation(code, 6), continuation(code, 0));
    else
      bytes.push(
        0xf0 | (code >> 18),
        continuation(code, 12),
        continuation(code, 6),
        continuation(code, 0),
      );
  }
  return Uint8Array.from(bytes);
}

const continuation = (code: number, shift: number): number => 0x80 | ((code >> shift) & 0x3f);
