/** Looks for bytes in guest memory, in pieces, so that the guest and other requests get their turns. */
import type { AddressSpace } from '../../emulator/debug-port.ts';
import type { MachineClient } from './machine-client.ts';

/** Bytes looked through at a time. */
const PIECE = 1 << 20;

interface SearchArea {
  readonly start: number;
  readonly length: number;
  /** Places that are enough. */
  readonly most: number;
  /** Asked before each piece but the first with the bytes looked through; false ends the search. */
  readonly goOn?: (looked: number) => boolean;
}

/** Addresses at which `pattern` stands, in order; what cannot be read is stepped over. */
export async function findInMemory(
  machine: MachineClient,
  space: AddressSpace,
  pattern: Uint8Array,
  { start, length, most, goOn }: SearchArea,
): Promise<readonly number[]> {
  const found: number[] = [];
  const end = start + length;
  for (let at = start; at < end && found.length < most;) {
    if (at > start && goOn?.(at - start) === false) break;
    const size = Math.min(PIECE + pattern.length - 1, end - at);
    const range = await machine.call('readMemory', space, at, size);
    for (const place of placesOf(range.bytes, pattern)) found.push(at + place);
    const readable = Math.max(range.bytes.length - pattern.length + 1, 0);
    at += range.unreadable > 0 ? range.bytes.length + range.unreadable : Math.max(readable, 1);
  }
  return found.slice(0, most);
}

function* placesOf(bytes: Uint8Array, pattern: Uint8Array): Generator<number> {
  const [first = 0] = pattern;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + pattern.length > bytes.length) return;
    if (pattern.every((byte, offset) => bytes[at + offset] === byte)) yield at;
  }
}
