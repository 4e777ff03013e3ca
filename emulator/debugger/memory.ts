/**
 * Guest memory as a debugger sees it: linear addresses through the guest's page tables without a trace
 * in them, guest-physical ones directly. Only RAM is shown; reading a device could change it.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { AddressSpace, MemoryRange } from '../debug-port.ts';

const PAGE = 4096;
const SPACE_SIZE = 2 ** 32;
/** Most bytes of one answer. */
const LONGEST = 16 << 20;

/** Guest-physical address, or null where there is no RAM. */
function ramAddress(cpu: Cpu, space: AddressSpace, address: number): number | null {
  const physical = space === 'linear' ? cpu.memory.peek(address) : address;
  return physical !== null && cpu.memory.isRam(physical, 1) ? physical : null;
}

function checkedRange(address: number, count: number): number {
  if (!Number.isInteger(address) || address < 0 || !Number.isInteger(count) || count < 0) {
    throw new RangeError(`${String(count)} bytes at ${String(address)} are no range of memory.`);
  }
  return Math.min(count, LONGEST, Math.max(0, SPACE_SIZE - address));
}

/** Pieces of a range, none of which crosses a page. */
function* pieces(address: number, count: number): Generator<{ at: number; length: number }> {
  for (let at = address; at < address + count;) {
    const length = Math.min(PAGE - (at % PAGE), address + count - at);
    yield { at, length };
    at += length;
  }
}

export function readMemory(
  cpu: Cpu,
  space: AddressSpace,
  address: number,
  count: number,
): MemoryRange {
  const length = checkedRange(address, count);
  const bytes = new Uint8Array(length);
  let readable = 0;
  let unreadable = 0;
  for (const piece of pieces(address, length)) {
    const physical = ramAddress(cpu, space, piece.at);
    if (physical === null) {
      unreadable += piece.length;
      continue;
    }
    if (unreadable > 0) break;
    const found = cpu.memory.readRam(physical, piece.length);
    if (found === null) break;
    bytes.set(found, readable);
    readable += piece.length;
  }
  // what lies beyond the address space or the longest answer is not readable either
  const asked = readable + unreadable === length ? count - readable : unreadable;
  return { address, bytes: bytes.slice(0, readable), unreadable: asked };
}

/** Writes up to the first byte that is not RAM; returns how many bytes. */
export function writeMemory(
  cpu: Cpu,
  space: AddressSpace,
  address: number,
  bytes: Uint8Array,
): number {
  const length = checkedRange(address, bytes.length);
  let written = 0;
  for (const piece of pieces(address, length)) {
    const physical = ramAddress(cpu, space, piece.at);
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
  if (!Number.isInteger(address) || address < 0 || address + size > SPACE_SIZE) return null;
  const { bytes } = readMemory(cpu, space, address, size);
  if (bytes.length < size) return null;
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
