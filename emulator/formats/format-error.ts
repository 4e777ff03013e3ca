/** What the parsers of this folder throw: a file is not what it should be, said in one sentence. */

export type FormatErrorKind =
  /** Not this format at all: the magic is missing. */
  | 'foreign'
  /** The file ends before something that its headers promise. */
  | 'truncated'
  /** The format, but a variant that is not read here (big-endian, a zImage, …). */
  | 'unsupported'
  /** Its headers contradict themselves. */
  | 'malformed';

export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly kind: FormatErrorKind;

  /** @param message a sentence about "the file", without its name. */
  constructor(kind: FormatErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** "0x100000", for sentences and names. */
export const hex = (value: number): string =>
  value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;

/** "1536 bytes", "23.4 MiB": exact where it is a whole number of KiB or MiB or small. */
export function bytesText(count: number): string {
  if (count >= 1 << 20) return `${trimmed(count / (1 << 20))} MiB`;
  if (count >= 1 << 14) return `${trimmed(count / (1 << 10))} KiB`;
  return count === 1 ? '1 byte' : `${count} bytes`;
}

const trimmed = (value: number): string => value.toFixed(2).replace(/\.?0+$/, '');
