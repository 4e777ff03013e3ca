/**
 * Little-endian structures in guest memory at addresses that the guest chose: any 64-bit number may
 * come. What is not RAM is told by null or false and has no effect.
 */
import type { Wide } from '../hypervisor/guest-interface.ts';
import type { GuestMemory } from '../hypervisor/vcpu.ts';
import type { Outsider } from '../memory/outsider.ts';

/**
 * The address in a register whose low bits are flags. Beyond 2^53 it is no longer exact, but then it is
 * no RAM either.
 */
export function addressOf(value: Wide, flags: number): number {
  return value.high * 0x1_0000_0000 + ((value.low & ~flags) >>> 0);
}

export function readU32(memory: GuestMemory, address: number): number | null {
  const bytes = memory.readPhysical(address, 4);
  if (bytes === null) return null;
  return (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
}

/** Unsigned 32-bit words in a row. */
export function writeWords(
  memory: GuestMemory,
  address: number,
  words: readonly number[],
  by: Outsider,
): boolean {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => view.setUint32(index * 4, word, true));
  return memory.writePhysical(address, bytes, by);
}

/** A non-negative integer below 2^53 as low and high word. */
export function words64(value: number): readonly [low: number, high: number] {
  return [value % 0x1_0000_0000, Math.floor(value / 0x1_0000_0000)];
}
