/**
 * Guest memory as a debugger sees it: linear addresses through the guest's page tables without a trace
 * in them, guest-physical ones directly. Only RAM and ROM are shown; reading a device could change it.
 */
import type { Cpu } from '../cpu/cpu.ts';
import { linear } from '../memory/address.ts';
import type { AddressSpace, MemoryRange } from '../debug-port.ts';

const PAGE = 4096;
/** Bytes of each space: 32 bits of linear address, 36 of physical (PAE, SDM vol. 3, 4.4). */
export const SPACE_SIZE = { linear: 2 ** 32, physical: 2 ** 36 } as const;
/** Most bytes of one answer. */
const LONGEST = 64 << 20;

/** Guest-physical address, or null where there is neither RAM nor ROM. */
function memoryAddress(cpu: Cpu, space: AddressSpace, address: number): number | null {
  const physical = space === 'linear' ? cpu.memory.peek(linear(address)) : address;
  return physical !== null && cpu.memory.isMemory(physical, 1, false) ? physical : null;
}

/** Throws RangeError unless it is an address of the space. */
export function checkedAddress(space: AddressSpace, address: number): number {
  const last = SPACE_SIZE[space] - 1;
  if (Number.isInteger(address) && address >= 0 && address <= last) return address;
  throw new RangeError(
    `${String(address)} is no ${space} address: give a whole number from 0 to 0x${last.toString(16)}.`,
  );
}

/** How many of the bytes lie in the space; throws RangeError for what is no range at all. */
function checkedCount(space: AddressSpace, address: number, count: number): number {
  if (!Number.isInteger(count) || count < 0 || count > LONGEST) {
    throw new RangeError(
      `${String(count)} is no number of bytes: give a whole number from 0 to ${String(LONGEST)}.`,
    );
  }
  return Math.min(count, SPACE_SIZE[space] - checkedAddress(space, address));
}

/** The pieces of a range, none of which crosses a page. */
function* pieces(address: number, count: number): Generator<{ at: number; length: number }> {
  for (let at = address; at < address + count;) {
    const length = Math.min(PAGE - (at % PAGE), address + count - at);
    yield { at, length };
    at += length;
  }
}

function readPiece({ memory }: Cpu, physical: number, length: number): Uint8Array | null {
  return memory.readRam(physical, length) ?? memory.readRom(physical, length);
}

/** Throws RangeError for an address or a count that is none. */
export function readMemory(
  cpu: Cpu,
  space: AddressSpace,
  address: number,
  count: number,
): MemoryRange {
  const inside = checkedCount(space, address, count);
  const bytes = new Uint8Array(inside);
  let readable = 0;
  let unreadable = 0;
  for (const piece of pieces(address, inside)) {
    const physical = memoryAddress(cpu, space, piece.at);
    const found = physical === null ? null : readPiece(cpu, physical, piece.length);
    if (found === null) {
      unreadable += piece.length;
      continue;
    }
    // a hole that has ended
    if (unreadable > 0) return { address, bytes: bytes.slice(0, readable), unreadable };
    bytes.set(found, readable);
    readable += piece.length;
  }
  // beyond the end of the space there is nothing either
  return { address, bytes: bytes.slice(0, readable), unreadable: count - readable };
}

/** Writes up to the first byte that is not RAM; returns how many bytes. Throws as readMemory. */
export function writeMemory(
  cpu: Cpu,
  space: AddressSpace,
  address: number,
  bytes: Uint8Array,
): number {
  const inside = checkedCount(space, address, bytes.length);
  let written = 0;
  for (const piece of pieces(address, inside)) {
    const physical = memoryAddress(cpu, space, piece.at);
    if (physical === null) break;
    if (!cpu.memory.writeRam(physical, bytes.subarray(written, written + piece.length))) break;
    written += piece.length;
  }
  return written;
}

/** Little-endian unsigned value, or null where memory cannot be read. */
export function readValue(
  cpu: Cpu,
  space: AddressSpace,
  address: number,
  size: 1 | 2 | 4,
): number | null {
  if (!Number.isInteger(address) || address < 0 || address + size > SPACE_SIZE[space]) return null;
  const { bytes } = readMemory(cpu, space, address, size);
  if (bytes.length < size) return null;
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
