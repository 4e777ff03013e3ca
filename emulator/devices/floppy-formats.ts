/**
 * Diskettes of the PC by their size: geometry, the data rates at which a controller finds their sectors, and
 * the drive that they belong into as CMOS memory (10h) names it. Sectors have 512 bytes. The numbers from 6 on
 * are SeaBIOS's, which alone knows them.
 */

export interface FloppyFormat {
  readonly name: string;
  readonly cylinders: number;
  readonly heads: number;
  readonly sectorsPerTrack: number;
  /** Values of the rate select bits: 0 is 500, 1 is 300, 2 is 250, 3 is 1000 Kbit/s. */
  readonly rates: readonly number[];
  readonly cmosType: number;
}

export const FLOPPY_SECTOR = 512;

// prettier-ignore
export const FLOPPY_FORMATS = [
  { name: '160K',  cylinders: 40, heads: 1, sectorsPerTrack: 8,  rates: [1, 2], cmosType: 6 },
  { name: '180K',  cylinders: 40, heads: 1, sectorsPerTrack: 9,  rates: [1, 2], cmosType: 7 },
  { name: '320K',  cylinders: 40, heads: 2, sectorsPerTrack: 8,  rates: [1, 2], cmosType: 8 },
  { name: '360K',  cylinders: 40, heads: 2, sectorsPerTrack: 9,  rates: [1, 2], cmosType: 1 },
  { name: '720K',  cylinders: 80, heads: 2, sectorsPerTrack: 9,  rates: [2],    cmosType: 3 },
  { name: '1.2M',  cylinders: 80, heads: 2, sectorsPerTrack: 15, rates: [0],    cmosType: 2 },
  { name: '1.44M', cylinders: 80, heads: 2, sectorsPerTrack: 18, rates: [0],    cmosType: 4 },
  { name: '2.88M', cylinders: 80, heads: 2, sectorsPerTrack: 36, rates: [3],    cmosType: 5 },
] as const satisfies readonly FloppyFormat[];

export function floppyBytes({ cylinders, heads, sectorsPerTrack }: FloppyFormat): number {
  return cylinders * heads * sectorsPerTrack * FLOPPY_SECTOR;
}

/** The format of exactly so many bytes, if there is one. */
export function floppyOfSize(bytes: number): FloppyFormat | undefined {
  return FLOPPY_FORMATS.find((format) => floppyBytes(format) === bytes);
}

/** The usual format with room for so many bytes: 1.44M if that is enough; undefined beyond 2.88M. */
export function floppyWithRoom(bytes: number): FloppyFormat | undefined {
  const exact = floppyOfSize(bytes);
  if (exact !== undefined) return exact;
  return FLOPPY_FORMATS.filter(({ heads, sectorsPerTrack }) => heads * sectorsPerTrack >= 36).find(
    (format) => floppyBytes(format) >= bytes,
  );
}
