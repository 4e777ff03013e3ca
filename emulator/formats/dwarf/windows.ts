/**
 * Reading at an offset of a section what does not say how long it is (abbreviations, lists, texts): in
 * windows that grow until it fits.
 */
import type { ByteSource } from '../byte-source.ts';
import { FormatError } from '../format-error.ts';
import { readText } from '../text.ts';
import { DwarfReader } from './dwarf-reader.ts';

const FIRST_WINDOW = 512;
const FIRST_TEXT = 128;
/** A longer text is cut. */
const MOST_TEXT = 0x10000;

/** What `parse` makes of the bytes at `at`; it may be called several times. Throws FormatError. */
export function readAt<Result>(
  name: string,
  section: ByteSource,
  at: number,
  parse: (reader: DwarfReader) => Result,
  window: number = FIRST_WINDOW,
): Result {
  const left = section.length - at;
  if (!Number.isSafeInteger(at) || at < 0 || left <= 0)
    throw new FormatError('malformed', `The section ${name} is damaged: it has no offset 0x${at.toString(16)}.`); // prettier-ignore
  for (let length = window; ; length *= 4) {
    const isAll = length >= left;
    try {
      return parse(new DwarfReader(name, section.read(at, Math.min(length, left))));
    } catch (error) {
      if (isAll || !(error instanceof FormatError)) throw error;
    }
  }
}

/** Text at an offset of .debug_str or .debug_line_str, "" where there is none. */
export function textAt(section: ByteSource, at: number): string {
  const left = Math.min(section.length - at, MOST_TEXT);
  for (let length = FIRST_TEXT; left > 0; length *= 8) {
    const bytes = section.read(at, Math.min(length, left));
    if (bytes.includes(0) || length >= left) return readText(bytes, 0);
  }
  return '';
}
