/**
 * What a BIOS machine boots from, and what kind of medium an image file is: a boot sector, a floppy image, a
 * hard disk, or a CD (ISO 9660, ECMA-119; "El Torito" bootable CD-ROM format specification 1.0). The file says
 * it: a CD has its volume descriptors at sector 16, a floppy the size of one, a disk a partition table. What
 * is smaller than a floppy and has no partitions, as a boot sector that somebody has just assembled, is put
 * onto a floppy.
 */
import { FLOPPY_FORMATS, floppyBytes, floppyOfSize, floppyWithRoom } from './floppy-formats.ts';
import type { FloppyFormat } from './floppy-formats.ts';

export const MEDIUM_KINDS = ['floppy', 'disk', 'cdrom'] as const;
export type MediumKind = (typeof MEDIUM_KINDS)[number];

export type BootMedium =
  | { readonly kind: 'floppy'; readonly image: Uint8Array; readonly format: FloppyFormat }
  | { readonly kind: 'disk' | 'cdrom'; readonly image: Uint8Array };

const CONVERT = 'convert it with "qemu-img convert -O raw"';
const UNPACK = 'unpack it';
/** Files in which an image is wrapped, by their first bytes. None of them is a boot sector. */
const CONTAINERS = [
  { name: 'a qcow2 image', magic: [0x51, 0x46, 0x49, 0xfb], remedy: CONVERT },
  { name: 'a VMDK image', magic: [0x4b, 0x44, 0x4d, 0x56], remedy: CONVERT },
  {
    name: 'a VHDX image',
    magic: [0x76, 0x68, 0x64, 0x78, 0x66, 0x69, 0x6c, 0x65],
    remedy: CONVERT,
  },
  { name: 'a gzip archive', magic: [0x1f, 0x8b, 0x08], remedy: UNPACK },
  { name: 'an xz archive', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], remedy: UNPACK },
  { name: 'a zip archive', magic: [0x50, 0x4b, 0x03, 0x04], remedy: UNPACK },
] as const;

/** What an image cannot be: a sentence's end ("is …") with the remedy. */
export interface MediumProblem {
  readonly problem: string;
}

const CD_SECTOR = 2048;
const DESCRIPTORS = 16 * CD_SECTOR;
/** "CD001" */
const CD_IDENTIFIER = [0x43, 0x44, 0x30, 0x30, 0x31] as const;
const PARTITIONS = 0x1be;
const PARTITION_BYTES = 16;
const SMALLEST_DISK = 512;

/**
 * The medium of an image, as which it was asked for or as which it looks. A problem is for the file ("a
 * truncated CD image") unless it says otherwise.
 */
export function bootMedium(
  image: Uint8Array,
  wanted: 'auto' | MediumKind,
): BootMedium | MediumProblem {
  if (image.length === 0) return { problem: 'is empty: build or download it again' };
  const wrapped = CONTAINERS.find(({ magic }) => magic.every((byte, at) => image[at] === byte));
  if (wrapped !== undefined) return { problem: `is ${wrapped.name}: ${wrapped.remedy}` };
  const kind = wanted === 'auto' ? kindOf(image) : wanted;
  if (kind === 'cdrom') return cdrom(image);
  if (kind === 'floppy') return floppy(image);
  if (image.length >= SMALLEST_DISK) return { kind, image };
  return { problem: 'is smaller than one sector of 512 bytes: build it again' };
}

function kindOf(image: Uint8Array): MediumKind {
  if (isIso9660(image)) return 'cdrom';
  if (floppyOfSize(image.length) !== undefined) return 'floppy';
  if (hasPartitions(image)) return 'disk';
  return image.length < floppyBytes(largest()) / 2 ? 'floppy' : 'disk';
}

function largest(): FloppyFormat {
  return FLOPPY_FORMATS[FLOPPY_FORMATS.length - 1];
}

function floppy(image: Uint8Array): BootMedium | MediumProblem {
  const format = floppyWithRoom(image.length);
  if (format !== undefined) return { kind: 'floppy', image, format };
  return {
    problem: `is larger than a floppy of ${largest().name}: set guest.medium to "disk" or "auto"`,
  };
}

function cdrom(image: Uint8Array): BootMedium | MediumProblem {
  if (!isIso9660(image)) {
    return {
      problem:
        'has no ISO 9660 volume descriptor, so that it is no CD image: set guest.medium to "auto"',
    };
  }
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  // volume space size of the primary descriptor, in logical blocks (ECMA-119, 8.4.8)
  const sectors = view.getUint32(DESCRIPTORS + 80, true);
  if (sectors * CD_SECTOR > image.length) {
    return {
      problem: `is cut off: its volume has ${sectors} sectors of 2048 bytes, the file ${Math.floor(image.length / CD_SECTOR)}: download it again`,
    };
  }
  const hasBootRecord = descriptors(image).some((type) => type === 0);
  if (hasBootRecord) return { kind: 'cdrom', image };
  return {
    problem:
      'is a CD image without an El Torito boot record, from which nothing boots: make it with a boot image (xorriso -b, genisoimage -b)',
  };
}

/** Types of the volume descriptors, up to the terminator (ECMA-119, 8.1). */
function descriptors(image: Uint8Array): readonly number[] {
  const types: number[] = [];
  for (let at = DESCRIPTORS; isDescriptor(image, at) && image[at] !== 0xff; at += CD_SECTOR) {
    types.push(image[at]);
  }
  return types;
}

function isIso9660(image: Uint8Array): boolean {
  return isDescriptor(image, DESCRIPTORS) && image[DESCRIPTORS] === 1;
}

function isDescriptor(image: Uint8Array, at: number): boolean {
  if (at + CD_SECTOR > image.length) return false;
  return CD_IDENTIFIER.every((byte, index) => image[at + 1 + index] === byte);
}

/** A master boot record with an entry that could be one: status 00h or 80h, a type, a size. */
function hasPartitions(image: Uint8Array): boolean {
  if (image.length < 512 || image[510] !== 0x55 || image[511] !== 0xaa) return false;
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const entries = [0, 1, 2, 3].map((number) => PARTITIONS + number * PARTITION_BYTES);
  if (entries.some((at) => (image[at] & 0x7f) !== 0)) return false;
  return entries.some((at) => image[at + 4] !== 0 && view.getUint32(at + 12, true) !== 0);
}
