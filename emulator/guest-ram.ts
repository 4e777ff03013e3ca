/** Guest RAM as a loader writes it: by physical address, nothing outside. */
import type { GuestRam } from './loaders/loader.ts';
import type { MemoryMap } from './memory/memory-map.ts';

export function guestRam(buffer: ArrayBufferLike, map: MemoryMap): GuestRam {
  const bytes = new Uint8Array(buffer, map.ram, map.ramSize);
  const check = (address: number, count: number): void => {
    if (!Number.isInteger(address) || address < 0 || address + count > map.ramSize) {
      throw new RangeError(
        `${String(count)} bytes at 0x${address.toString(16)} are outside guest RAM`,
      );
    }
  };
  return {
    size: map.ramSize,
    write(address, source) {
      check(address, source.length);
      bytes.set(source, address);
    },
    fill(address, count, value) {
      check(address, count);
      bytes.fill(value, address, address + count);
    },
  };
}
