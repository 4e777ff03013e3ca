/**
 * The guest kernel's memory during one look at it. Lists are walked a few bytes at a time, so whole pages
 * are fetched and kept until the look is over; a page is never fetched twice. What the guest has written
 * there can be anything: how much one look may fetch is bounded, and what cannot be read is an error that
 * the row which needed it tells.
 */
import { Utf8Decoder } from '../host/encoding.ts';
import { formatAddress } from '../display/memory-reference.ts';

/** Bytes at a linear address; fewer where the rest cannot be read. */
export type ReadMemory = (address: number, count: number) => Promise<Uint8Array>;

/** Why something of the kernel cannot be told; one sentence. */
export class KernelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KernelError';
  }
}

const PAGE = 4096;
/** Longer ranges are not kept: they are buffers, which are read once. */
const LONGEST_KEPT = 4 * PAGE;
const PIECE = 1 << 20;
/** Bytes that one look fetches at most. */
const MOST_BYTES = 1 << 28;
const TOP = 2 ** 32;

export class KernelMemory {
  private readonly read: ReadMemory;
  private readonly pages = new Map<number, Promise<Uint8Array>>();
  private fetched = 0;

  constructor(read: ReadMemory) {
    this.read = read;
  }

  /** All of them; throws KernelError when some cannot be read. */
  async bytes(address: number, count: number): Promise<Uint8Array> {
    const bytes = await this.readable(address, count);
    if (bytes.length === count) return bytes;
    throw new KernelError(`Memory at ${formatAddress(address + bytes.length)} cannot be read.`);
  }

  /** As far as it can be read without a gap. */
  async readable(address: number, count: number): Promise<Uint8Array> {
    const size = Math.min(count, TOP - address);
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const at = address + filled;
      const left = size - filled;
      const some = count > LONGEST_KEPT ? await this.fetch(at, Math.min(left, PIECE)) : (await this.page(at)).subarray(at % PAGE); // prettier-ignore
      if (some.length === 0) break;
      bytes.set(some.subarray(0, left), filled);
      filled += some.length;
    }
    return bytes.subarray(0, Math.min(filled, size));
  }

  /** A table or a buffer, read at once: as it is now, whatever the guest does meanwhile. Throws KernelError. */
  async copy(address: number, count: number): Promise<KernelMemory> {
    const bytes = await this.bytes(address, count);
    // whole pages are asked for: the first begins before the copy
    const start = address - (address % PAGE);
    const padded = new Uint8Array(address - start + count);
    padded.set(bytes, address - start);
    return new KernelMemory((at, size) =>
      Promise.resolve(at < start ? new Uint8Array(0) : padded.subarray(at - start, at - start + size)),
    ); // prettier-ignore
  }

  /** An unsigned integer of 1, 2, 4 or 8 bytes. */
  async integer(address: number, size: number): Promise<bigint> {
    const bytes = await this.bytes(address, size);
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  async pointer(address: number): Promise<number> {
    return Number(await this.integer(address, 4));
  }

  /** Up to a zero, or to `most` characters; bytes above 0x7f as UTF-8. */
  async text(address: number, most: number): Promise<string> {
    return textOf(await this.readable(address, most));
  }

  private page(address: number): Promise<Uint8Array> {
    const start = address - (address % PAGE);
    let page = this.pages.get(start);
    if (page === undefined) {
      page = this.fetch(start, PAGE);
      this.pages.set(start, page);
    }
    return page;
  }

  private async fetch(address: number, count: number): Promise<Uint8Array> {
    this.fetched += count;
    if (this.fetched > MOST_BYTES)
      throw new KernelError('The guest’s lists lead through more memory than is looked through.');
    return this.read(address, count);
  }
}

/** Characters up to the first zero. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new Utf8Decoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
