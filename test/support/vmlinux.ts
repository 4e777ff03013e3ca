/**
 * The vmlinux inside a bzImage, as a guest of its own: what the kernel's decompressor unpacks, from the
 * place that the header names (Linux Documentation/arch/x86/boot.rst, payload_offset). Debian compresses
 * it with xz, so xz must be there.
 */
import { execFileSync } from 'node:child_process';
import { parseBzImage, setupField } from '../../emulator/formats/bzimage-header.ts';

/** Bytes that the build puts behind the payload: the size of what comes out. */
const SIZE_WORD = 4;

/** The ELF file. Throws an Error when xz is missing or the payload is something else. */
export function vmlinuxOf(image: Uint8Array): Uint8Array {
  const { version, protectedMode } = parseBzImage(image);
  const offset = setupField(image, version, 'payload_offset');
  const length = setupField(image, version, 'payload_length');
  const input = protectedMode.subarray(offset, offset + length - SIZE_WORD);
  return execFileSync('xz', ['-dc', '--single-stream'], { input, maxBuffer: 1 << 28 });
}
