/**
 * The multiboot 1 header: a kernel's request to its boot loader, somewhere in the first 8192 bytes of
 * the image (Multiboot Specification 0.6.96, 3.1). Read here; loaders/multiboot.ts acts on it. The wish
 * for a video mode is read over: the display adapter starts in text mode.
 */
import { FormatError, hex } from './format-error.ts';

export const MULTIBOOT_MAGIC = 0x1badb002;
/** What a loader leaves in EAX for the kernel. */
export const MULTIBOOT_LOADER_MAGIC = 0x2badb002;
/** Header flags; bits 0-15 must be understood by a loader. */
export const MULTIBOOT_FLAG = { PAGE_ALIGN: 1, MEMORY_INFO: 2, VIDEO_MODE: 4, ADDRESSES: 0x10000 } as const; // prettier-ignore
const UNDERSTOOD = MULTIBOOT_FLAG.PAGE_ALIGN | MULTIBOOT_FLAG.MEMORY_INFO | MULTIBOOT_FLAG.VIDEO_MODE; // prettier-ignore
const SEARCHED = 8192;

/** The "a.out kludge": where a file that is no ELF goes. Physical addresses; ends are exclusive. */
export interface MultibootAddresses {
  readonly header: number;
  readonly loadStart: number;
  /** 0: to the end of the file. */
  readonly loadEnd: number;
  /** 0: no zeroed memory after the load. */
  readonly bssEnd: number;
  readonly entry: number;
}

export interface MultibootHeader {
  /** File offset of the magic. */
  readonly offset: number;
  readonly flags: number;
  /** Present when bit 16 of the flags is set. */
  readonly addresses: MultibootAddresses | null;
}

/** The header, or null where there is none with a right checksum. Throws FormatError for a bad one. */
export function findMultibootHeader(bytes: Uint8Array): MultibootHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(bytes.length, SEARCHED) - 12;
  for (let at = 0; at <= end; at += 4) {
    if (view.getUint32(at, true) !== MULTIBOOT_MAGIC) continue;
    const flags = view.getUint32(at + 4, true);
    if (((MULTIBOOT_MAGIC + flags + view.getUint32(at + 8, true)) & 0xffffffff) !== 0) continue;
    const unknown = flags & 0xffff & ~UNDERSTOOD;
    if (unknown !== 0) {
      throw new FormatError(
        'unsupported',
        `The multiboot header demands features ${hex(unknown)} that multiboot 1 does not define: use a multiboot 1 kernel.`,
      );
    }
    return { offset: at, flags, addresses: readAddresses(view, at, flags) };
  }
  return null;
}

function readAddresses(view: DataView, at: number, flags: number): MultibootAddresses | null {
  if ((flags & MULTIBOOT_FLAG.ADDRESSES) === 0) return null;
  if (at + 32 > view.byteLength) {
    throw new FormatError('truncated', 'The image ends within its multiboot header.');
  }
  const addresses = {
    header: view.getUint32(at + 12, true),
    loadStart: view.getUint32(at + 16, true),
    loadEnd: view.getUint32(at + 20, true),
    bssEnd: view.getUint32(at + 24, true),
    entry: view.getUint32(at + 28, true),
  };
  const { header, loadStart, loadEnd, bssEnd } = addresses;
  if (
    header - loadStart > at ||
    header < loadStart ||
    (loadEnd !== 0 && loadEnd < loadStart) ||
    (bssEnd !== 0 && bssEnd < loadEnd)
  ) {
    throw new FormatError(
      'malformed',
      `The load addresses of the multiboot header contradict each other (header ${hex(header)}, load ${hex(loadStart)} to ${hex(loadEnd)}, bss to ${hex(bssEnd)}).`,
    );
  }
  return addresses;
}
