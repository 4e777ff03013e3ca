/**
 * System.map, the symbol list that a Linux build leaves beside the kernel (the output of nm -n): lines of
 * an address, a letter for the kind and a name. Addresses of a 64-bit kernel are cut to their low half.
 */
import type { Symbol } from './symbol-table.ts';

const SPACE = 0x20;
const NEWLINE = 0x0a;
const LINE = /^([0-9a-f]{8,16}) ([A-Za-z?]) (\S+)/;

/** Throws Error with a sentence when the file is none. */
export function parseSystemMap(bytes: Uint8Array): readonly Symbol[] {
  const symbols: Symbol[] = [];
  for (const line of lines(bytes)) {
    const [, address = '', kind = '', name = ''] = LINE.exec(line) ?? [];
    if (name === '') throw new Error('it is neither an ELF file nor a System.map');
    // Absolute and undefined names are no addresses of the guest.
    if (kind === 'A' || kind === 'a' || kind === 'U') continue;
    symbols.push({ name, address: Number.parseInt(address.slice(-8), 16), size: 0 });
  }
  if (symbols.length === 0) throw new Error('there are no symbols in it');
  return symbols;
}

/** Lines as ASCII; stops early in a file that is no text. */
function* lines(bytes: Uint8Array): Generator<string, void, undefined> {
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    if (end > start && (bytes[start] ?? 0) >= SPACE)
      yield String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 512)));
    else if (end > start) throw new Error('it is neither an ELF file nor a System.map');
    start = end + 1;
  }
}
