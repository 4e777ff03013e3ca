/**
 * The setup header of a Linux bzImage, which lies at file offset 0x1f1 and says how the kernel wants to
 * be loaded (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"). Every field is a row
 * with the protocol version that brought it: a field that the kernel's version does not have is not
 * there, whatever the bytes are. The same rows write the copy that goes into the zero page.
 *
 * Old kernels without "HdrS" (before 1.3.73) and zImages, which load at 0x10000, are refused.
 */
import { setU64 } from './e820.ts';
import { bytesText, FormatError, hex } from './format-error.ts';
import { readText } from './text.ts';

// Field, offset in the file, bytes, protocol that brought it, and what a boot loader does with it.
// prettier-ignore
const FIELDS = {
  setup_sects:           { offset: 0x1f1, size: 1, since: 0x000, access: 'read' },
  root_flags:            { offset: 0x1f2, size: 2, since: 0x000, access: 'modify' },
  syssize:               { offset: 0x1f4, size: 4, since: 0x204, access: 'read' },
  ram_size:              { offset: 0x1f8, size: 2, since: 0x000, access: 'kernel' },
  vid_mode:              { offset: 0x1fa, size: 2, since: 0x000, access: 'modify' },
  root_dev:              { offset: 0x1fc, size: 2, since: 0x000, access: 'modify' },
  boot_flag:             { offset: 0x1fe, size: 2, since: 0x000, access: 'read' },
  jump:                  { offset: 0x200, size: 2, since: 0x200, access: 'read' },
  header:                { offset: 0x202, size: 4, since: 0x200, access: 'read' },
  version:               { offset: 0x206, size: 2, since: 0x200, access: 'read' },
  realmode_swtch:        { offset: 0x208, size: 4, since: 0x200, access: 'modify' },
  start_sys_seg:         { offset: 0x20c, size: 2, since: 0x200, access: 'read' },
  kernel_version:        { offset: 0x20e, size: 2, since: 0x200, access: 'read' },
  type_of_loader:        { offset: 0x210, size: 1, since: 0x200, access: 'write' },
  loadflags:             { offset: 0x211, size: 1, since: 0x200, access: 'modify' },
  setup_move_size:       { offset: 0x212, size: 2, since: 0x200, access: 'modify' },
  code32_start:          { offset: 0x214, size: 4, since: 0x200, access: 'modify' },
  ramdisk_image:         { offset: 0x218, size: 4, since: 0x200, access: 'write' },
  ramdisk_size:          { offset: 0x21c, size: 4, since: 0x200, access: 'write' },
  bootsect_kludge:       { offset: 0x220, size: 4, since: 0x200, access: 'kernel' },
  heap_end_ptr:          { offset: 0x224, size: 2, since: 0x201, access: 'write' },
  ext_loader_ver:        { offset: 0x226, size: 1, since: 0x202, access: 'write' },
  ext_loader_type:       { offset: 0x227, size: 1, since: 0x202, access: 'write' },
  cmd_line_ptr:          { offset: 0x228, size: 4, since: 0x202, access: 'write' },
  initrd_addr_max:       { offset: 0x22c, size: 4, since: 0x203, access: 'read' },
  kernel_alignment:      { offset: 0x230, size: 4, since: 0x205, access: 'modify' },
  relocatable_kernel:    { offset: 0x234, size: 1, since: 0x205, access: 'read' },
  min_alignment:         { offset: 0x235, size: 1, since: 0x20a, access: 'read' },
  xloadflags:            { offset: 0x236, size: 2, since: 0x20c, access: 'read' },
  cmdline_size:          { offset: 0x238, size: 4, since: 0x206, access: 'read' },
  hardware_subarch:      { offset: 0x23c, size: 4, since: 0x207, access: 'write' },
  hardware_subarch_data: { offset: 0x240, size: 8, since: 0x207, access: 'write' },
  payload_offset:        { offset: 0x248, size: 4, since: 0x208, access: 'read' },
  payload_length:        { offset: 0x24c, size: 4, since: 0x208, access: 'read' },
  setup_data:            { offset: 0x250, size: 8, since: 0x209, access: 'write' },
  pref_address:          { offset: 0x258, size: 8, since: 0x20a, access: 'read' },
  init_size:             { offset: 0x260, size: 4, since: 0x20a, access: 'read' },
  handover_offset:       { offset: 0x264, size: 4, since: 0x20b, access: 'read' },
  kernel_info_offset:    { offset: 0x268, size: 4, since: 0x20f, access: 'read' },
} as const satisfies Record<string, SetupFieldRow>;

export interface SetupFieldRow {
  readonly offset: number;
  readonly size: 1 | 2 | 4 | 8;
  readonly since: number;
  readonly access: 'read' | 'modify' | 'write' | 'kernel';
}
export type SetupField = keyof typeof FIELDS;
export const SETUP_FIELDS: { readonly [name in SetupField]: SetupFieldRow } = FIELDS;

/** Bits of loadflags. */
export const LOADFLAGS = { LOADED_HIGH: 1, KASLR: 2, QUIET: 0x20, KEEP_SEGMENTS: 0x40, CAN_USE_HEAP: 0x80 } as const; // prettier-ignore
/** Bits of xloadflags. */
export const XLOADFLAGS = { KERNEL_64: 1, CAN_BE_LOADED_ABOVE_4G: 2, EFI_HANDOVER_32: 4, EFI_HANDOVER_64: 8, EFI_KEXEC: 16 } as const; // prettier-ignore

/** First byte of the header, in the file and in the zero page alike. */
export const SETUP_HEADER_START = 0x1f1;
const MAGIC = 0x53726448; // "HdrS"
const SECTOR = 512;

/** Values for kernels whose protocol does not say (boot.rst, fields initrd_addr_max and cmdline_size). */
const DEFAULT_INITRD_ADDR_MAX = 0x37ffffff;
const DEFAULT_CMDLINE_SIZE = 255;

/** Room for a kernel unpacked, in sizes of the packed one, before protocol 2.10 says how much. */
const UNPACKED_RATIO = 3;

export interface BzImage {
  /** Protocol version, 0x20f for 2.15. */
  readonly version: number;
  /** "6.1.0-50-686 (debian-kernel@lists.debian.org) #1 SMP …", or empty. */
  readonly kernelVersion: string;
  /** Bytes 0x1f1 to the header's own end, as they are to be copied into the zero page. */
  readonly setupHeader: Uint8Array;
  /** The part that runs in real mode: boot sector and setup code, with the header in it; not copied. */
  readonly realMode: Uint8Array;
  /** The part that runs in protected mode; not copied. */
  readonly protectedMode: Uint8Array;
  readonly relocatable: boolean;
  /** Bytes, a power of two; 1 where the kernel says nothing. */
  readonly alignment: number;
  /** Alignment that it runs with when it must, at most `alignment`. */
  readonly minimumAlignment: number;
  /** Where it would like to run, or null before protocol 2.10. */
  readonly preferredAddress: number | null;
  /** Bytes it needs from where it runs before it has read its memory map. */
  readonly initSize: number;
  /** Address of the highest byte that an initrd may occupy. */
  readonly initrdAddressMax: number;
  /** Characters, without the terminating zero. */
  readonly commandLineSize: number;
  /** The kernel is for x86-64: only known from protocol 2.12 on. */
  readonly is64: boolean;
}

/** True for a file with the header's magic; parseBzImage may still refuse it. */
export function isBzImage(bytes: Uint8Array): boolean {
  return bytes.length >= 0x210 && read(bytes, FIELDS.header) === MAGIC;
}

/** Reads and checks the header. Throws FormatError. */
export function parseBzImage(bytes: Uint8Array): BzImage {
  if (!isBzImage(bytes)) {
    throw new FormatError('foreign', 'The file has no Linux setup header ("HdrS" at 0x202).');
  }
  const version = read(bytes, FIELDS.version);
  if (version < 0x202) {
    throw new FormatError(
      'unsupported',
      `The kernel speaks boot protocol ${protocolText(version)}, older than 2.02 (Linux 2.4): use a newer kernel.`,
    );
  }
  const end = 0x202 + bytes[0x201];
  if (bytes.length < end) throw truncated(bytes.length, end);
  const get = (name: SetupField): number => setupField(bytes, version, name);
  if ((get('loadflags') & LOADFLAGS.LOADED_HIGH) === 0) {
    throw new FormatError(
      'unsupported',
      'The file is a zImage, which loads below 1 MiB: build the kernel with "make bzImage".',
    );
  }
  const start = ((get('setup_sects') || 4) + 1) * SECTOR;
  // syssize counts paragraphs of 16 bytes, the last of which may be short
  const size = get('syssize') * 16;
  if (bytes.length < Math.max(start + 1, start + size - 15))
    throw truncated(bytes.length, start + size);
  const alignment = get('kernel_alignment') || 1;
  if ((alignment & (alignment - 1)) !== 0) {
    throw new FormatError(
      'malformed',
      `The kernel's header asks for an alignment of ${hex(alignment)}, which is no power of two: the image is damaged.`,
    );
  }
  const minimum = get('min_alignment');
  const versionAt = get('kernel_version');
  const protectedMode = bytes.subarray(start, size > 0 ? start + size : undefined);
  return {
    version,
    kernelVersion: versionAt === 0 ? '' : readText(bytes, versionAt + 0x200, start),
    setupHeader: bytes.subarray(SETUP_HEADER_START, end),
    realMode: bytes.subarray(0, start),
    protectedMode,
    relocatable: get('relocatable_kernel') !== 0,
    alignment,
    minimumAlignment: minimum > 0 && minimum < 32 ? Math.min(alignment, 2 ** minimum) : alignment,
    preferredAddress: version >= 0x20a ? get('pref_address') : null,
    initSize:
      version >= 0x20a
        ? Math.max(get('init_size'), protectedMode.length)
        : protectedMode.length * UNPACKED_RATIO,
    initrdAddressMax: version >= 0x203 ? get('initrd_addr_max') : DEFAULT_INITRD_ADDR_MAX,
    commandLineSize: version >= 0x206 ? get('cmdline_size') : DEFAULT_CMDLINE_SIZE,
    is64: (get('xloadflags') & XLOADFLAGS.KERNEL_64) !== 0,
  };
}

function truncated(length: number, promised: number): FormatError {
  return new FormatError(
    'truncated',
    `The kernel image ends at ${length} bytes, but its header promises ${promised}: it was cut off, so copy or download it again.`,
  );
}

/** A field of an image or zero page, 0 where the version does not have it. */
export function setupField(bytes: Uint8Array, version: number, name: SetupField): number {
  const row = SETUP_FIELDS[name];
  return version >= row.since ? read(bytes, row) : 0;
}

/**
 * Writes a field of the header in a zero page. Does nothing when the version does not have the field:
 * "make sure only to set fields supported by the protocol version in use".
 */
export function setSetupField(
  page: Uint8Array,
  version: number,
  name: SetupField,
  value: number,
): void {
  const { offset, size, since } = SETUP_FIELDS[name];
  if (version < since) return;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  if (size === 1) view.setUint8(offset, value);
  else if (size === 2) view.setUint16(offset, value, true);
  else if (size === 4) view.setUint32(offset, value, true);
  else setU64(view, offset, value);
}

/** All fields of an image that its version has, in the order of the header. */
export function setupFields(bytes: Uint8Array): readonly { name: SetupField; value: number }[] {
  const version = read(bytes, FIELDS.version);
  const names = Object.keys(SETUP_FIELDS) as SetupField[];
  return names
    .filter((name) => SETUP_FIELDS[name].since <= version)
    .map((name) => ({ name, value: read(bytes, SETUP_FIELDS[name]) }));
}

/** "2.15" for 0x20f. */
export const protocolText = (version: number): string =>
  `${version >> 8}.${String(version & 0xff).padStart(2, '0')}`;

/** "protocol 2.15, 5.42 MiB" and more, for a summary. */
export function describeBzImage(image: BzImage): string {
  const name = image.kernelVersion === '' ? 'Linux' : `Linux ${image.kernelVersion.split(' ')[0]}`;
  return `${name}, boot protocol ${protocolText(image.version)}, ${bytesText(image.protectedMode.length)}`;
}

function read(bytes: Uint8Array, { offset, size }: SetupFieldRow): number {
  let value = 0;
  for (let index = size - 1; index >= 0; index--) {
    const at = offset + index;
    value = value * 256 + (at < bytes.length ? bytes[at] : 0);
  }
  return value;
}
