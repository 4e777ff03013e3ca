/**
 * Bytes that are read by ranges: a file that is too large to hold, a section of one, or bytes that are in
 * memory anyway. The parsers of this folder take either.
 */
import { FormatError, hex } from './format-error.ts';

export interface ByteSource {
  /** Bytes. */
  readonly length: number;
  /**
   * `length` bytes from `offset`, a view or a copy, which the reader must not write to and may keep. Throws
   * FormatError when they are not all there, and what the host has to say of a file that cannot be read.
   */
  read(offset: number, length: number): Uint8Array;
  /** The same into bytes of the reader's, all of them, for who reads hundreds of megabytes through. */
  readInto?(offset: number, target: Uint8Array): void;
}

/** Bytes that are in memory, not copied. */
export function bytesSource(bytes: Uint8Array, what = 'file'): ByteSource {
  return {
    length: bytes.length,
    read(offset, length) {
      checkRange(offset, length, bytes.length, what);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A part of a source, which must lie within it. Throws FormatError. */
export function partOf(
  whole: ByteSource,
  start: number,
  size: number,
  what = 'section',
): ByteSource {
  checkRange(start, size, whole.length, what);
  return {
    length: size,
    read(offset, length) {
      checkRange(offset, length, size, what);
      return whole.read(start + offset, length);
    },
    readInto(offset, target) {
      checkRange(offset, target.length, size, what);
      if (whole.readInto === undefined) target.set(whole.read(start + offset, target.length));
      else whole.readInto(start + offset, target);
    },
  };
}

/** Throws FormatError for a range that is not within `size` bytes. @param what the bytes are of */
export function checkRange(offset: number, length: number, size: number, what: string): void {
  if (offset >= 0 && length >= 0 && offset + length <= size) return;
  throw new FormatError(
    'truncated',
    `The ${what} ends at ${size} bytes, but something in it lies at ${hex(offset)}.`,
  );
}
