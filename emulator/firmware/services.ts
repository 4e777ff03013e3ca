/**
 * The BIOS services of services.s as a piece of memory, with what the loader tells them: where to go when
 * they are set up, and how much memory there is. They lie at the end of the first MiB, where a PC has its
 * BIOS, in memory that the guest is told to be reserved.
 */
import type { MemoryMapEntry } from '../formats/e820.ts';
import { encodeE820, ramFrom } from '../formats/e820.ts';
import { SERVICES_HEX } from './services-bytes.ts';

export const SERVICES = {
  /** Guest-physical, of the first byte. */
  address: 0xff000,
  size: 0x1000,
  /** Where they are entered in real mode; the stack does not matter. */
  entry: { cs: 0xf000, ip: 0xf200 },
} as const;

/** Offsets of the words that are filled in; as in services.s. */
const AT = {
  bootIp: 0, bootCs: 2, bootSp: 4, bootDs: 6, lowMemory: 8, extended: 10, below16M: 12, above16M: 14,
  mapEntries: 16, map: 18,
} as const; // prettier-ignore
const MAP_LIMIT = 24;

const KIB = 0x400;
const MIB = 0x100000;
const SIXTEEN_MIB = 16 * MIB;

export interface ServicesSetup {
  /** Where the guest starts in real mode, and its DS, ES, FS, GS and SS with SP. */
  readonly start: { readonly cs: number; readonly ip: number; readonly ds: number; readonly sp: number }; // prettier-ignore
  readonly memoryMap: readonly MemoryMapEntry[];
}

/** Contents of memory at SERVICES.address. Throws RangeError for a map of more than 24 entries. */
export function servicesImage({ start, memoryMap }: ServicesSetup): Uint8Array {
  if (memoryMap.length > MAP_LIMIT) {
    throw new RangeError(`a memory map of ${memoryMap.length} entries, more than ${MAP_LIMIT}`);
  }
  const image = fromHex(SERVICES_HEX);
  const view = new DataView(image.buffer);
  const word = (offset: number, value: number): void => view.setUint16(offset, value, true);
  const low = ramFrom(memoryMap, 0);
  const high = ramFrom(memoryMap, MIB);
  word(AT.bootIp, start.ip);
  word(AT.bootCs, start.cs);
  word(AT.bootSp, start.sp);
  word(AT.bootDs, start.ds);
  word(AT.lowMemory, Math.floor(low / KIB));
  word(AT.extended, Math.min(Math.floor(high / KIB), 0xfc00));
  word(AT.below16M, Math.floor(Math.min(high, SIXTEEN_MIB - MIB) / KIB));
  word(AT.above16M, Math.floor(Math.max(0, high - (SIXTEEN_MIB - MIB)) / (64 * KIB)));
  word(AT.mapEntries, memoryMap.length);
  image.set(encodeE820(memoryMap), AT.map);
  return image;
}

function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}
