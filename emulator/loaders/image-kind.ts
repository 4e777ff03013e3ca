/**
 * Names what a file looks like, for the message that it is no guest: a debugger's user has mostly taken
 * the neighbour of the right file, so the message says what the file is and which one to take instead.
 */
import { ELF_MACHINE, ELF_TYPE, isElf } from '../formats/elf.ts';
import { readText } from '../formats/text.ts';

/** What it is ("a gzip archive"), and what to do about it, both fit for the middle of a sentence. */
export interface ImageKind {
  readonly looksLike: string;
  readonly remedy: string;
}

interface Signature extends ImageKind {
  readonly at: number;
  /** Characters up to U+00FF stand for bytes. */
  readonly magic: string;
}

const UNPACK = 'unpack it first';
const COMPRESSED_KERNEL = 'unpack it, or name the vmlinuz (bzImage) that it was made from';
const FROM_PACKAGE = 'unpack the package and name the vmlinuz in its boot folder';
const NAME_KERNEL = 'name the kernel image instead';

// More particular ones first. prettier-ignore
// prettier-ignore
const SIGNATURES: readonly Signature[] = [
  { at: 0,     magic: '\x1f\x8b',            looksLike: 'a gzip archive (an initrd, perhaps)', remedy: COMPRESSED_KERNEL },
  { at: 0,     magic: '\xfd7zXZ\0',          looksLike: 'an xz archive',                       remedy: COMPRESSED_KERNEL },
  { at: 0,     magic: '\x28\xb5\x2f\xfd',    looksLike: 'a zstd archive',                      remedy: COMPRESSED_KERNEL },
  { at: 0,     magic: 'BZh',                 looksLike: 'a bzip2 archive',                     remedy: COMPRESSED_KERNEL },
  { at: 0,     magic: '\x04\x22\x4d\x18',    looksLike: 'an lz4 archive',                      remedy: COMPRESSED_KERNEL },
  { at: 0,     magic: '!<arch>\ndebian-binary', looksLike: 'a Debian package',                 remedy: FROM_PACKAGE },
  { at: 0,     magic: '!<arch>\n',           looksLike: 'a static library',                    remedy: NAME_KERNEL },
  { at: 0,     magic: '\xed\xab\xee\xdb',    looksLike: 'an RPM package',                      remedy: FROM_PACKAGE },
  { at: 0,     magic: 'PK\x03\x04',          looksLike: 'a zip archive',                       remedy: UNPACK },
  { at: 257,   magic: 'ustar',               looksLike: 'a tar archive',                       remedy: UNPACK },
  { at: 0,     magic: '07070',               looksLike: 'a cpio archive (an initramfs)',       remedy: 'give it as guest.initrd and name the kernel here' },
  { at: 32769, magic: 'CD001',               looksLike: 'a CD image',                          remedy: 'name it in guest.image, or take the kernel out of it' },
  { at: 0,     magic: 'QFI\xfb',             looksLike: 'a qcow2 disk image',                  remedy: 'take the kernel out of it' },
  { at: 0,     magic: 'KDMV',                looksLike: 'a VMDK disk image',                   remedy: 'take the kernel out of it' },
  { at: 0,     magic: 'hsqs',                looksLike: 'a squashfs file system',              remedy: 'take the kernel out of it' },
  { at: 1080,  magic: '\x53\xef',            looksLike: 'an ext file system',                  remedy: 'take the kernel out of it' },
  { at: 0,     magic: '\x27\x05\x19\x56',    looksLike: 'a U-Boot image',                      remedy: 'name the bzImage that it was made from' },
  { at: 0,     magic: '\xd6\x50\x52\xe8',    looksLike: 'a multiboot 2 image',                 remedy: 'use a multiboot 1 kernel' },
  { at: 0,     magic: '\xcf\xfa\xed\xfe',    looksLike: 'a Mach-O program',                    remedy: 'name a kernel for x86 PCs' },
  { at: 0,     magic: '\0asm',               looksLike: 'a WebAssembly module',                remedy: NAME_KERNEL },
  { at: 0,     magic: '\x7fELF',             looksLike: 'an ELF file',                         remedy: NAME_KERNEL },
  { at: 0,     magic: 'MZ',                  looksLike: 'a DOS, Windows or EFI program',       remedy: NAME_KERNEL },
  { at: 0,     magic: '#!',                  looksLike: 'a script',                            remedy: NAME_KERNEL },
  { at: 0,     magic: 'version https://git-lfs', looksLike: 'a Git LFS pointer',               remedy: 'run "git lfs pull"' },
  { at: 0,     magic: '<',                   looksLike: 'an HTML or XML page (a failed download, perhaps)', remedy: 'download the kernel again' },
];

/** Best guess at what `image` is; always an answer. */
export function imageKind(image: Uint8Array): ImageKind {
  if (image.length === 0) return { looksLike: 'empty', remedy: 'build or download it again' };
  if (isElf(image)) return elfKind(image);
  const known = SIGNATURES.find(({ at, magic }) => startsWith(image, at, magic));
  if (known?.looksLike.startsWith('a DOS') === true) return programKind(image) ?? known;
  if (known !== undefined) return known;
  if (isText(image)) return { looksLike: 'a text file', remedy: NAME_KERNEL };
  if (image.every((byte) => byte === 0)) {
    return { looksLike: 'a file of zeros', remedy: 'build or download it again' };
  }
  return {
    looksLike: 'raw data',
    remedy: 'set guest.format to "flat" to load it as a raw binary, or name a kernel image',
  };
}

/** Machines by e_machine, as a sentence calls them. */
const MACHINES: { readonly [machine: number]: string } = {
  [ELF_MACHINE.I386]: 'x86',
  [ELF_MACHINE.X86_64]: 'x86-64',
  [ELF_MACHINE.ARM]: 'ARM',
  [ELF_MACHINE.AARCH64]: 'ARM64',
  [ELF_MACHINE.RISCV]: 'RISC-V',
};
const ELF_KINDS: { readonly [type: number]: string } = {
  [ELF_TYPE.REL]: 'object file',
  [ELF_TYPE.EXEC]: 'program',
  [ELF_TYPE.DYN]: 'program or shared library',
  [ELF_TYPE.CORE]: 'core dump',
};

function elfKind(image: Uint8Array): ImageKind {
  const little = image[5] !== 2;
  const word = (at: number): number =>
    little ? image[at] | (image[at + 1] << 8) : (image[at] << 8) | image[at + 1];
  const machine = MACHINES[word(18)] ?? `machine ${word(18)}`;
  const looksLike = `an ELF ${ELF_KINDS[word(16)] ?? 'file'} for ${machine}`;
  if (machine === 'x86') {
    return {
      looksLike: `${looksLike} without a multiboot header or a PVH entry`,
      remedy:
        'name the bzImage (arch/x86/boot/bzImage) of a Linux kernel, whose vmlinux belongs in "symbols", build it with CONFIG_PVH, or link a multiboot header into its first 8 KiB',
    };
  }
  return { looksLike, remedy: 'name a kernel for 32-bit x86' };
}

/** Tells PE programs apart by the machine in their header. */
function programKind(image: Uint8Array): ImageKind | undefined {
  if (image.length < 0x40) return undefined;
  const at = image[0x3c] | (image[0x3d] << 8) | (image[0x3e] << 16);
  if (!startsWith(image, at, 'PE\0\0')) return undefined;
  const machine = image[at + 4] | (image[at + 5] << 8);
  const names: { readonly [machine: number]: string } = {
    0x14c: 'x86',
    0x8664: 'x86-64',
    0xaa64: 'ARM64',
    0x1c0: 'ARM',
  };
  return {
    looksLike: `a PE program (Windows or EFI) for ${names[machine] ?? `machine ${machine}`}`,
    remedy: 'name a Linux bzImage for 32-bit x86 or a multiboot kernel',
  };
}

function startsWith(image: Uint8Array, at: number, magic: string): boolean {
  if (at + magic.length > image.length) return false;
  for (let index = 0; index < magic.length; index++) {
    if (image[at + index] !== magic.charCodeAt(index)) return false;
  }
  return true;
}

/** Printable ASCII, tabs and line ends only, as far as the first half KiB. */
function isText(image: Uint8Array): boolean {
  const head = image.subarray(0, 512);
  return /^[\t\n\r\x20-\x7e]+$/.test(readText(head, 0)) && !head.includes(0);
}
