/**
 * A CD image that boots (ISO 9660, ECMA-119; "El Torito" bootable CD-ROM format specification 1.0) and has
 * nothing else on it: volume descriptors, an empty root directory, a boot catalog with one image that is
 * started without emulation.
 */

const SECTOR = 2048;
const PLACE = {
  PRIMARY: 16,
  BOOT_RECORD: 17,
  TERMINATOR: 18,
  CATALOG: 19,
  ROOT: 20,
  BOOT: 21,
} as const;
/** Virtual sectors of 512 bytes that firmware loads: the image's first. */
const LOADED = 4;

export interface IsoOptions {
  /** Without it there is no boot record. */
  readonly boot?: Uint8Array;
}

export function isoImage({ boot }: IsoOptions): Uint8Array {
  const bootSectors = Math.ceil((boot?.length ?? 0) / SECTOR);
  const sectors = PLACE.BOOT + bootSectors;
  const image = new Uint8Array(sectors * SECTOR);
  const place = (sector: number, offset: number, bytes: ArrayLike<number>): void => {
    image.set(bytes, sector * SECTOR + offset);
  };
  const root = directoryRecord(PLACE.ROOT);
  place(PLACE.PRIMARY, 0, [1, ...text('CD001'), 1]);
  place(PLACE.PRIMARY, 8, text('LINUX'.padEnd(32)));
  place(PLACE.PRIMARY, 40, text('GUESTSCOPE'.padEnd(32)));
  place(PLACE.PRIMARY, 80, both32(sectors));
  place(PLACE.PRIMARY, 120, [...both16(1), ...both16(1), ...both16(SECTOR)]);
  place(PLACE.PRIMARY, 156, root);
  place(PLACE.PRIMARY, 881, [1]);
  place(PLACE.ROOT, 0, root);
  place(PLACE.ROOT, root.length, [...root.slice(0, 33), 1]);
  const last = boot === undefined ? PLACE.BOOT_RECORD : PLACE.TERMINATOR;
  place(last, 0, [0xff, ...text('CD001'), 1]);
  if (boot === undefined) return image;
  place(PLACE.BOOT_RECORD, 0, [0, ...text('CD001'), 1, ...text('EL TORITO SPECIFICATION')]);
  place(PLACE.BOOT_RECORD, 71, little32(PLACE.CATALOG));
  place(PLACE.CATALOG, 0, validationEntry());
  place(PLACE.CATALOG, 32, [0x88, 0, 0, 0, 0, 0, LOADED, 0, ...little32(PLACE.BOOT)]);
  place(PLACE.BOOT, 0, boot);
  return image;
}

/** Platform 80x86, and the words of all 32 bytes add up to zero (2.1). */
function validationEntry(): Uint8Array {
  const entry = new Uint8Array(32);
  entry.set([1, 0]);
  entry.set([0x55, 0xaa], 30);
  const view = new DataView(entry.buffer);
  let sum = 0;
  for (let at = 0; at < 32; at += 2) sum += view.getUint16(at, true);
  view.setUint16(28, -sum & 0xffff, true);
  return entry;
}

/** A directory's record of itself (ECMA-119, 9.1). */
function directoryRecord(sector: number): readonly number[] {
  const date = [107, 2, 4, 18, 44, 54, 0];
  return [
    34, 0, ...both32(sector), ...both32(SECTOR), ...date, 2, 0, 0, ...both16(1), 1, 0,
  ]; // prettier-ignore
}

function text(characters: string): readonly number[] {
  return [...Buffer.from(characters, 'latin1')];
}
function little32(value: number): readonly number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
}
function both32(value: number): readonly number[] {
  return [...little32(value), ...little32(value).toReversed()];
}
function both16(value: number): readonly number[] {
  return [value & 0xff, value >> 8, value >> 8, value & 0xff];
}
