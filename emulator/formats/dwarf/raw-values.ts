/**
 * Values of debugging entries read straight from bytes (DWARF 5, 7.6), for walks over millions of them.
 * Nothing throws here: behind the end a typed array has no bytes, so that a place comes out that is behind
 * the end or not a number, which whoever walks must look for.
 */

/** Low 32 bits of an unsigned number in LEB128. */
export function lebAt(bytes: Uint8Array, start: number): number {
  let value = 0;
  for (let at = start, shift = 0; ; at++, shift += 7) {
    const byte = bytes[at];
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (!(byte >= 0x80)) return value >>> 0;
  }
}

/** The place behind a number in LEB128. */
export function skipLeb(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at] >= 0x80) at++;
  return at + 1;
}

/** The place behind a text that ends with a zero byte. */
export function skipText(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== 0) at++;
  return at + 1;
}

/** A little-endian number of up to 8 bytes, of which the low 53 bits count; of 0 bytes, a flag that is there. */
export function wordAt(bytes: Uint8Array, at: number, size: number): number {
  switch (size) {
    case 0:
      return 1;
    case 1:
      return bytes[at];
    case 2:
      return bytes[at] | (bytes[at + 1] << 8);
    case 3:
      return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    default: {
      const low =
        (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
      return size === 8 ? low + (wordAt(bytes, at + 4, 4) & 0x1fffff) * 0x1_0000_0000 : low;
    }
  }
}
